//! Owns the node's state and carries out the commands. What comes from the network is in `network.rs`.

use crate::behaviour::Behaviour;
use crate::codec::Answer;
use crate::commands::{Command, Target};
use crate::handler::{Channel, Handler};
use crate::output::{emit, fail, succeed};
use crate::pending::{numbered, Pending};
use crate::session::node::Sessions;
use libp2p::gossipsub::IdentTopic;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::RequestId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId, Swarm};
use serde_json::{json, Map, Value};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

pub struct Node {
    pub swarm: Swarm<Behaviour>,
    pub handler: Handler,
    pub pending: Pending,
    pub sessions: Sessions,
    pub refuse_loopback: bool,
    pub request_timeout: Duration,
    /// Dial commands that wait for their connection.
    pub dials: HashMap<ConnectionId, Value>,
    /// Why the last dial of a peer failed: libp2p's `DialFailure` does not say.
    pub dial_errors: HashMap<PeerId, String>,
    /// The peers that were told to be in the table.
    pub table: HashSet<PeerId>,
    /// Addresses that commands named, lent to the request protocol until their dial has ended.
    lent: HashMap<PeerId, Vec<Multiaddr>>,
}

impl Node {
    pub fn new(
        swarm: Swarm<Behaviour>,
        handler: Handler,
        sessions: Sessions,
        refuse_loopback: bool,
        request_timeout: Duration,
    ) -> Self {
        Node {
            swarm,
            handler,
            pending: Pending::default(),
            sessions,
            refuse_loopback,
            request_timeout,
            dials: HashMap::new(),
            dial_errors: HashMap::new(),
            table: HashSet::new(),
            lent: HashMap::new(),
        }
    }

    pub fn run(&mut self, id: Value, command: Command) {
        match command {
            Command::Request { target, data } => {
                let request = self.send(&target, vec![data])[0];
                self.pending.add(request, target.peer, id);
            }
            Command::RequestMany { target, count, size } => {
                let requests = self.send(&target, (0..count).map(|index| numbered(index, size)));
                self.pending.add_group(requests, target.peer, id, size);
            }
            Command::Broadcast { topic, data } => {
                match self.swarm.behaviour_mut().gossip.publish(IdentTopic::new(topic), data) {
                    Ok(message) => succeed(&id, json!({ "messageId": String::from_utf8_lossy(&message.0) })),
                    Err(error) => fail(&id, error),
                }
            }
            Command::KnownPeers => succeed(&id, json!({ "peers": self.known_peers() })),
            Command::Dial { address } => self.dial(id, address),
            Command::Connections => {
                let peers = self.swarm.connected_peers().map(PeerId::to_string);
                succeed(&id, json!({ "peers": sorted(peers) }));
            }
            Command::Subscribe { topic } => {
                match self.swarm.behaviour_mut().gossip.subscribe(&IdentTopic::new(topic)) {
                    Ok(changed) => succeed(&id, json!({ "changed": changed })),
                    Err(error) => fail(&id, error),
                }
            }
            Command::Unsubscribe { topic } => {
                match self.swarm.behaviour_mut().gossip.unsubscribe(&IdentTopic::new(topic)) {
                    Ok(changed) => succeed(&id, json!({ "changed": changed })),
                    Err(error) => fail(&id, error),
                }
            }
            Command::Disconnect { peer } => match self.swarm.disconnect_peer_id(peer) {
                Ok(()) => succeed(&id, json!({})),
                Err(()) => fail(&id, "not connected"),
            },
            Command::SetHandler { mode } => {
                self.handler.mode = mode;
                succeed(&id, json!({}));
            }
            Command::Session(command) => {
                self.sessions.run(self.swarm.behaviour_mut().sessions.as_mut(), &id, command);
            }
            Command::Mesh { topic } => self.mesh(&id, &topic),
            Command::Stop => {
                succeed(&id, json!({}));
                std::process::exit(0);
            }
        }
    }

    /// A bootstrap if anybody is known, as the origin does at each discovery tick.
    pub fn tick(&mut self) {
        let known = self.known_peers().len();
        let paused = self.swarm.behaviour_mut().kad.bootstrap().is_err();
        emit(json!({ "event": "tick", "paused": paused, "known": known }));
    }

