//! Owns the asking side of one session: our requests, their credit and deadlines, and what became of them.

use super::attacks;
use super::frame::{self, Body, Lossy, Request};
use super::reader::Reader;
use super::value::{Cutting, Joining};
use super::{Machine, Told, Violation, Wish};
use crate::output::to_base64;
use crate::pending::numbered;
use serde_json::{json, Value};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Credit for a value beyond its payload.
pub const VALUE_COST: u64 = 32;
pub const MAX_CREDIT: u64 = 1 << 32;
/// What an answerer allows until its HELLO has come.
pub const WINDOW: u64 = 65_536;
pub const MAX_OPEN: u64 = 256;
const MAX_REQUEST: u64 = 1 << 20;
/// What a stream of values begins with when nothing else was said.
const STREAM_CREDIT: u64 = 65_536;
/// Pieces of large requests in one write.
const TURN: usize = 4;

#[derive(Clone, Debug)]
pub struct Ask {
    pub data: Vec<u8>,
    /// One value is enough.
    pub one: bool,
    /// ms; 0: wait for ever, and do not say anything.
    pub timeout: u64,
    /// What the answerer may send at once. `None`: as much as is usual, and what is taken is given back. `Some`: that,
    /// and then only what `Order::Credit` gives.
    pub credit: Option<u64>,
    pub lossy: Option<Lossy>,
    /// The largest value that is taken.
    pub max_value: u64,
}

/// Adds what a CREDIT gives.
pub fn more_credit(credit: u64, amount: u64) -> Result<u64, Violation> {
    match credit.checked_add(amount) {
        Some(sum) if sum <= MAX_CREDIT => Ok(sum),
        _ => Err(format!("a credit of {credit} and {amount} more")),
    }
}

#[derive(Debug)]
pub enum Order {
    Ask { id: Value, ask: Ask },
    AskMany { id: Value, count: u32, size: usize, ask: Ask },
    Credit { id: Value, request: Value, amount: u64 },
    Cancel { id: Value, request: Value },
    Attack { id: Value, what: String },
    Close { id: Value },
    Reset { id: Value },
}

/// Which command a request belongs to.
#[derive(Clone, Debug)]
enum Owner {
    Ask(Value),
    /// The index among those of this command.
    Many(String, u32),
}

struct Call {
    owner: Owner,
    ask: Ask,
    /// What is left of our payload, and how much of it may be sent.
    rest: Cutting,
    window: u64,
    /// What the answerer may still send.
    credit: u64,
    /// Taken, and not given back yet.
    taken: u64,
    joining: Option<Joining>,
    values: u64,
    /// The value, for those who want one.
    first: Option<Vec<u8>>,
    deadline: Option<u64>,
    /// Why we sent CANCEL.
    cancelled: Option<&'static str>,
}

struct Tally {
    id: Value,
    size: usize,
    left: u32,
    succeeded: u32,
    errors: BTreeMap<String, u32>,
}

pub struct Asker {
    reader: Reader,
    /// Frames that go before any piece.
    small: Vec<u8>,
    /// Requests with pieces left, in the order of their turns.
    turns: VecDeque<u64>,
    calls: BTreeMap<u64, Call>,
    /// Asked beyond what the answerer takes at once.
    waiting: VecDeque<(Owner, Ask)>,
    tallies: HashMap<String, Tally>,
    last_id: u64,
    /// Ids of attacks, whose answers are nobody's.
    attacked: HashSet<u64>,
    window: u64,
    max_open: u64,
    max_request: u64,
    told: Vec<Told>,
    wish: Wish,
}

impl Default for Asker {
    fn default() -> Self {
        let mut small = vec![];
        frame::put(&mut small, 0, &Body::Hello(vec![]));
        Asker {
            reader: Reader::default(),
            small,
            turns: VecDeque::new(),
            calls: BTreeMap::new(),
            waiting: VecDeque::new(),
            tallies: HashMap::new(),
            last_id: 0,
            attacked: HashSet::new(),
            window: WINDOW,
            max_open: MAX_OPEN,
            max_request: MAX_REQUEST,
            told: vec![],
            wish: Wish::GoOn,
        }
    }
}

impl Machine for Asker {
    type Order = Order;

