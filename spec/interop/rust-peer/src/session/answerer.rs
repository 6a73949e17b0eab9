//! Owns the answering side of one session: the requests of the other side, and our replies as its credit allows.

use super::answers::{Answer, Step};
use super::asker::{more_credit, MAX_CREDIT, MAX_OPEN, VALUE_COST};
use super::frame::{self, Body, Failure, Request};
use super::reader::Reader;
use super::value::{Cutting, Joining};
use super::{Machine, Told, Violation, Wish};
use serde_json::{json, Value};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Frames of replies in one write.
const TURN: usize = 8;

/// What the answerer announces and keeps.
#[derive(Clone, Debug)]
pub struct Limits {
    pub max_open: u64,
    pub window: u64,
    pub max_request: u64,
    /// How much credit a large request gets at a time; 0: all of it at once.
    pub grant: u64,
}

struct Exchange {
    /// ms; when our work on it ends.
    deadline: Option<u64>,
    one: bool,
    /// What we may send.
    credit: u64,
    request: Incoming,
    answer: Option<Reply>,
}

enum Incoming {
    /// How much of it the asker may still send, and how much we have not allowed yet.
    Some {
        joining: Joining,
        allowed: u64,
        missing: u64,
    },
    Whole(Vec<u8>),
}

struct Reply {
    answer: Answer,
    /// ms; nothing is sent before.
    not_before: Option<u64>,
    /// Values that were begun.
    values: u64,
    cutting: Option<Cutting>,
    /// The value that is being cut is the last.
    last: bool,
    /// What breaks the value off after its first piece.
    broken: Option<Failure>,
    /// It was told that there is no credit for the next value.
    starved: bool,
}

pub struct Answerer {
    reader: Reader,
    limits: Limits,
    answer: Arc<Mutex<Answer>>,
    small: Vec<u8>,
    /// Replies that have not begun, and those that may go on, in the order of their turns.
    fresh: VecDeque<u64>,
    turns: VecDeque<u64>,
    exchanges: BTreeMap<u64, Exchange>,
    last_id: u64,
    /// Those that the asker has named.
    features: u64,
    told: Vec<Told>,
    ended: bool,
}

impl Answerer {
    pub fn new(limits: Limits, answer: Arc<Mutex<Answer>>) -> Self {
        let mut small = vec![];
        let opening = match &*answer.lock().expect("nobody panics with it") {
            Answer::Attack(attack) => attack.opening(),
            _ => None,
        };
        match opening {
            Some(bytes) => small = bytes,
            None => {
                let pairs = vec![
                    (frame::FEATURES, frame::FEATURE_SERVICE),
                    (1, limits.max_open),
                    (2, limits.window),
                    (3, limits.max_request),
                ];
                frame::put(&mut small, 0, &Body::Hello(pairs));
            }
        }
        Answerer {
            reader: Reader::default(),
            limits,
            answer,
            small,
            fresh: VecDeque::new(),
            turns: VecDeque::new(),
            exchanges: BTreeMap::new(),
            last_id: 0,
            features: 0,
            told: vec![],
            ended: false,
        }
    }
}

impl Machine for Answerer {
    type Order = std::convert::Infallible;

