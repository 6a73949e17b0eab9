//! Owns the commands about sessions: their fields, and what is wrong with them.

use super::asker::{Ask, Order};
use super::frame::Lossy;
use super::Answer;
use crate::output::from_base64;
use libp2p::PeerId;
use serde_json::Value;

pub enum Command {
    /// For the session in which we ask that peer; opens one if need be.
    Order(PeerId, Order),
    SetAnswer(Answer),
    /// Opens one more session, whatever is open.
    Open(PeerId),
    /// Opens and resets sessions, one after the other.
    Loop(PeerId, u32),
}

/// `None` if the name is of no such command.
pub fn parse(name: &str, fields: &Value) -> Option<Result<Command, String>> {
    let known = ["Ask", "AskMany", "Credit", "Cancel", "Attack", "Close", "Reset", "Open", "Loop"];
    match name {
        "setAnswer" => Some(text(fields, "answer").and_then(Answer::parse).map(Command::SetAnswer)),
        _ => name.strip_prefix("session").filter(|rest| known.contains(rest)).map(|rest| session(rest, fields)),
    }
}

fn session(name: &str, fields: &Value) -> Result<Command, String> {
    let peer: PeerId = text(fields, "peer")?.parse().map_err(|e| format!("peer: {e}"))?;
    let id = fields["id"].clone();
    let order = match name {
        "Ask" => Order::Ask { id, ask: ask(fields, from_base64(text(fields, "data")?)?)? },
        "AskMany" => {
            let (count, size) = (number(fields, "count")?, number(fields, "size")?);
            if size < 4 || count.saturating_mul(size) > 1 << 30 {
                return Err("size must be at least 4, and all together at most 1 GiB".into());
            }
            let ask = Ask { one: true, ..ask(fields, vec![])? };
            Order::AskMany { id, count: count as u32, size: size as usize, ask }
        }
        "Credit" => Order::Credit { id, request: fields["request"].clone(), amount: number(fields, "amount")? },
        "Cancel" => Order::Cancel { id, request: fields["request"].clone() },
        "Attack" => Order::Attack { id, what: text(fields, "what")?.into() },
        "Close" => Order::Close { id },
        "Reset" => Order::Reset { id },
        "Open" => return Ok(Command::Open(peer)),
        _ => return Ok(Command::Loop(peer, number(fields, "count")? as u32)),
    };
    Ok(Command::Order(peer, order))
}

fn ask(fields: &Value, data: Vec<u8>) -> Result<Ask, String> {
    let lossy = match &fields["lossy"] {
        Value::Null => None,
        lossy => Some(Lossy { policy: number(lossy, "policy")?, buffer: number(lossy, "buffer")? }),
    };
    let credit = match &fields["credit"] {
        Value::Null => None,
        _ => Some(number(fields, "credit")?),
    };
    Ok(Ask {
        data,
        one: fields["one"].as_bool().unwrap_or(false),
        timeout: fields["timeout"].as_u64().unwrap_or(0),
        credit,
        lossy,
        max_value: fields["maxValue"].as_u64().unwrap_or(1 << 20),
    })
}

fn text<'a>(fields: &'a Value, name: &str) -> Result<&'a str, String> {
    fields[name].as_str().ok_or_else(|| format!("{name} must be a string"))
}

fn number(fields: &Value, name: &str) -> Result<u64, String> {
    fields[name].as_u64().ok_or_else(|| format!("{name} must be a number"))
}
