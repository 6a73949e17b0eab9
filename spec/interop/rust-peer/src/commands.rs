//! Owns the meaning of a line of standard input: JSON to [`Command`], or the text of what is wrong with it.

use crate::{args::peer_address, handler::Mode, output::from_base64, session};
use libp2p::{Multiaddr, PeerId};
use serde_json::Value;

/// Whom to ask, and where they are if the command said so.
pub struct Target {
    pub peer: PeerId,
    pub address: Option<Multiaddr>,
}

pub enum Command {
    Request { target: Target, data: Vec<u8> },
    RequestMany { target: Target, count: u32, size: usize },
    Broadcast { topic: String, data: Vec<u8> },
    KnownPeers,
    Dial { address: Multiaddr },
    Connections,
    Subscribe { topic: String },
    Unsubscribe { topic: String },
    Disconnect { peer: PeerId },
    SetHandler { mode: Mode },
    Mesh { topic: String },
    Session(session::commands::Command),
    Stop,
}

/// The most bytes one `requestMany` may put on its way.
const MAX_MANY: u64 = 1 << 30;

/// The command's id (null if it has none) and what it wants.
pub fn parse(line: &[u8]) -> (Value, Result<Command, String>) {
    match serde_json::from_slice::<Value>(line) {
        Ok(fields) => (fields["id"].clone(), command(&fields)),
        Err(e) => (Value::Null, Err(format!("not JSON: {e}"))),
    }
}

fn command(fields: &Value) -> Result<Command, String> {
    Ok(match text(fields, "cmd")? {
        "request" => Command::Request { target: target(fields)?, data: data(fields)? },
        "requestMany" => many(fields)?,
        "broadcast" => Command::Broadcast { topic: topic(fields)?, data: data(fields)? },
        "knownPeers" => Command::KnownPeers,
        "dial" => {
            let address = text(fields, "address")?.parse().map_err(|e| format!("address: {e}"))?;
            Command::Dial { address }
        }
        "connections" => Command::Connections,
        "subscribe" => Command::Subscribe { topic: topic(fields)? },
        "unsubscribe" => Command::Unsubscribe { topic: topic(fields)? },
        "disconnect" => Command::Disconnect { peer: peer(text(fields, "peer")?)? },
        "setHandler" => Command::SetHandler { mode: Mode::parse(text(fields, "handler")?)? },
        "mesh" => Command::Mesh { topic: topic(fields)? },
        "stop" => Command::Stop,
        other => match session::commands::parse(other, fields) {
            Some(command) => Command::Session(command?),
            None => return Err(format!("unknown command {other:?}")),
        },
    })
}

fn many(fields: &Value) -> Result<Command, String> {
    let number = |name: &str| fields[name].as_u64().ok_or_else(|| format!("{name} must be a number"));
    let (count, size) = (number("count")?, number("size")?);
    if size < 4 {
        return Err("size must be at least 4, for the index".into());
    }
    let count = u32::try_from(count).map_err(|_| "count is too large")?;
    match size.checked_mul(count.max(1).into()) {
        Some(total) if total <= MAX_MANY => {
            Ok(Command::RequestMany { target: target(fields)?, count, size: size as usize })
        }
        _ => Err(format!("count times size is over {MAX_MANY}")),
    }
}

fn text<'a>(fields: &'a Value, name: &str) -> Result<&'a str, String> {
    fields[name].as_str().ok_or_else(|| format!("{name} must be a string"))
}

fn topic(fields: &Value) -> Result<String, String> {
    text(fields, "topic").map(String::from)
}

fn data(fields: &Value) -> Result<Vec<u8>, String> {
    from_base64(text(fields, "data")?)
}

fn peer(text: &str) -> Result<PeerId, String> {
    text.parse().map_err(|e| format!("peer: {e}"))
}

fn target(fields: &Value) -> Result<Target, String> {
    let named = text(fields, "peer")?;
    if named.starts_with('/') {
        let (peer, address) = peer_address(named).map_err(|e| format!("peer: {e}"))?;
        return Ok(Target { peer, address: Some(address) });
    }
    Ok(Target { peer: peer(named)?, address: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_answered_and_keep_their_id() {
        for line in [
            "",
            "nonsense",
            "[]",
            "7",
            r#"{"id":3}"#,
            r#"{"id":3,"cmd":"fly"}"#,
            r#"{"id":3,"cmd":"request","peer":"x","data":""}"#,
            r#"{"id":3,"cmd":"request","peer":"/ip4/127.0.0.1/tcp/1","data":""}"#,
            r#"{"id":3,"cmd":"setAnswer","answer":"maybe"}"#,
            r#"{"id":3,"cmd":"sessionAsk","peer":"x","data":""}"#,
            r#"{"id":3,"cmd":"sessionFly","peer":"x"}"#,
            r#"{"id":3,"cmd":"broadcast","topic":"block","data":"*"}"#,
        ] {
            let (id, command) = parse(line.as_bytes());
            assert!(command.is_err(), "{line}");
            assert_eq!(id == 3, line.contains("id"), "{line}");
        }
    }
}