    fn role(&self) -> &'static str {
        "asker"
    }

    fn order(&mut self, order: Order, now: u64) {
        match order {
            Order::Ask { id, ask } => self.enqueue(Owner::Ask(id), ask, now),
            Order::AskMany { id, count, size, ask } => {
                let key = id.to_string();
                let tally = Tally { id, size, left: count, succeeded: 0, errors: BTreeMap::new() };
                self.tallies.insert(key.clone(), tally);
                for index in 0..count {
                    let ask = Ask { data: numbered(index, size), ..ask.clone() };
                    self.enqueue(Owner::Many(key.clone(), index), ask, now);
                }
                self.finish_tally(&key);
            }
            Order::Credit { id, request, amount } => {
                let found = self.find(&request);
                if let Some(number) = found {
                    self.give(number, amount);
                }
                self.result(id, found.map(|_| json!({})).ok_or("no such request is open".into()));
            }
            Order::Cancel { id, request } => {
                let found = self.find(&request);
                if let Some(number) = found {
                    self.cancel(number, "command");
                }
                self.result(id, found.map(|_| json!({})).ok_or("no such request is open".into()));
            }
            Order::Attack { id, what } => match attacks::as_asker(&what, self.last_id + 1, self.max_open) {
                Ok(attack) => {
                    if attack.instead_of_hello {
                        self.small.clear();
                    }
                    self.attacked.extend(self.last_id + 1..=self.last_id + attack.ids);
                    self.last_id += attack.ids;
                    self.small.extend(attack.bytes);
                    self.result(id, Ok(json!({})));
                }
                Err(error) => self.result(id, Err(error)),
            },
            Order::Close { id } => {
                self.wish = Wish::Close;
                self.result(id, Ok(json!({})));
            }
            Order::Reset { id } => {
                self.wish = Wish::Reset;
                self.result(id, Ok(json!({})));
            }
        }
    }

    fn too_late(order: Order, why: &str) -> Option<Told> {
        let (Order::Ask { id, .. }
        | Order::AskMany { id, .. }
        | Order::Credit { id, .. }
        | Order::Cancel { id, .. }
        | Order::Attack { id, .. }
        | Order::Close { id }
        | Order::Reset { id }) = order;
        Some(Told::Result(id, Err(format!("lost: {why}"))))
    }

    fn on_bytes(&mut self, bytes: &[u8], now: u64) -> Result<(), Violation> {
        let mut reader = std::mem::take(&mut self.reader);
        let read = reader.take(bytes, |id, body| self.on_frame(id, body, now));
        self.reader = reader;
        read
    }

    /// Whatever is open is lost, as nothing more can come; the pump resets the stream.
    fn on_end(&mut self) {
        self.wish = Wish::Reset;
    }

    fn on_time(&mut self, now: u64) {
        let due = |call: &Call| call.cancelled.is_none() && call.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<u64> = self.calls.iter().filter(|(_, call)| due(call)).map(|(id, _)| *id).collect();
        for id in late {
            self.cancel(id, "deadline");
        }
    }

    fn next_time(&self) -> Option<u64> {
        self.calls.values().filter(|call| call.cancelled.is_none()).filter_map(|call| call.deadline).min()
    }

    fn write(&mut self, out: &mut Vec<u8>, _: u64) {
        out.append(&mut self.small);
        let mut pieces = 0;
        while pieces < TURN {
            let Some(id) = self.turns.pop_front() else {
                return;
            };
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            if call.window == 0 {
                // CREDIT brings it back.
                continue;
            }
            let (piece, more) = call.rest.piece(call.window);
            frame::put(out, id, &Body::Data { more, payload: piece.to_vec() });
            call.window -= piece.len() as u64;
            pieces += 1;
            if more {
                self.turns.push_back(id);
            }
        }
    }

    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    fn open(&self) -> usize {
        self.calls.len() + self.waiting.len()
    }

    fn wish(&self) -> Wish {
        self.wish
    }

    fn lost(&mut self, why: &str) {
        let calls = std::mem::take(&mut self.calls).into_values().map(|call| call.owner);
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(owner, _)| owner);
        for owner in calls.chain(waiting).collect::<Vec<_>>() {
            self.finish(owner, Err(format!("lost: {why}")));
        }
    }
}

impl Asker {
    fn enqueue(&mut self, owner: Owner, ask: Ask, now: u64) {
        if ask.data.len() as u64 > self.max_request {
            return self.finish(owner, Err(format!("the answerer takes {} bytes at most", self.max_request)));
        }
        self.waiting.push_back((owner, ask));
        self.admit(now);
    }

