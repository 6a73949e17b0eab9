//! Owns the numbers of the wire: unsigned varints of minimal length, less than 2^53.

use super::Violation;

pub const MAX: u64 = (1 << 53) - 1;
const MAX_BYTES: usize = 8;

pub fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front; `None` when its last byte is not there yet.
pub fn take(bytes: &mut &[u8]) -> Result<Option<u64>, Violation> {
    let mut number = 0u64;
    for (place, byte) in bytes.iter().enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            if *byte == 0 && place > 0 {
                return Err("a varint is not minimal".into());
            }
            if number > MAX {
                return Err("a varint is 2^53 or more".into());
            }
            *bytes = &bytes[place + 1..];
            return Ok(Some(number));
        }
        if place + 1 == MAX_BYTES {
            return Err("a varint is 2^53 or more".into());
        }
    }
    Ok(None)
}

/// As `take`, where the number must be there.
pub fn must(bytes: &mut &[u8], what: &str) -> Result<u64, Violation> {
    take(bytes)?.ok_or_else(|| format!("the frame ends before its {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_leave_what_follows() {
        for number in [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 32, MAX] {
            let mut bytes = vec![];
            put(&mut bytes, number);
            bytes.push(9);
            let mut rest = &bytes[..];
            assert_eq!(take(&mut rest), Ok(Some(number)));
            assert_eq!(rest, [9]);
        }
    }

    #[test]
    fn largest_number_has_eight_bytes() {
        let mut bytes = vec![];
        put(&mut bytes, MAX);
        assert_eq!(bytes, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    }

    #[test]
    fn number_that_is_cut_off_is_not_there_yet() {
        for bytes in [&[][..], &[0x80], &[0xff; 7]] {
            assert_eq!(take(&mut &bytes[..]), Ok(None), "{bytes:?}");
        }
    }

    #[test]
    fn padded_and_huge_numbers_are_refused() {
        let two_to_the_53 = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        for bytes in [&[0x80, 0][..], &[0xff, 0x80, 0], &two_to_the_53, &[0x80; 8]] {
            assert!(take(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
