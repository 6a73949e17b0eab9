//! The golden bytes of spec/wire/fixtures, which were written by hand from docs/session.md: `session.json` is read and
//! written here byte for byte, and each session of `session-violations.json` ends.

use super::answerer::{Answerer, Limits};
use super::asker::{Ask, Asker, Order};
use super::frame::{self, Body};
use super::reader::Reader;
use super::{Answer, Machine};
use serde_json::{json, Value};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

const GOLDEN: &str = include_str!("../../../../wire/fixtures/session.json");
const VIOLATIONS: &str = include_str!("../../../../wire/fixtures/session-violations.json");
const HELLO: [u8; 3] = [2, 0, 0];

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("a fixture is JSON")
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits: Vec<u8> = hex.as_str().unwrap().bytes().filter(u8::is_ascii_hexdigit).collect();
    assert_eq!(digits.len() % 2, 0, "{hex}");
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A frame as the fixture writes it. `begun` are the ids of values that have begun and are not whole.
fn as_json(id: u64, body: &Body, begun: &mut HashSet<u64>) -> Value {
    let flags = |all: &[(bool, &str)]| -> Vec<String> {
        all.iter().filter(|(set, _)| *set).map(|(_, name)| name.to_string()).collect()
    };
    match body {
        Body::Hello(pairs) => json!({ "type": "HELLO", "id": id, "flags": [], "pairs": pairs }),
        Body::Request(request) => {
            let set = [
                (request.total.is_some(), "MORE"),
                (request.one, "ONE"),
                (request.service, "SERVICE"),
                (request.lossy.is_some(), "LOSSY"),
            ];
            let mut fields = json!({
                "type": "REQUEST",
                "id": id,
                "flags": flags(&set),
                "timeout": request.timeout,
                "credit": request.credit,
                "payload": hex(&request.payload),
            });
            if let Some(lossy) = request.lossy {
                fields["policy"] = lossy.policy.into();
                fields["buffer"] = lossy.buffer.into();
            }
            if let Some(total) = request.total {
                fields["total"] = total.into();
            }
            fields
        }
        Body::Data { more, payload } => {
            json!({ "type": "DATA", "id": id, "flags": flags(&[(*more, "MORE")]), "payload": hex(payload) })
        }
        Body::Reply { more, last, rest } => {
            let mut fields = json!({ "type": "REPLY", "id": id, "flags": flags(&[(*more, "MORE"), (*last, "LAST")]) });
            let mut payload = &rest[..];
            if *more && begun.insert(id) {
                let (total, after) = frame::split_total(rest).unwrap();
                fields["total"] = total.into();
                payload = after;
            }
            if !more {
                begun.remove(&id);
            }
            fields["payload"] = hex(payload).into();
            fields
        }
        Body::End => json!({ "type": "END", "id": id, "flags": [] }),
        Body::Fail(failure) => json!({
            "type": "FAIL",
            "id": id,
            "flags": [],
            "code": failure.code,
            "retryAfter": failure.retry_after,
            "message": failure.message,
        }),
        Body::Cancel => json!({ "type": "CANCEL", "id": id, "flags": [] }),
        Body::Credit(amount) => json!({ "type": "CREDIT", "id": id, "flags": [], "amount": amount }),
    }
}

fn frames(bytes: &[u8]) -> Vec<(u64, Body)> {
    let mut reader = Reader::default();
    let mut frames = vec![];
    // Most vectors are from the middle of a session.
    let greeted = bytes[1] == 0;
    if !greeted {
        reader.take(&HELLO, |_, _| Ok(())).unwrap();
    }
    reader
        .take(bytes, |id, body| {
            frames.push((id, body));
            Ok(())
        })
        .unwrap();
    frames
}

#[test]
fn golden_bytes_are_the_frames_they_say_they_are() {
    for vector in vectors(GOLDEN) {
        let mut begun = HashSet::new();
        let read = frames(&bytes(&vector["hex"]));
        let read: Vec<Value> = read.iter().map(|(id, body)| as_json(*id, body, &mut begun)).collect();
        assert_eq!(Value::from(read), vector["frames"], "{}", vector["name"]);
    }
}

#[test]
fn golden_frames_are_written_as_the_golden_bytes() {
    for vector in vectors(GOLDEN) {
        let golden = bytes(&vector["hex"]);
        if vector["name"].as_str().unwrap().contains("skipped") {
            continue;
        }
        let mut written = vec![];
        for (id, body) in frames(&golden) {
            frame::put(&mut written, id, &body);
        }
        assert_eq!(hex(&written), hex(&golden), "{}", vector["name"]);
    }
}

#[test]
fn every_type_and_flag_is_among_the_golden_bytes() {
    let mut seen = HashSet::new();
    for vector in vectors(GOLDEN) {
        for frame in vector["frames"].as_array().unwrap() {
            let kind = frame["type"].as_str().unwrap();
            seen.insert(kind.to_string());
            seen.extend(
                frame["flags"].as_array().unwrap().iter().map(|flag| format!("{kind} {}", flag.as_str().unwrap())),
            );
        }
    }
    let kinds = ["HELLO", "REQUEST", "DATA", "REPLY", "END", "FAIL", "CANCEL", "CREDIT"];
    let flags =
        ["REQUEST MORE", "REQUEST ONE", "REQUEST LOSSY", "REQUEST SERVICE", "DATA MORE", "REPLY MORE", "REPLY LAST"];
    for name in kinds.iter().chain(&flags) {
        assert!(seen.contains(*name), "{name}");
    }
}

fn answerer() -> Answerer {
    let limits = Limits { max_open: 256, window: 65_536, max_request: 1 << 20, grant: 0 };
    Answerer::new(limits, Arc::new(Mutex::new(Answer::None)))
}

/// It has asked the request 1 for values, and given it a credit of 64.
fn asker() -> Asker {
    let mut asker = Asker::default();
    let ask = Ask { data: vec![], one: false, timeout: 0, credit: Some(64), lossy: None, max_value: 1 << 20 };
    asker.order(Order::Ask { id: 1.into(), ask }, 0);
    asker
}

#[test]
fn each_violation_ends_the_session_with_its_last_frame() {
    for vector in vectors(VIOLATIONS) {
        let parts: Vec<Value> = vector["hex"].as_str().unwrap().split('|').map(Value::from).collect();
        let by_asker = vector["direction"] == "asker";
        let (mut answerer, mut asker) = (answerer(), asker());
        for (place, part) in parts.iter().enumerate() {
            let part = bytes(part);
            let read = if by_asker { answerer.on_bytes(&part, 0) } else { asker.on_bytes(&part, 0) };
            assert_eq!(read.is_err(), place + 1 == parts.len(), "{}: frame {place}: {read:?}", vector["name"]);
        }
    }
}

#[test]
fn example_of_the_page_is_what_we_write() {
    let mut asker = Asker::default();
    let ask = Ask { data: b"hi".to_vec(), one: true, timeout: 10_000, credit: None, lossy: None, max_value: 1 << 20 };
    asker.order(Order::Ask { id: 1.into(), ask }, 0);
    let mut out = vec![];
    asker.write(&mut out, 0);
    assert_eq!(hex(&out), "020000092101904ea080406869");
}