    fn admit(&mut self, now: u64) {
        while (self.calls.len() as u64) < self.max_open {
            let Some((owner, ask)) = self.waiting.pop_front() else {
                return;
            };
            self.send(owner, ask, now);
        }
    }

    fn send(&mut self, owner: Owner, mut ask: Ask, now: u64) {
        self.last_id += 1;
        let id = self.last_id;
        let data = std::mem::take(&mut ask.data);
        let size = data.len() as u64;
        let mut rest = Cutting::new(data);
        let (piece, more) = rest.piece(self.window);
        let usual = if ask.one { ask.max_value + VALUE_COST } else { STREAM_CREDIT };
        let credit = ask.credit.unwrap_or(usual);
        let request = Request {
            timeout: ask.timeout,
            credit,
            one: ask.one,
            lossy: ask.lossy,
            service: false,
            total: more.then_some(size),
            payload: piece.to_vec(),
        };
        let window = self.window - piece.len() as u64;
        frame::put(&mut self.small, id, &Body::Request(request));
        if more {
            self.turns.push_back(id);
        }
        let deadline = (ask.timeout > 0).then(|| now + ask.timeout);
        let call = Call {
            owner,
            ask,
            rest,
            window,
            credit,
            taken: 0,
            joining: None,
            values: 0,
            first: None,
            deadline,
            cancelled: None,
        };
        self.calls.insert(id, call);
    }

    fn on_frame(&mut self, id: u64, body: Body, now: u64) -> Result<(), Violation> {
        if self.attacked.contains(&id) {
            return Ok(());
        }
        match body {
            Body::Hello(pairs) => {
                self.on_hello(&pairs);
                self.admit(now);
                Ok(())
            }
            Body::Reply { more, last, rest } => {
                self.on_reply(id, more, &rest)?;
                if last {
                    self.on_final(id, json!({ "end": "last" }), now);
                }
                Ok(())
            }
            Body::End => {
                if self.call(id)?.joining.is_some() {
                    return Err("END in the middle of a value".into());
                }
                self.on_final(id, json!({ "end": "end" }), now);
                Ok(())
            }
            Body::Fail(failure) => {
                self.call(id)?;
                let how = json!({
                    "end": "fail",
                    "code": failure.code,
                    "retryAfter": failure.retry_after,
                    "message": failure.message,
                });
                self.on_final(id, how, now);
                Ok(())
            }
            Body::Credit(amount) => self.on_credit(id, amount),
            Body::Request(_) | Body::Data { .. } | Body::Cancel => Err("a frame that only askers send".into()),
        }
    }

    fn on_hello(&mut self, pairs: &[(u64, u64)]) {
        let of = |key: u64| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        self.max_open = of(1).unwrap_or(MAX_OPEN);
        self.max_request = of(3).unwrap_or(MAX_REQUEST);
        let window = of(2).unwrap_or(WINDOW).max(WINDOW);
        // The answerer counts from its own number for every request, so those under way are raised too.
        for (id, call) in &mut self.calls {
            call.window += window - self.window;
            if call.rest.left() > 0 && !self.turns.contains(id) {
                self.turns.push_back(*id);
            }
        }
        self.window = window;
    }

    fn on_reply(&mut self, id: u64, more: bool, rest: &[u8]) -> Result<(), Violation> {
        let call = self.call(id)?;
        let begins = call.joining.is_none();
        let (total, payload) = match begins && more {
            true => frame::split_total(rest).map(|(total, payload)| (Some(total), payload))?,
            false => (None, rest),
        };
        let payload = frame::payload(payload)?;
        let cost = payload.len() as u64 + if begins { VALUE_COST } else { 0 };
        call.credit = call.credit.checked_sub(cost).ok_or("more than the credit allows")?;
        call.taken += cost;
        if let Some(total) = total {
            let joining = Joining::begin(total, &payload)?;
            let missing = joining.missing();
            call.joining = Some(joining);
            self.on_begun(id, total, missing);
            return Ok(());
        }
        let data = match call.joining.take() {
            None => payload,
            Some(mut joining) => {
                if !joining.add(more, &payload)? {
                    call.joining = Some(joining);
                    return Ok(());
                }
                joining.into_data()
            }
        };
        self.on_value(id, data);
        Ok(())
    }