    fn role(&self) -> &'static str {
        "answerer"
    }

    fn order(&mut self, order: Self::Order, _: u64) {
        match order {}
    }

    fn too_late(order: Self::Order, _: &str) -> Option<Told> {
        match order {}
    }

    fn on_bytes(&mut self, bytes: &[u8], now: u64) -> Result<(), Violation> {
        let mut reader = std::mem::take(&mut self.reader);
        let read = reader.take(bytes, |id, body| self.on_frame(id, body, now));
        self.reader = reader;
        read
    }

    /// What has not arrived whole never will; the rest is answered.
    fn on_end(&mut self) {
        self.ended = true;
        // Whether it was a half-close or a reset only a write can tell. This frame is skipped by everybody.
        frame::put_raw(&mut self.small, 0x8f, 0, &[]);
        let part = |exchange: &Exchange| matches!(exchange.request, Incoming::Some { .. });
        let parts: Vec<u64> = self.exchanges.iter().filter(|(_, e)| part(e)).map(|(id, _)| *id).collect();
        for id in parts {
            self.fail(id, &Failure::new("Rejected", "the request has not arrived whole"));
        }
    }

    fn on_time(&mut self, now: u64) {
        for (id, exchange) in &mut self.exchanges {
            if let Some(reply) = exchange.answer.as_mut().filter(|r| r.not_before.is_some_and(|time| time <= now)) {
                reply.not_before = None;
                self.fresh.push_back(*id);
            }
        }
        let due = |exchange: &Exchange| exchange.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<u64> = self.exchanges.iter().filter(|(_, e)| due(e)).map(|(id, _)| *id).collect();
        for id in late {
            self.event("sessionTimeout", id);
            self.fail(id, &Failure::new("Timeout", "nobody answered in time"));
        }
    }

    fn next_time(&self) -> Option<u64> {
        let waiting = |exchange: &Exchange| exchange.answer.as_ref().and_then(|reply| reply.not_before);
        self.exchanges.values().flat_map(|e| e.deadline.into_iter().chain(waiting(e))).min()
    }

    fn write(&mut self, out: &mut Vec<u8>, _: u64) {
        out.append(&mut self.small);
        while out.len() < TURN * frame::MAX_PAYLOAD {
            let Some(id) = self.fresh.pop_front().or_else(|| self.turns.pop_front()) else {
                return;
            };
            if self.reply(id, out) {
                self.turns.push_back(id);
            }
        }
    }

    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    fn open(&self) -> usize {
        self.exchanges.len()
    }

    fn wish(&self) -> Wish {
        match self.ended && self.exchanges.is_empty() {
            true => Wish::Close,
            false => Wish::GoOn,
        }
    }

    fn lost(&mut self, _: &str) {
        for id in std::mem::take(&mut self.exchanges).into_keys() {
            self.told.push(Told::Event(json!({ "event": "sessionLost", "request": id })));
        }
    }
}

impl Answerer {
    fn on_frame(&mut self, id: u64, body: Body, now: u64) -> Result<(), Violation> {
        match body {
            // Nothing else of it concerns an answerer.
            Body::Hello(pairs) => {
                let named = pairs.iter().find(|(key, _)| *key == frame::FEATURES);
                self.features = named.map_or(0, |(_, features)| *features);
                Ok(())
            }
            Body::Request(request) => self.on_request(id, request, now),
            Body::Data { more, payload } => self.on_data(id, more, &payload, now),
            Body::Cancel => {
                self.known(id)?;
                if self.exchanges.contains_key(&id) {
                    self.event("sessionCancelled", id);
                    self.fail(id, &Failure::new("Cancelled", ""));
                }
                Ok(())
            }
            Body::Credit(amount) => {
                self.known(id)?;
                if let Some(exchange) = self.exchanges.get_mut(&id) {
                    exchange.credit = more_credit(exchange.credit, amount)?;
                    self.wake(id);
                }
                Ok(())
            }
            Body::Reply { .. } | Body::End | Body::Fail(_) => Err("a frame that only answerers send".into()),
        }
    }

