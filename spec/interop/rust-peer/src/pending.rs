//! Owns the requests on their way: which command each belongs to, and the counting of a `requestMany`. A command is
//! answered here, when its last request has ended.

use crate::codec::Answer;
use crate::output::{fail, succeed, to_base64};
use libp2p::{request_response::RequestId, PeerId};
use serde_json::{json, Value};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

struct Sent {
    peer: PeerId,
    since: Instant,
    part: Part,
}

enum Part {
    /// The only request of the command with this id.
    Whole(Value),
    /// One of a group: the group's key and the index of this request in it.
    Of(u64, u32),
}

struct Group {
    id: Value,
    size: usize,
    left: u32,
    succeeded: u32,
    errors: BTreeMap<String, u32>,
}

#[derive(Default)]
pub struct Pending {
    sent: HashMap<RequestId, Sent>,
    groups: HashMap<u64, Group>,
    next_group: u64,
}

impl Pending {
    pub fn add(&mut self, request: RequestId, peer: PeerId, id: Value) {
        self.sent.insert(request, Sent { peer, since: Instant::now(), part: Part::Whole(id) });
    }

    /// Adds the requests of one `requestMany`; the order of `requests` is the order of their indexes.
    pub fn add_group(&mut self, requests: Vec<RequestId>, peer: PeerId, id: Value, size: usize) {
        let key = self.next_group;
        self.next_group += 1;
        let left = requests.len() as u32;
        self.groups.insert(key, Group { id, size, left, succeeded: 0, errors: BTreeMap::new() });
        for (index, request) in (0..).zip(requests) {
            self.sent.insert(request, Sent { peer, since: Instant::now(), part: Part::Of(key, index) });
        }
        self.finish_group(key);
    }

    pub fn settle(&mut self, request: RequestId, answer: Answer) {
        // A request that `lost` has given up may still end.
        let Some(sent) = self.sent.remove(&request) else {
            return;
        };
        match sent.part {
            Part::Whole(id) => match answer {
                Ok(data) => succeed(&id, json!({ "data": to_base64(&data) })),
                Err(error) => fail(&id, error),
            },
            Part::Of(key, index) => {
                if let Some(group) = self.groups.get_mut(&key) {
                    group.count(index, answer);
                }
                self.finish_group(key);
            }
        }
    }

    /// The clock of a request that waited for a connection begins when there is one.
    pub fn connected(&mut self, peer: &PeerId) {
        for sent in self.sent.values_mut().filter(|sent| sent.peer == *peer) {
            sent.since = Instant::now();
        }
    }

    /// Requests to connected peers that are older than `age`: libp2p drops some failures of streams silently.
    pub fn lost(&self, age: Duration, connected: impl Fn(&PeerId) -> bool) -> Vec<RequestId> {
        let old = self.sent.iter().filter(|(_, sent)| sent.since.elapsed() > age && connected(&sent.peer));
        old.map(|(request, _)| *request).collect()
    }

    fn finish_group(&mut self, key: u64) {
        if self.groups.get(&key).is_some_and(|group| group.left == 0) {
            let group = self.groups.remove(&key).expect("it was just there");
            let failed: u32 = group.errors.values().sum();
            succeed(&group.id, json!({ "succeeded": group.succeeded, "failed": failed, "errors": group.errors }));
        }
    }
}

impl Group {
    fn count(&mut self, index: u32, answer: Answer) {
        self.left -= 1;
        let error = match answer {
            Ok(data) if data == numbered(index, self.size) => return self.succeeded += 1,
            Ok(_) => "the answer differs from the request".into(),
            Err(error) => error,
        };
        *self.errors.entry(error).or_default() += 1;
    }
}

/// The payload of the request `index` of a group: its index, then bytes that differ from place to place.
pub fn numbered(index: u32, size: usize) -> Vec<u8> {
    let mut payload: Vec<u8> = (0..size).map(|place| (place as u32).wrapping_add(index) as u8).collect();
    payload[..4].copy_from_slice(&index.to_be_bytes());
    payload
}