    /// A value of `total` bytes has begun, of which so many are missing.
    fn on_begun(&mut self, id: u64, total: u64, missing: u64) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.cancelled.is_none()) else {
            return;
        };
        // The answerer is at work, so its deadline is met.
        call.deadline = None;
        if total > call.ask.max_value {
            self.cancel(id, "too large");
        } else if call.ask.credit.is_none() && missing > call.credit {
            let lacking = missing - call.credit;
            self.give(id, lacking);
        }
    }

    fn on_value(&mut self, id: u64, data: Vec<u8>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.deadline = None;
        if call.cancelled.is_some() {
            return;
        }
        let index = call.values;
        call.values += 1;
        let (taken, gives_back) = (call.taken, call.ask.credit.is_none() && !call.ask.one);
        if call.ask.one {
            call.first.get_or_insert(data);
        } else if let Owner::Ask(request) = &call.owner {
            self.told.push(Told::Event(json!({
                "event": "sessionValue",
                "request": request,
                "index": index,
                "bytes": data.len(),
                "data": to_base64(&data),
            })));
        }
        if gives_back && taken >= STREAM_CREDIT / 2 {
            call.taken = 0;
            self.give(id, taken);
        }
    }

    fn on_final(&mut self, id: u64, mut how: Value, now: u64) {
        if let Some(call) = self.calls.remove(&id) {
            how["values"] = call.values.into();
            how["cancelled"] = call.cancelled.into();
            how["data"] = call.first.as_deref().map(to_base64).into();
            let answer = match call.owner {
                Owner::Many(..) if how["end"] == "fail" => Err(how["code"].as_str().unwrap_or_default().to_string()),
                _ => Ok((how, call.first.unwrap_or_default())),
            };
            self.finish(call.owner, answer);
        }
        self.admit(now);
    }

    fn on_credit(&mut self, id: u64, amount: u64) -> Result<(), Violation> {
        if id > self.last_id {
            return Err(format!("a frame for the request {id}, which never was"));
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return Ok(());
        };
        call.window = more_credit(call.window, amount)?;
        if call.rest.left() > 0 && !self.turns.contains(&id) {
            self.turns.push_back(id);
        }
        Ok(())
    }

    fn call(&mut self, id: u64) -> Result<&mut Call, Violation> {
        self.calls.get_mut(&id).ok_or_else(|| format!("a frame for the request {id}, which is not open"))
    }

    fn find(&self, request: &Value) -> Option<u64> {
        let fits = |call: &Call| matches!(&call.owner, Owner::Ask(id) if id == request);
        self.calls.iter().find(|(_, call)| fits(call)).map(|(id, _)| *id)
    }

    fn give(&mut self, id: u64, amount: u64) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.credit = (call.credit + amount).min(MAX_CREDIT);
            frame::put(&mut self.small, id, &Body::Credit(amount));
        }
    }

    fn cancel(&mut self, id: u64, why: &'static str) {
        if let Some(call) = self.calls.get_mut(&id).filter(|call| call.cancelled.is_none()) {
            call.cancelled = Some(why);
            self.turns.retain(|turn| *turn != id);
            call.window = 0;
            call.rest = Cutting::new(vec![]);
            frame::put(&mut self.small, id, &Body::Cancel);
        }
    }

    fn finish(&mut self, owner: Owner, answer: Result<(Value, Vec<u8>), String>) {
        match owner {
            Owner::Ask(id) => self.result(id, answer.map(|(how, _)| how)),
            Owner::Many(key, index) => {
                if let Some(tally) = self.tallies.get_mut(&key) {
                    tally.left -= 1;
                    match answer {
                        Ok((_, data)) if data == numbered(index, tally.size) => tally.succeeded += 1,
                        Ok(_) => *tally.errors.entry("the answer differs from the request".into()).or_default() += 1,
                        Err(error) => *tally.errors.entry(error).or_default() += 1,
                    }
                }
                self.finish_tally(&key);
            }
        }
    }

    fn finish_tally(&mut self, key: &str) {
        if self.tallies.get(key).is_some_and(|tally| tally.left == 0) {
            let tally = self.tallies.remove(key).expect("it was just there");
            let failed: u32 = tally.errors.values().sum();
            let answer = json!({ "succeeded": tally.succeeded, "failed": failed, "errors": tally.errors });
            self.result(tally.id, Ok(answer));
        }
    }

    fn result(&mut self, id: Value, result: Result<Value, String>) {
        self.told.push(Told::Result(id, result));
    }
}
