//! Owns what the protocol forbids: bytes that a peer must answer with the end of the session. Some are no violations:
//! `skip` sends a frame that has to be skipped, `stray-credit` what has to be ignored, and `cancel-half` a request that is
//! cancelled before all of it is sent, and of which a piece comes after that.

use super::asker::{MAX_CREDIT, MAX_OPEN, VALUE_COST, WINDOW};
use super::frame::{put, put_first_reply, put_raw, Body, Failure, Request, MAX_FRAME, MAX_PAYLOAD};
use super::varint;
use std::str::FromStr;

pub struct Bytes {
    pub bytes: Vec<u8>,
    /// Go out as the first bytes of the session.
    pub instead_of_hello: bool,
    /// How many new ids they use.
    pub ids: u64,
}

/// The answerer's attacks, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack(String);

impl FromStr for Attack {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        as_answerer(name, 1, 0)?;
        Ok(Attack(name.into()))
    }
}

impl Attack {
    /// Sent instead of HELLO, if this attack is one of those.
    pub fn opening(&self) -> Option<Vec<u8>> {
        self.bytes(1, 0).instead_of_hello.then(|| self.bytes(1, 0).bytes)
    }

    /// Sent when the request `id` is there, whose credit is `credit`.
    pub fn bytes(&self, id: u64, credit: u64) -> Bytes {
        as_answerer(&self.0, id, credit).expect("the name was checked")
    }
}

fn request(payload: &[u8], total: Option<u64>) -> Body {
    let payload = payload.to_vec();
    Body::Request(Request { timeout: 0, credit: 65_536, one: true, lossy: None, service: false, total, payload })
}

fn data(payload: &[u8], more: bool) -> Body {
    Body::Data { more, payload: payload.to_vec() }
}

fn reply(payload: &[u8], last: bool) -> Body {
    Body::Reply { more: false, last, rest: payload.to_vec() }
}

fn more_reply(payload: &[u8]) -> Body {
    Body::Reply { more: true, last: false, rest: payload.to_vec() }
}

