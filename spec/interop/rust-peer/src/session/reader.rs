//! Owns the cutting of a byte stream into frames, whatever the chunks in which it comes.

use super::frame::{self, Body, MAX_FRAME, MIN_FRAME};
use super::{varint, Violation};

#[derive(Default)]
pub struct Reader {
    /// Bytes of a frame that is not whole yet.
    rest: Vec<u8>,
    /// A frame has been read: the first one has to be a HELLO.
    greeted: bool,
}

impl Reader {
    /// Takes the next bytes; hands each whole frame to `each`, in order, and stops at the first violation. A frame that
    /// is to be skipped is not handed out.
    pub fn take(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(u64, Body) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        self.rest.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.rest);
        let mut left = &all[..];
        while let Some(body) = next_frame(&mut left)? {
            let read = frame::read(body)?;
            let hello = matches!(read, Some((_, Body::Hello(_))));
            if hello == self.greeted {
                return Err(if hello { "a second HELLO".into() } else { "the first frame is no HELLO".to_string() });
            }
            self.greeted = true;
            if let Some((id, body)) = read {
                each(id, body)?;
            }
        }
        self.rest = left.to_vec();
        Ok(())
    }
}

fn next_frame<'a>(left: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Violation> {
    let mut rest = *left;
    let Some(length) = varint::take(&mut rest)? else {
        return Ok(None);
    };
    if length < MIN_FRAME as u64 || length > MAX_FRAME as u64 {
        return Err(format!("a frame of {length} bytes"));
    }
    if rest.len() < length as usize {
        return Ok(None);
    }
    let (frame, after) = rest.split_at(length as usize);
    *left = after;
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Result<Vec<(u64, Body)>, Violation> {
        let mut reader = Reader::default();
        let mut frames = vec![];
        for chunk in chunks {
            reader.take(chunk, |id, body| {
                frames.push((id, body));
                Ok(())
            })?;
        }
        Ok(frames)
    }

    const BYTES: [u8; 12] = [2, 0, 0, 4, 2, 0x81, 1, 9, 3, 0x88, 0, 0];

    #[test]
    fn frames_are_the_same_wherever_the_bytes_are_cut() {
        let whole = read(&[&BYTES]).unwrap();
        assert_eq!(whole, [(0, Body::Hello(vec![])), (129, Body::Data { more: false, payload: vec![9] })]);
        for place in 0..=BYTES.len() {
            let (a, b) = BYTES.split_at(place);
            assert_eq!(read(&[a, b]).unwrap(), whole, "cut at {place}");
        }
    }

    #[test]
    fn hello_comes_first_and_only_first() {
        assert!(read(&[&BYTES[3..]]).is_err());
        assert!(read(&[&BYTES[8..]]).is_err(), "a frame that would be skipped is no HELLO either");
        assert!(read(&[&BYTES, &BYTES]).is_err());
    }

    #[test]
    fn too_short_and_too_long_frames_are_refused_by_their_length() {
        for length in [&[0u8][..], &[1], &[0x81, 0x88, 1]] {
            assert!(read(&[&BYTES[..3], length]).is_err(), "{length:?}");
        }
        assert!(read(&[&BYTES[..3], &[0x80, 0x88, 1]]).is_ok(), "17,408 is the most");
    }
}
