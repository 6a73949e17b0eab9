//! The two state machines talking to each other without a socket, at times that the test says.

use super::answerer::{Answerer, Limits};
use super::asker::{Ask, Asker, Order, VALUE_COST};
use super::frame::{self, Body, Request};
use super::{Answer, Machine, Told};
use serde_json::{json, Value};
use std::sync::{Arc, Mutex};

struct Talk {
    asker: Asker,
    answerer: Answerer,
    told: Vec<Told>,
    heard: Vec<Told>,
    last: u64,
}

fn limits() -> Limits {
    Limits { max_open: 256, window: 65_536, max_request: 1 << 20, grant: 0 }
}

fn ask(data: &[u8]) -> Ask {
    Ask { data: data.to_vec(), one: true, timeout: 0, credit: None, lossy: None, max_value: 1 << 20 }
}

fn stream(credit: Option<u64>) -> Ask {
    Ask { one: false, credit, ..ask(b"go") }
}

impl Talk {
    fn new(answer: &str, limits: Limits) -> Self {
        let answer = Arc::new(Mutex::new(Answer::parse(answer).unwrap()));
        Talk { asker: Asker::default(), answerer: Answerer::new(limits, answer), told: vec![], heard: vec![], last: 0 }
    }

    fn ask(&mut self, ask: Ask) -> u64 {
        self.last += 1;
        self.asker.order(Order::Ask { id: self.last.into(), ask }, 0);
        self.last
    }

    /// Until nobody has anything to say.
    fn run(&mut self, now: u64) {
        loop {
            let (mut forth, mut back) = (vec![], vec![]);
            self.asker.on_time(now);
            self.answerer.on_time(now);
            self.asker.write(&mut forth, now);
            self.answerer.write(&mut back, now);
            self.answerer.on_bytes(&forth, now).unwrap();
            self.asker.on_bytes(&back, now).unwrap();
            self.told.extend(self.asker.told());
            self.heard.extend(self.answerer.told());
            if forth.is_empty() && back.is_empty() {
                return;
            }
        }
    }

    /// How that request ended.
    fn end(&self, id: u64) -> Option<&Value> {
        self.told.iter().find_map(|told| match told {
            Told::Result(request, Ok(how)) if *request == id && how["end"].is_string() => Some(how),
            _ => None,
        })
    }

    fn values(&self) -> usize {
        self.told.iter().filter(|told| matches!(told, Told::Event(event) if event["event"] == "sessionValue")).count()
    }

    fn heard(&self, name: &str) -> Vec<&Value> {
        let events = self.heard.iter().filter_map(|told| match told {
            Told::Event(event) if event["event"] == name => Some(event),
            _ => None,
        });
        events.collect()
    }
}

#[test]
fn payloads_of_every_size_come_back() {
    for window in [65_536, 1 << 20] {
        for size in [0, 1, 16_384, 16_385, 65_536, 65_537, 1 << 20] {
            let mut talk = Talk::new("echo", Limits { window, ..limits() });
            let data: Vec<u8> = (0..size).map(|place: u32| (place % 251) as u8).collect();
            let id = talk.ask(ask(&data));
            talk.run(0);
            let how = talk.end(id).unwrap_or_else(|| panic!("{size} bytes, window {window}"));
            assert_eq!(how["data"], crate::output::to_base64(&data), "{size}");
        }
    }
}

#[test]
fn request_with_credit_in_small_steps_arrives() {
    let mut talk = Talk::new("echo", Limits { grant: 1_000, ..limits() });
    let id = talk.ask(ask(&[7; 100_000]));
    talk.run(0);
    assert_eq!(talk.end(id).unwrap()["end"], "last");
}

#[test]
fn requests_that_wait_for_credit_do_not_hold_up_others() {
    let mut talk = Talk::new("echo", Limits { max_request: 1 << 20, grant: 0, ..limits() });
    let mut bytes = vec![];
    for _ in 0..10 {
        talk.ask(ask(&[7; 70_000]));
    }
    for _ in 0..20 {
        talk.asker.write(&mut bytes, 0);
    }
    // All have sent what they may. Only the last gets more.
    talk.asker.on_bytes(&[2, 0, 0], 0).unwrap();
    let mut credit = vec![];
    frame::put(&mut credit, 10, &Body::Credit(10_000));
    talk.asker.on_bytes(&credit, 0).unwrap();
    let mut rest = vec![];
    talk.asker.write(&mut rest, 0);
    assert_eq!(rest.len(), 70_000 - 65_536 + 4);
}

