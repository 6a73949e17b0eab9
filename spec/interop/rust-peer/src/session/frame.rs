//! Owns the bytes of one frame: what follows its length, from head to body.
//!
//! A REPLY's body depends on whether it begins a value, which only the receiver's state knows; so its payload is split
//! from `total` later, by [`split_total`].

use super::{varint, Violation};

pub const MIN_FRAME: usize = 2;
pub const MAX_FRAME: usize = 17_408;
pub const MAX_PAYLOAD: usize = 16_384;

const MORE: u8 = 0x10;
const LAST: u8 = 0x20;
const ONE: u8 = 0x20;
const LOSSY: u8 = 0x40;
const SERVICE: u8 = 0x80;
const SKIP: u8 = 0x80;

/// A pair of HELLO: the features, of which this is one.
pub const FEATURES: u64 = 0;
pub const FEATURE_SERVICE: u64 = 1;

const MAX_CODE: usize = 64;
const MAX_MESSAGE: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lossy {
    pub policy: u64,
    pub buffer: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub code: String,
    /// ms; 0: not said.
    pub retry_after: u64,
    pub message: String,
}

impl Failure {
    pub fn new(code: &str, message: &str) -> Self {
        Failure { code: code.into(), retry_after: 0, message: message.into() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// ms; 0: not said.
    pub timeout: u64,
    pub credit: u64,
    pub one: bool,
    pub lossy: Option<Lossy>,
    /// It is for the node itself.
    pub service: bool,
    /// Only if more follows.
    pub total: Option<u64>,
    pub payload: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Hello(Vec<(u64, u64)>),
    Request(Request),
    Data {
        more: bool,
        payload: Vec<u8>,
    },
    /// `rest` is the payload, after `total` if this begins a value that has more.
    Reply {
        more: bool,
        last: bool,
        rest: Vec<u8>,
    },
    End,
    Fail(Failure),
    Cancel,
    Credit(u64),
}

/// Appends a frame, length and all.
pub fn put(out: &mut Vec<u8>, id: u64, body: &Body) {
    let (head, tail) = parts(body);
    put_raw(out, head, id, &tail);
}

/// The first frame of a value with `total`.
pub fn put_first_reply(out: &mut Vec<u8>, id: u64, total: u64, payload: &[u8]) {
    let mut rest = vec![];
    varint::put(&mut rest, total);
    rest.extend_from_slice(payload);
    put(out, id, &Body::Reply { more: true, last: false, rest });
}

/// Any head, any body: attacks need frames that [`put`] would never make.
pub fn put_raw(out: &mut Vec<u8>, head: u8, id: u64, tail: &[u8]) {
    let mut start = vec![head];
    varint::put(&mut start, id);
    varint::put(out, (start.len() + tail.len()) as u64);
    out.extend_from_slice(&start);
    out.extend_from_slice(tail);
}

fn parts(body: &Body) -> (u8, Vec<u8>) {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let mut tail = vec![];
    let head = match body {
        Body::Hello(pairs) => {
            for (key, value) in pairs {
                varint::put(&mut tail, *key);
                varint::put(&mut tail, *value);
            }
            0
        }
        Body::Request(request) => {
            varint::put(&mut tail, request.timeout);
            varint::put(&mut tail, request.credit);
            if let Some(lossy) = request.lossy {
                varint::put(&mut tail, lossy.policy);
                varint::put(&mut tail, lossy.buffer);
            }
            if let Some(total) = request.total {
                varint::put(&mut tail, total);
            }
            tail.extend_from_slice(&request.payload);
            1 | flag(request.total.is_some(), MORE)
                | flag(request.one, ONE)
                | flag(request.lossy.is_some(), LOSSY)
                | flag(request.service, SERVICE)
        }
        Body::Data { more, payload } => {
            tail.extend_from_slice(payload);
            2 | flag(*more, MORE)
        }
        Body::Reply { more, last, rest } => {
            tail.extend_from_slice(rest);
            3 | flag(*more, MORE) | flag(*last, LAST)
        }
        Body::End => 4,
        Body::Fail(failure) => {
            varint::put(&mut tail, failure.code.len() as u64);
            tail.extend_from_slice(failure.code.as_bytes());
            varint::put(&mut tail, failure.retry_after);
            tail.extend_from_slice(failure.message.as_bytes());
            5
        }
        Body::Cancel => 6,
        Body::Credit(amount) => {
            varint::put(&mut tail, *amount);
            7
        }
    };
    (head, tail)
}

/// Reads what follows a frame's length; `None` for a frame that is to be skipped.
pub fn read(bytes: &[u8]) -> Result<Option<(u64, Body)>, Violation> {
    let (head, mut tail) = (bytes[0], &bytes[1..]);
    let (kind, flags) = (head & 0x0f, head & 0xf0);
    if kind >= 8 {
        return if flags & SKIP != 0 { Ok(None) } else { Err(format!("a frame of the unknown type {kind}")) };
    }
    let allowed = match kind {
        1 => MORE | ONE | LOSSY | SERVICE,
        2 => MORE,
        3 => MORE | LAST,
        _ => 0,
    };
    if flags & !allowed != 0 {
        return Err(format!("a frame of type {kind} with the flags {flags:#04x}"));
    }
    let id = varint::must(&mut tail, "id")?;
    if (id == 0) != (kind == 0) {
        return Err(format!("a frame of type {kind} with the id {id}"));
    }
    let more = flags & MORE != 0;
    let body = match kind {
        0 => Body::Hello(read_pairs(tail)?),
        1 => {
            let timeout = varint::must(&mut tail, "timeout")?;
            let credit = varint::must(&mut tail, "credit")?;
            let lossy = match flags & LOSSY {
                0 => None,
                _ => Some(Lossy {
                    policy: varint::must(&mut tail, "policy")?,
                    buffer: varint::must(&mut tail, "buffer")?,
                }),
            };
            if lossy.is_some_and(|lossy| lossy.policy > 2) {
                return Err("an unknown policy".into());
            }
            let total = if more { Some(varint::must(&mut tail, "total")?) } else { None };
            let (one, service) = (flags & ONE != 0, flags & SERVICE != 0);
            Body::Request(Request { timeout, credit, one, lossy, service, total, payload: payload(tail)? })
        }
        2 => Body::Data { more, payload: payload(tail)? },
        3 => {
            let last = flags & LAST != 0;
            if more && last {
                return Err("a REPLY with MORE and LAST".into());
            }
            Body::Reply { more, last, rest: tail.to_vec() }
        }
        4 | 6 if !tail.is_empty() => return Err(format!("a frame of type {kind} with a body")),
        4 => Body::End,
        5 => Body::Fail(read_failure(tail)?),
        6 => Body::Cancel,
        _ => {
            let amount = varint::must(&mut tail, "amount")?;
            if amount == 0 || !tail.is_empty() {
                return Err("a CREDIT of 0, or with more than its amount".into());
            }
            Body::Credit(amount)
        }
    };
    Ok(Some((id, body)))
}

/// Takes `total` off the REPLY that begins a value with MORE.
pub fn split_total(rest: &[u8]) -> Result<(u64, &[u8]), Violation> {
    let mut rest = rest;
    let total = varint::must(&mut rest, "total")?;
    Ok((total, rest))
}

/// A payload, which has its own limit.
pub fn payload(bytes: &[u8]) -> Result<Vec<u8>, Violation> {
    match bytes.len() {
        0..=MAX_PAYLOAD => Ok(bytes.to_vec()),
        size => Err(format!("a payload of {size} bytes in one frame")),
    }
}

fn read_pairs(mut tail: &[u8]) -> Result<Vec<(u64, u64)>, Violation> {
    let mut pairs = vec![];
    while !tail.is_empty() {
        pairs.push((varint::must(&mut tail, "key")?, varint::must(&mut tail, "value")?));
    }
    Ok(pairs)
}

fn read_failure(mut tail: &[u8]) -> Result<Failure, Violation> {
    let length = varint::must(&mut tail, "code")? as usize;
    if length == 0 || length > MAX_CODE || length > tail.len() {
        return Err(format!("a FAIL whose code has {length} bytes"));
    }
    let (code, mut tail) = tail.split_at(length);
    let retry_after = varint::must(&mut tail, "retry after")?;
    if tail.len() > MAX_MESSAGE {
        return Err(format!("a FAIL whose message has {} bytes", tail.len()));
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "text that is not UTF-8".to_string());
    Ok(Failure { code: text(code)?, retry_after, message: text(tail)? })
}