    fn on_request(&mut self, id: u64, request: Request, now: u64) -> Result<(), Violation> {
        if id <= self.last_id {
            return Err(format!("the id {id} after {}", self.last_id));
        }
        self.last_id = id;
        if self.exchanges.len() as u64 >= self.limits.max_open.max(MAX_OPEN) {
            return Err(format!("more than {} open requests", self.exchanges.len()));
        }
        if request.credit > MAX_CREDIT {
            return Err(format!("a credit of {}", request.credit));
        }
        if request.service && self.features & frame::FEATURE_SERVICE == 0 {
            return Err("a SERVICE request without the feature".into());
        }
        let size = request.payload.len() as u64;
        let total = request.total.unwrap_or(size);
        self.told.push(Told::Event(json!({
            "event": "sessionRequest",
            "request": id,
            "bytes": total,
            "timeout": request.timeout,
            "credit": request.credit,
            "one": request.one,
            "service": request.service,
            "lossy": request.lossy.map(|lossy| json!({ "policy": lossy.policy, "buffer": lossy.buffer })),
        })));
        let deadline = (request.timeout > 0).then(|| now + request.timeout);
        let incoming = match request.total {
            None => Incoming::Whole(request.payload),
            Some(total) => Incoming::Some {
                joining: Joining::begin(total, &request.payload)?,
                allowed: self.limits.window - size,
                missing: total.saturating_sub(self.limits.window),
            },
        };
        let whole = request.total.is_none();
        let service = request.service;
        let exchange = Exchange { deadline, one: request.one, credit: request.credit, request: incoming, answer: None };
        self.exchanges.insert(id, exchange);
        if total > self.limits.max_request {
            let message = format!("{} bytes at most", self.limits.max_request);
            self.fail(id, &Failure::new("TooLarge", &message));
        } else if self.exchanges.len() as u64 > self.limits.max_open {
            self.fail(id, &Failure { retry_after: 100, ..Failure::new("Overloaded", "too many requests") });
        } else if service {
            // No kind of them is known here.
            self.fail(id, &Failure::new("Unknown", "no such request of nodes is known"));
        } else if whole {
            self.begin(id, now);
        } else {
            self.grant(id);
        }
        Ok(())
    }

    fn on_data(&mut self, id: u64, more: bool, payload: &[u8], now: u64) -> Result<(), Violation> {
        self.known(id)?;
        let Some(exchange) = self.exchanges.get_mut(&id) else {
            // It has crossed with our final frame.
            return Ok(());
        };
        let Incoming::Some { joining, allowed, .. } = &mut exchange.request else {
            return Err(format!("DATA for the request {id}, which is complete"));
        };
        *allowed = allowed.checked_sub(payload.len() as u64).ok_or("more than the credit allows")?;
        if !joining.add(more, payload)? {
            self.grant(id);
            return Ok(());
        }
        let whole = Incoming::Whole(vec![]);
        if let Incoming::Some { joining, .. } = std::mem::replace(&mut exchange.request, whole) {
            exchange.request = Incoming::Whole(joining.into_data());
        }
        self.begin(id, now);
        Ok(())
    }

    /// Allows more of a large request: all of it, or some when it has sent what it may.
    fn grant(&mut self, id: u64) {
        let step = if self.limits.grant == 0 { u64::MAX } else { self.limits.grant };
        let Some(Exchange { request: Incoming::Some { allowed, missing, .. }, .. }) = self.exchanges.get_mut(&id)
        else {
            return;
        };
        if *missing > 0 && (step == u64::MAX || *allowed == 0) {
            let amount = step.min(*missing);
            *missing -= amount;
            *allowed += amount;
            frame::put(&mut self.small, id, &Body::Credit(amount));
        }
    }

    /// The request is whole.
    fn begin(&mut self, id: u64, now: u64) {
        let answer = self.answer.lock().expect("nobody panics with it").clone();
        let Some(exchange) = self.exchanges.get_mut(&id) else {
            return;
        };
        if let Answer::Attack(attack) = &answer {
            self.small.extend(attack.bytes(id, exchange.credit).bytes);
            return self.over(id);
        }
        let delay = answer.delay();
        exchange.answer = Some(Reply {
            not_before: (delay > 0).then(|| now + delay),
            answer,
            values: 0,
            cutting: None,
            last: false,
            broken: None,
            starved: false,
        });
        if delay == 0 {
            self.fresh.push_back(id);
        }
    }

