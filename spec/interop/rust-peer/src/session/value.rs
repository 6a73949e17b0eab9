//! Owns a value that is larger than a frame: its joining at the receiver and its cutting at the sender.

use super::frame::MAX_PAYLOAD;
use super::Violation;

/// A value of which more is to come.
#[derive(Debug)]
pub struct Joining {
    total: u64,
    data: Vec<u8>,
}

impl Joining {
    /// The first frame said that `total` bytes come, and brought some.
    pub fn begin(total: u64, payload: &[u8]) -> Result<Self, Violation> {
        let mut joining = Joining { total, data: vec![] };
        joining.add(true, payload)?;
        Ok(joining)
    }

    /// True when it is whole.
    pub fn add(&mut self, more: bool, payload: &[u8]) -> Result<bool, Violation> {
        let size = (self.data.len() + payload.len()) as u64;
        if size > self.total || more == (size == self.total) {
            let what = if more { "and there is more" } else { "and that is all" };
            return Err(format!("{size} bytes of a value of {}, {what}", self.total));
        }
        self.data.extend_from_slice(payload);
        Ok(!more)
    }

    pub fn missing(&self) -> u64 {
        self.total - self.data.len() as u64
    }

    pub fn into_data(self) -> Vec<u8> {
        self.data
    }
}

/// A value of which some is still to be sent.
#[derive(Debug)]
pub struct Cutting {
    data: Vec<u8>,
    sent: usize,
}

impl Cutting {
    pub fn new(data: Vec<u8>) -> Self {
        Cutting { data, sent: 0 }
    }

    pub fn left(&self) -> usize {
        self.data.len() - self.sent
    }

    /// The next piece that `credit` allows, and whether more follows it.
    pub fn piece(&mut self, credit: u64) -> (&[u8], bool) {
        let size = self.left().min(MAX_PAYLOAD).min(usize::try_from(credit).unwrap_or(usize::MAX));
        self.sent += size;
        (&self.data[self.sent - size..self.sent], self.sent < self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_to_the_value() {
        let data: Vec<u8> = (0..40_000u32).map(|place| place as u8).collect();
        let mut cutting = Cutting::new(data.clone());
        let (first, more) = cutting.piece(10);
        assert!(more);
        let mut joining = Joining::begin(40_000, first).unwrap();
        loop {
            let (piece, more) = cutting.piece(u64::MAX);
            if joining.add(more, piece).unwrap() {
                break;
            }
        }
        assert_eq!((cutting.left(), joining.missing()), (0, 0));
        assert_eq!(joining.into_data(), data);
    }

    #[test]
    fn pieces_that_do_not_add_up_are_refused() {
        assert!(Joining::begin(0, &[]).is_err(), "complete, but with MORE");
        assert!(Joining::begin(2, &[1, 2]).is_err(), "complete, but with MORE");
        assert!(Joining::begin(2, &[1, 2, 3]).is_err(), "too much");
        assert!(Joining::begin(4, &[1]).unwrap().add(false, &[2]).is_err(), "too little at the end");
        assert!(Joining::begin(4, &[1]).unwrap().add(false, &[2; 4]).is_err(), "too much at the end");
    }
}
