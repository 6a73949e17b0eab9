//! `/tinyp2p/session/1.0.0`, both roles, written from docs/session.md alone: the second, independent peer of it.
//!
//! `asker` and `answerer` are state machines without a socket or a clock: bytes and times go in, bytes and told things
//! come out. `pump` runs one of them over a stream, `behaviour` brings the streams, and `node` carries out the commands.

mod answerer;
mod answers;
mod asker;
mod attacks;
pub mod behaviour;
pub mod commands;
mod frame;
#[cfg(test)]
mod golden;
pub mod node;
mod pump;
mod reader;
#[cfg(test)]
mod talk;
mod value;
mod varint;

pub use answerer::Limits;
pub use answers::Answer;

use serde_json::Value;

pub const PROTOCOL: libp2p::StreamProtocol = libp2p::StreamProtocol::new("/tinyp2p/session/1.0.0");

/// What the other side did wrong: the session ends with it.
pub type Violation = String;

/// What a state machine has to say to the one who drives this process.
#[derive(Debug, PartialEq)]
pub enum Told {
    /// An event line.
    Event(Value),
    /// The answer to the command with this id.
    Result(Value, Result<Value, String>),
}

/// What `pump` runs over a stream. Times are milliseconds since the stream was opened.
pub trait Machine: Send + 'static {
    type Order: Send + 'static;

    fn role(&self) -> &'static str;
    /// Somebody in this process wants something.
    fn order(&mut self, order: Self::Order, now: u64);
    /// An order that came when the session had ended: what is told of it.
    fn too_late(order: Self::Order, why: &str) -> Option<Told>;
    fn on_bytes(&mut self, bytes: &[u8], now: u64) -> Result<(), Violation>;
    /// The other side closed its write side.
    fn on_end(&mut self);
    /// What is due at `now`.
    fn on_time(&mut self, now: u64);
    /// When `on_time` wants to be called, if at all.
    fn next_time(&self) -> Option<u64>;
    /// Appends what goes into the next write: everything small, and one turn of what is large.
    fn write(&mut self, out: &mut Vec<u8>, now: u64);
    /// What was to be told since the last call.
    fn told(&mut self) -> Vec<Told>;
    /// Requests that are open.
    fn open(&self) -> usize;
    /// What is to become of our write side, once everything is written.
    fn wish(&self) -> Wish;
    /// The stream is gone: everything open is lost.
    fn lost(&mut self, why: &str);
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    GoOn,
    /// Close the write side and go on reading.
    Close,
    Reset,
}