    /// There is credit for a reply that may have waited for it.
    fn wake(&mut self, id: u64) {
        let exchange = self.exchanges.get(&id).and_then(|exchange| exchange.answer.as_ref());
        let sleeps = exchange.is_some_and(|reply| reply.not_before.is_none());
        if sleeps && !self.turns.contains(&id) && !self.fresh.contains(&id) {
            self.turns.push_back(id);
        }
    }

    /// Sends one frame of a reply. True if it may go on at once.
    fn reply(&mut self, id: u64, out: &mut Vec<u8>) -> bool {
        let Some(exchange) = self.exchanges.get_mut(&id) else {
            return false;
        };
        let Some(reply) = &mut exchange.answer else {
            return false;
        };
        if let Some(cutting) = &mut reply.cutting {
            if exchange.credit == 0 {
                return false;
            }
            let (piece, more) = cutting.piece(exchange.credit);
            exchange.credit -= piece.len() as u64;
            let rest = piece.to_vec();
            frame::put(out, id, &Body::Reply { more, last: !more && reply.last, rest });
            if !more {
                reply.cutting = None;
            }
            return self.after_piece(id, more, out);
        }
        let Incoming::Whole(request) = &exchange.request else {
            return false;
        };
        let (data, last) = match reply.answer.step(request, reply.values) {
            Step::Never => return false,
            Step::End => {
                frame::put(out, id, &Body::End);
                self.over(id);
                return false;
            }
            Step::Fail(failure) => {
                self.fail(id, &failure);
                out.append(&mut self.small);
                return false;
            }
            Step::Value { data, last } => (data, last || exchange.one),
            Step::Broken { data, failure } => {
                reply.broken = Some(failure);
                (data, false)
            }
        };
        if exchange.credit < VALUE_COST {
            if !reply.starved {
                reply.starved = true;
                self.event("sessionStarved", id);
            }
            return false;
        }
        reply.starved = false;
        reply.values += 1;
        reply.last = last;
        exchange.deadline = None;
        exchange.credit -= VALUE_COST;
        let total = data.len() as u64;
        let mut cutting = Cutting::new(data);
        let (piece, more) = cutting.piece(exchange.credit);
        exchange.credit -= piece.len() as u64;
        if more {
            frame::put_first_reply(out, id, total, piece);
            reply.cutting = Some(cutting);
        } else {
            frame::put(out, id, &Body::Reply { more, last, rest: piece.to_vec() });
        }
        self.after_piece(id, more, out)
    }

    fn after_piece(&mut self, id: u64, more: bool, out: &mut Vec<u8>) -> bool {
        let Some(reply) = self.exchanges.get_mut(&id).and_then(|exchange| exchange.answer.as_mut()) else {
            return false;
        };
        if let Some(failure) = reply.broken.take() {
            self.fail(id, &failure);
            out.append(&mut self.small);
            return false;
        }
        if !more && reply.last {
            self.over(id);
            return false;
        }
        true
    }

    fn fail(&mut self, id: u64, failure: &Failure) {
        if self.exchanges.contains_key(&id) {
            frame::put(&mut self.small, id, &Body::Fail(failure.clone()));
            self.over(id);
        }
    }

    fn over(&mut self, id: u64) {
        self.exchanges.remove(&id);
        self.turns.retain(|turn| *turn != id);
    }

    fn known(&self, id: u64) -> Result<(), Violation> {
        match id <= self.last_id {
            true => Ok(()),
            false => Err(format!("a frame for the request {id}, which never was")),
        }
    }

    /// Tells how far the reply to a request has come.
    fn event(&mut self, name: &str, id: u64) {
        let reply = self.exchanges.get(&id).and_then(|exchange| exchange.answer.as_ref());
        let values: Value = reply.map_or(0, |reply| reply.values).into();
        self.told.push(Told::Event(json!({ "event": name, "request": id, "values": values })));
    }
}
