//! Owns what the answerer says to a request: the mode that `--answer` and `setAnswer` choose, value by value.

use super::attacks::Attack;
use super::frame::Failure;
use crate::pending::numbered;

/// The most bytes a value may be told to have.
const MAX_SIZE: u64 = 1 << 30;

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Echo,
    /// Echo after so many ms.
    Slow(u64),
    /// Never.
    None,
    /// One value of so many bytes of 0x61.
    Size(usize),
    /// So many values of so many bytes; the last one says so, or END does.
    Values {
        count: u64,
        size: usize,
        end: bool,
    },
    /// Values of so many bytes, for ever.
    Endless(usize),
    /// FAIL, after so many values.
    Fail {
        after: u64,
        failure: Failure,
    },
    /// FAIL in the middle of a value of so many bytes.
    FailInside(usize),
    /// Something that the protocol forbids.
    Attack(Attack),
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub enum Step {
    Value {
        data: Vec<u8>,
        last: bool,
    },
    /// A value that will be broken off after its first piece.
    Broken {
        data: Vec<u8>,
        failure: Failure,
    },
    End,
    Fail(Failure),
    /// Nothing any more.
    Never,
}

impl Answer {
    pub fn parse(text: &str) -> Result<Answer, String> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let fields: Vec<&str> = if rest.is_empty() { vec![] } else { rest.split(':').collect() };
        let number = |place: usize| {
            let field = fields.get(place).ok_or_else(|| format!("answer {text:?}: a number is missing"))?;
            field.parse::<u64>().map_err(|e| format!("answer number {field:?}: {e}"))
        };
        let size = |place: usize| match number(place)? {
            size @ 0..=MAX_SIZE => Ok(size as usize),
            size => Err(format!("answer size {size} is over {MAX_SIZE}")),
        };
        let values = |end: bool| match size(1)? {
            0..=3 => Err("a value of a stream has at least 4 bytes, for its index".into()),
            size => Ok(Answer::Values { count: number(0)?, size, end }),
        };
        match (name, fields.len()) {
            ("echo", 0) => Ok(Answer::Echo),
            ("none", 0) => Ok(Answer::None),
            ("slow", 1) => Ok(Answer::Slow(number(0)?)),
            ("size", 1) => Ok(Answer::Size(size(0)?)),
            ("values", 2) => values(false),
            ("values-end", 2) => values(true),
            ("endless", 1) => Ok(Answer::Endless(size(0)?.max(4))),
            ("fail", 3..) => {
                let failure =
                    Failure { code: fields[0].into(), retry_after: number(1)?, message: fields[2..].join(":") };
                Ok(Answer::Fail { after: 0, failure })
            }
            ("fail-after", 2) => {
                Ok(Answer::Fail { after: number(0)?, failure: Failure::new(fields[1], "after some values") })
            }
            ("fail-inside", 1) => Ok(Answer::FailInside(size(0)?)),
            ("attack", 1) => Ok(Answer::Attack(fields[0].parse()?)),
            _ => Err(format!("unknown answer {text:?}")),
        }
    }

    /// How long the answer takes to begin, ms.
    pub fn delay(&self) -> u64 {
        match self {
            Answer::Slow(ms) => *ms,
            _ => 0,
        }
    }

    /// What follows the first `index` values.
    pub fn step(&self, request: &[u8], index: u64) -> Step {
        let whole = |data: Vec<u8>| Step::Value { data, last: true };
        match self {
            Answer::Echo | Answer::Slow(_) => whole(request.to_vec()),
            Answer::Size(size) => whole(vec![0x61; *size]),
            Answer::None | Answer::Attack(_) => Step::Never,
            Answer::Values { count, .. } if index >= *count => Step::End,
            Answer::Values { count, size, end } => {
                Step::Value { data: numbered(index as u32, *size), last: !end && index + 1 == *count }
            }
            Answer::Endless(size) => Step::Value { data: numbered(index as u32, *size), last: false },
            Answer::Fail { after, .. } if index < *after => {
                Step::Value { data: numbered(index as u32, 4), last: false }
            }
            Answer::Fail { failure, .. } => Step::Fail(failure.clone()),
            Answer::FailInside(size) => {
                Step::Broken { data: vec![0x61; *size], failure: Failure::new("Broken", "in the middle of a value") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_parse() {
        assert_eq!(Answer::parse("values:3:4"), Ok(Answer::Values { count: 3, size: 4, end: false }));
        let failure = Failure { code: "Busy".into(), retry_after: 20, message: "a: b".into() };
        assert_eq!(Answer::parse("fail:Busy:20:a: b"), Ok(Answer::Fail { after: 0, failure }));
        for bad in ["", "echo:1", "slow", "size:-1", "size:99999999999", "values:3:3", "fail:x", "attack:kindness"] {
            assert!(Answer::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn last_value_says_so_or_end_does() {
        let steps = |text: &str, count: u64| {
            let answer = Answer::parse(text).unwrap();
            (0..count).map(|index| answer.step(&[], index)).collect::<Vec<_>>()
        };
        let value = |index: u32, last| Step::Value { data: numbered(index, 4), last };
        assert_eq!(steps("values:2:4", 2), [value(0, false), value(1, true)]);
        assert_eq!(steps("values-end:2:4", 3), [value(0, false), value(1, false), Step::End]);
        assert_eq!(steps("values:0:4", 1), [Step::End]);
    }
}