#[test]
fn stream_goes_as_far_as_its_credit() {
    let cost = 100 + VALUE_COST;
    let mut talk = Talk::new("endless:100", limits());
    let id = talk.ask(stream(Some(10 * cost + VALUE_COST - 1)));
    talk.run(0);
    assert_eq!(talk.values(), 10);
    assert_eq!(talk.heard("sessionStarved")[0]["values"], 10);
    talk.asker.order(Order::Credit { id: json!("credit"), request: id.into(), amount: cost + 1 }, 0);
    talk.run(0);
    // Credit for a twelfth value begins it, and all but its payload is there.
    assert_eq!(talk.values(), 11);
    talk.asker.order(Order::Credit { id: json!("credit"), request: id.into(), amount: 100 }, 0);
    talk.run(0);
    assert_eq!(talk.values(), 12);
}

#[test]
fn stream_without_a_say_on_credit_is_taken_whole() {
    let mut talk = Talk::new("values-end:50:20000", limits());
    let id = talk.ask(stream(None));
    talk.run(0);
    assert_eq!(talk.end(id).unwrap()["values"], 50);
}

#[test]
fn value_larger_than_the_credit_of_a_stream_is_given_what_is_missing() {
    let mut talk = Talk::new("values:3:300000", limits());
    let id = talk.ask(stream(None));
    talk.run(0);
    assert_eq!(talk.end(id).unwrap()["values"], 3);
}

#[test]
fn value_that_is_too_large_is_cancelled() {
    let mut talk = Talk::new("size:20000", limits());
    let id = talk.ask(Ask { max_value: 19_999, ..ask(b"") });
    talk.run(0);
    let how = talk.end(id).unwrap();
    assert_eq!((&how["code"], &how["cancelled"]), (&json!("Cancelled"), &json!("too large")));
}

#[test]
fn small_request_does_not_wait_for_a_large_one() {
    let mut talk = Talk::new("echo", limits());
    talk.ask(ask(&[7; 1 << 20]));
    talk.ask(ask(b"small"));
    let mut first = vec![];
    talk.asker.write(&mut first, 0);
    talk.answerer.on_bytes(&first, 0).unwrap();
    talk.heard.extend(talk.answerer.told());
    assert_eq!(talk.heard("sessionRequest").len(), 2);
    let mut reply = vec![];
    talk.answerer.write(&mut reply, 0);
    talk.asker.on_bytes(&reply, 0).unwrap();
    talk.told.extend(talk.asker.told());
    assert!(talk.end(2).is_some() && talk.end(1).is_none());
}

#[test]
fn more_requests_than_are_allowed_wait_here() {
    let mut talk = Talk::new("slow:5", Limits { max_open: 300, ..limits() });
    let ids: Vec<u64> = (0..1_000).map(|_| talk.ask(ask(b"?"))).collect();
    for now in [0, 5, 10, 15, 20] {
        talk.run(now);
    }
    assert!(ids.iter().all(|id| talk.end(*id).is_some_and(|how| how["end"] == "last")));
}

#[test]
fn deadline_ends_a_request_on_both_sides() {
    let mut talk = Talk::new("none", limits());
    let id = talk.ask(Ask { timeout: 100, ..ask(b"?") });
    talk.run(99);
    assert_eq!(talk.end(id), None);
    assert_eq!(talk.heard("sessionRequest")[0]["timeout"], 100);
    talk.run(200);
    let how = talk.end(id).unwrap();
    assert_eq!((&how["end"], &how["cancelled"]), (&json!("fail"), &json!("deadline")));
    assert_eq!(talk.answerer.open() + talk.asker.open(), 0);
}

#[test]
fn cancel_in_the_middle_of_a_request_gets_its_final_frame_and_stray_data_is_ignored() {
    let mut answerer = Talk::new("echo", limits()).answerer;
    let mut bytes = vec![2, 0, 0];
    let request = Request {
        timeout: 0,
        credit: 100,
        one: true,
        lossy: None,
        service: false,
        total: Some(4),
        payload: b"12".to_vec(),
    };
    frame::put(&mut bytes, 1, &Body::Request(request));
    frame::put(&mut bytes, 1, &Body::Cancel);
    frame::put(&mut bytes, 1, &Body::Data { more: false, payload: b"34".to_vec() });
    frame::put(&mut bytes, 1, &Body::Cancel);
    frame::put(&mut bytes, 1, &Body::Credit(1));
    assert_eq!(answerer.on_bytes(&bytes, 0), Ok(()));
    assert_eq!(answerer.open(), 0);
}

#[test]
fn requests_of_a_session_that_is_gone_are_lost_once() {
    let mut talk = Talk::new("none", limits());
    let id = talk.ask(ask(b"?"));
    talk.run(0);
    talk.asker.lost("gone");
    talk.asker.lost("gone");
    assert_eq!(talk.asker.told(), [Told::Result(id.into(), Err("lost: gone".into()))]);
}