/// Bytes that either side may send, to be refused: `id` is in use.
fn by_anybody(name: &str, id: u64) -> Option<Vec<u8>> {
    let mut out = vec![];
    match name {
        "hello-twice" => put(&mut out, 0, &Body::Hello(vec![])),
        "short-frame" => out.extend([1, 4]),
        "long-frame" => varint::put(&mut out, MAX_FRAME as u64 + 1),
        // A CREDIT whose id, or amount, is written with a byte too much, or is 2^53.
        "padded-varint" => out.extend([4, 7, 0x81, 0, 1]),
        "huge-varint" => {
            put_raw(&mut out, 7, id, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
        }
        "credit-zero" => put_raw(&mut out, 7, id, &[0]),
        "credit-huge" => put(&mut out, id, &Body::Credit(MAX_CREDIT)),
        "unknown-type" => put_raw(&mut out, 9, id, &[]),
        "unknown-flag" => put_raw(&mut out, 0x80 | 7, id, &[1]),
        "hello-with-id" => put_raw(&mut out, 0, id, &[]),
        "cut-short" => put_raw(&mut out, 7, id, &[]),
        _ => return None,
    }
    Some(out)
}

/// What an asker may not send. `next` is an id that it has not used yet, `max_open` what the answerer has announced.
pub fn as_asker(name: &str, next: u64, max_open: u64) -> Result<Bytes, String> {
    let mut out = vec![];
    let mut ids = 1;
    let mut instead_of_hello = false;
    match name {
        "no-hello" => {
            put(&mut out, next, &request(b"?", None));
            instead_of_hello = true;
        }
        "half-pair" => {
            put_raw(&mut out, 0, 0, &[1]);
            instead_of_hello = true;
        }
        "long-payload" => put(&mut out, next, &request(&[1; MAX_PAYLOAD + 1], None)),
        "wrong-type" => put(&mut out, next, &reply(b"!", true)),
        "wrong-flag" => {
            put(&mut out, next, &request(b"?", None));
            put_raw(&mut out, 0x10 | 6, next, &[]);
        }
        // Our HELLO has not named the feature.
        "service" => {
            let Body::Request(asked) = request(b"\x09", None) else { unreachable!() };
            put(&mut out, next, &Body::Request(Request { service: true, ..asked }));
        }
        "id-zero" => put(&mut out, 0, &request(b"?", None)),
        "id-reused" => {
            put(&mut out, next, &request(b"?", None));
            put(&mut out, next, &request(b"?", None));
        }
        "id-smaller" => {
            put(&mut out, next + 1, &request(b"?", None));
            put(&mut out, next, &request(b"?", None));
            ids = 2;
        }
        "data-unasked" => put(&mut out, next, &data(b"?", false)),
        "data-complete" => {
            put(&mut out, next, &request(b"?", None));
            put(&mut out, next, &data(b"?", false));
        }
        "over-total" => {
            put(&mut out, next, &request(b"1234", Some(6)));
            put(&mut out, next, &data(b"567", false));
        }
        "under-total" => {
            put(&mut out, next, &request(b"1234", Some(6)));
            put(&mut out, next, &data(b"5", false));
        }
        "more-complete" => {
            put(&mut out, next, &request(b"1234", Some(6)));
            put(&mut out, next, &data(b"56", true));
        }
        // A byte more than anybody may send before a CREDIT. It is one only if there is no room for the whole request.
        "over-window" => {
            put(&mut out, next, &request(&[1; MAX_PAYLOAD], Some(1 << 20)));
            for _ in 1..WINDOW / MAX_PAYLOAD as u64 {
                put(&mut out, next, &data(&[1; MAX_PAYLOAD], true));
            }
            put(&mut out, next, &data(&[1], true));
        }
        "too-many-open" => {
            ids = max_open.max(MAX_OPEN) + 1;
            for id in next..next + ids {
                put(&mut out, id, &request(b"?", None));
            }
        }
        "skip" => {
            put_raw(&mut out, 0x80 | 8, 0, b"something new");
            ids = 0;
        }
        "cancel-half" => {
            put(&mut out, next, &request(b"1234", Some(6)));
            put(&mut out, next, &Body::Cancel);
            put(&mut out, next, &data(b"56", false));
        }
        "stray-credit" => {
            put(&mut out, next, &request(b"?", None));
            put(&mut out, next, &Body::Cancel);
            put(&mut out, next, &Body::Credit(MAX_CREDIT));
            put(&mut out, next, &Body::Cancel);
        }
        // Those of the rest that are about a request need one.
        _ => {
            let attack = by_anybody(name, next).ok_or_else(|| format!("unknown attack {name:?}"))?;
            put(&mut out, next, &request(b"?", None));
            out.extend(attack);
        }
    }
    Ok(Bytes { bytes: out, instead_of_hello, ids })
}

/// What an answerer may not send, when it was asked `id` with that `credit`.
fn as_answerer(name: &str, id: u64, credit: u64) -> Result<Bytes, String> {
    const STRANGE: u64 = 1_000_000;
    let mut out = vec![];
    let mut instead_of_hello = false;
    match name {
        "no-hello" => {
            put(&mut out, id, &reply(b"!", true));
            instead_of_hello = true;
        }
        "half-pair" => {
            put_raw(&mut out, 0, 0, &[1]);
            instead_of_hello = true;
        }
        "long-payload" => put(&mut out, id, &reply(&[1; MAX_PAYLOAD + 1], true)),
        "wrong-type" => put(&mut out, id, &request(b"?", None)),
        "wrong-flag" => put_raw(&mut out, 0x20 | 4, id, &[]),
        "id-zero" => put(&mut out, 0, &reply(b"!", true)),
        "reply-unasked" => put(&mut out, id + STRANGE, &reply(b"!", true)),
        "end-unasked" => put(&mut out, id + STRANGE, &Body::End),
        "fail-unasked" => put(&mut out, id + STRANGE, &Body::Fail(Failure::new("No", ""))),
        "reply-after-last" => {
            put(&mut out, id, &reply(b"!", true));
            put(&mut out, id, &reply(b"!", true));
        }
        "over-total" => {
            put_first_reply(&mut out, id, 6, b"1234");
            put(&mut out, id, &reply(b"567", true));
        }
        "under-total" => {
            put_first_reply(&mut out, id, 6, b"1234");
            put(&mut out, id, &reply(b"5", true));
        }
        "more-complete" => {
            put_first_reply(&mut out, id, 6, b"1234");
            put(&mut out, id, &more_reply(b"56"));
        }
        "end-inside" => {
            put_first_reply(&mut out, id, 6, b"1234");
            put(&mut out, id, &Body::End);
        }
        "over-credit" => {
            let cost = MAX_PAYLOAD as u64 + VALUE_COST;
            for _ in 0..credit / cost + 1 {
                put(&mut out, id, &reply(&[1; MAX_PAYLOAD], false));
            }
        }
        // Values without a byte cost something too.
        "over-credit-empty" => {
            for _ in 0..credit / VALUE_COST + 1 {
                put(&mut out, id, &reply(&[], false));
            }
        }
        "skip" => {
            put_raw(&mut out, 0x80 | 15, id, b"something new");
            put(&mut out, id, &reply(b"!", true));
        }
        "stray-credit" => {
            put(&mut out, id, &Body::Credit(5));
            put(&mut out, id, &reply(b"!", true));
            put(&mut out, id, &Body::Credit(5));
        }
        _ => out = by_anybody(name, id).ok_or_else(|| format!("unknown attack {name:?}"))?,
    }
    Ok(Bytes { bytes: out, instead_of_hello, ids: 0 })
}
