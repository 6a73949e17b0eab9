//! Owns what is answered to incoming requests: the mode that `--handler` and `setHandler` choose, the slow answers
//! under way, and the channels that are held open and never answered.

use crate::codec::Answer;
use libp2p::request_response::ResponseChannel;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

pub type Channel = ResponseChannel<Answer>;

#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    Echo,
    Reject,
    /// Never answers.
    None,
    /// Echo after a while.
    Slow(Duration),
    /// Answers with that many bytes of 0x61.
    Size(usize),
}

/// The most bytes `size:` may ask for.
const MAX_SIZE: usize = 1 << 30;

impl Mode {
    pub fn parse(text: &str) -> Result<Mode, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|e| format!("handler number {text:?}: {e}"));
        match text.split_once(':') {
            None => match text {
                "echo" => Ok(Mode::Echo),
                "reject" => Ok(Mode::Reject),
                "none" => Ok(Mode::None),
                _ => Err(format!("unknown handler {text:?}")),
            },
            Some(("slow", ms)) => Ok(Mode::Slow(Duration::from_millis(number(ms)?))),
            Some(("size", bytes)) => match number(bytes)? as usize {
                size if size <= MAX_SIZE => Ok(Mode::Size(size)),
                size => Err(format!("handler size {size} is over {MAX_SIZE}")),
            },
            Some(_) => Err(format!("unknown handler {text:?}")),
        }
    }
}

pub struct Handler {
    pub mode: Mode,
    held: Vec<Channel>,
    late: UnboundedSender<(Channel, Vec<u8>)>,
}

impl Handler {
    /// Slow answers come out of the receiving end of `late`.
    pub fn new(mode: Mode, late: UnboundedSender<(Channel, Vec<u8>)>) -> Self {
        Handler { mode, held: Vec::new(), late }
    }

    /// Takes a request; gives back the channel and the answer if it is to be sent now. Dropping the channel is what
    /// rejects.
    pub fn take(&mut self, request: Vec<u8>, channel: Channel) -> Option<(Channel, Vec<u8>)> {
        match self.mode {
            Mode::Echo => Some((channel, request)),
            Mode::Size(size) => Some((channel, vec![0x61; size])),
            Mode::Reject => None,
            Mode::None => {
                self.held.retain(Channel::is_open);
                self.held.push(channel);
                None
            }
            Mode::Slow(wait) => {
                let late = self.late.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    let _ = late.send((channel, request));
                });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_parse() {
        assert_eq!(Mode::parse("slow:20"), Ok(Mode::Slow(Duration::from_millis(20))));
        assert_eq!(Mode::parse("size:0"), Ok(Mode::Size(0)));
        for bad in ["", "slow", "slow:x", "size:-1", "size:99999999999", "other:1"] {
            assert!(Mode::parse(bad).is_err(), "{bad}");
        }
    }
}