    /// Sends an answer to somebody else's request; they may have gone meanwhile.
    pub fn reply(&mut self, channel: Channel, data: Vec<u8>) {
        if self.swarm.behaviour_mut().requests.send_response(channel, Ok(data)).is_err() {
            eprintln!("an answer came too late: the request's stream has ended");
        }
    }

    pub fn settle(&mut self, request: RequestId, answer: Answer) {
        self.pending.settle(request, answer);
    }

    /// Ends requests that libp2p has lost.
    pub fn sweep(&mut self) {
        let age = self.request_timeout + Duration::from_secs(1);
        for request in self.pending.lost(age, |peer| self.swarm.is_connected(peer)) {
            self.settle(request, Err("Lost: the stream failed, and libp2p did not say how".into()));
        }
    }

    pub fn add_address(&mut self, peer: PeerId, address: Multiaddr, reason: &str) {
        self.swarm.behaviour_mut().kad.add_address(&peer, address);
        self.tell_added(peer, reason);
    }

    /// Tells that `peer` is in the table, if it is and nobody was told yet.
    pub fn tell_added(&mut self, peer: PeerId, reason: &str) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let known = kad.kbucket(peer).is_some_and(|bucket| bucket.iter().any(|e| *e.node.key.preimage() == peer));
        if known && self.table.insert(peer) {
            emit(json!({ "event": "tableAdded", "peer": peer.to_string(), "reason": reason }));
        }
    }

    pub fn tell_removed(&mut self, peer: &PeerId, reason: &str) {
        if self.table.remove(peer) {
            emit(json!({ "event": "tableRemoved", "peer": peer.to_string(), "reason": reason }));
        }
    }

    pub fn remove_from_table(&mut self, peer: &PeerId, reason: &str) {
        self.swarm.behaviour_mut().kad.remove_peer(peer);
        self.tell_removed(peer, reason);
    }

    /// Takes back what [`Node::send`] has lent, when a dial of `peer` has ended.
    #[allow(deprecated)] // 0.52 has no other way to give a request an address without the table.
    pub fn take_back(&mut self, peer: &PeerId) {
        for address in self.lent.remove(peer).unwrap_or_default() {
            self.swarm.behaviour_mut().requests.remove_address(peer, &address);
        }
    }

    #[allow(deprecated)] // As above.
    fn send(&mut self, target: &Target, payloads: impl IntoIterator<Item = Vec<u8>>) -> Vec<RequestId> {
        let connected = self.swarm.is_connected(&target.peer);
        let requests = &mut self.swarm.behaviour_mut().requests;
        if let (Some(address), false) = (&target.address, connected) {
            requests.add_address(&target.peer, address.clone());
            self.lent.entry(target.peer).or_default().push(address.clone());
        }
        payloads.into_iter().map(|data| requests.send_request(&target.peer, data)).collect()
    }

    fn dial(&mut self, id: Value, address: Multiaddr) {
        let options = match address.iter().last() {
            Some(Protocol::P2p(peer)) if self.swarm.is_connected(&peer) => {
                return succeed(&id, json!({ "peer": peer.to_string(), "already": true }));
            }
            Some(Protocol::P2p(peer)) => {
                DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(vec![address]).build()
            }
            _ => DialOpts::unknown_peer_id().address(address).build(),
        };
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => drop(self.dials.insert(connection, id)),
            Err(error) => fail(&id, crate::network::dial_error_text(&error)),
        }
    }

    fn known_peers(&mut self) -> Map<String, Value> {
        let mut known = Map::new();
        for bucket in self.swarm.behaviour_mut().kad.kbuckets() {
            for entry in bucket.iter() {
                let addresses: Vec<String> = entry.node.value.iter().map(Multiaddr::to_string).collect();
                known.insert(entry.node.key.preimage().to_string(), addresses.into());
            }
        }
        known
    }

    fn mesh(&self, id: &Value, topic: &str) {
        let gossip = &self.swarm.behaviour().gossip;
        let topic = IdentTopic::new(topic).hash();
        let subscribers = gossip.all_peers().filter(|(_, topics)| topics.contains(&&topic));
        let subscribers = sorted(subscribers.map(|(peer, _)| peer.to_string()));
        let peers = sorted(gossip.mesh_peers(&topic).map(PeerId::to_string));
        succeed(id, json!({ "peers": peers, "subscribers": subscribers }));
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}
