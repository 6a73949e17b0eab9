//! Owns the reaction to what comes from the network: each event of the swarm changes the table or the requests on
//! their way, and is told on standard output.

use crate::behaviour::BehaviourEvent;
use crate::codec::Answer;
use crate::node::Node;
use crate::output::{emit, fail, succeed, to_base64};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Message};
use libp2p::swarm::{DialError, SwarmEvent};
use libp2p::{gossipsub, identify, kad, Multiaddr, PeerId};
use serde_json::json;
use std::error::Error;

impl Node {
    pub fn on_swarm<E: std::fmt::Debug>(&mut self, event: SwarmEvent<BehaviourEvent, E>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                let local = *self.swarm.local_peer_id();
                let address = address.with(Protocol::P2p(local)).to_string();
                emit(json!({ "event": "listening", "peerId": local.to_string(), "address": address }));
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, num_established, .. } => {
                self.dial_errors.remove(&peer_id);
                self.pending.connected(&peer_id);
                self.take_back(&peer_id);
                if num_established.get() == 1 {
                    emit(json!({ "event": "connected", "peer": peer_id.to_string() }));
                }
                if let Some(id) = self.dials.remove(&connection_id) {
                    succeed(&id, json!({ "peer": peer_id.to_string() }));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, cause, .. } => {
                let cause = cause.map(|cause| format!("{cause:?}"));
                emit(json!({ "event": "disconnected", "peer": peer_id.to_string(), "cause": cause }));
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                let text = dial_error_text(&error);
                if let Some(id) = self.dials.remove(&connection_id) {
                    fail(&id, &text);
                }
                if let Some(peer) = peer_id {
                    self.take_back(&peer);
                    self.remove_from_table(&peer, &format!("dial failed: {text}"));
                    self.dial_errors.insert(peer, text);
                }
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                eprintln!("a connection from {send_back_addr} failed: {}", chain(&error));
            }
            SwarmEvent::ListenerError { error, .. } => eprintln!("listener: {error}"),
            SwarmEvent::ListenerClosed { reason, .. } => eprintln!("the listener closed: {reason:?}"),
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info }) => self.on_identified(peer_id, info),
            BehaviourEvent::Identify(identify::Event::Error { peer_id, error }) => {
                eprintln!("identify with {peer_id}: {error}");
            }
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Ping(event) => {
                if let Err(failure) = event.result {
                    self.remove_from_table(&event.peer, &format!("ping failed: {failure}"));
                }
            }
            BehaviourEvent::Gossip(event) => on_gossip(event),
            BehaviourEvent::Requests(event) => self.on_request(event),
            BehaviourEvent::Sessions(event) => {
                if let Some(behaviour) = self.swarm.behaviour_mut().sessions.as_mut() {
                    self.sessions.on_event(behaviour, event);
                }
            }
            _ => {}
        }
    }

    fn on_identified(&mut self, peer: PeerId, info: identify::Info) {
        emit(json!({
            "event": "identified",
            "peer": peer.to_string(),
            "protocolVersion": info.protocol_version,
            "agentVersion": info.agent_version,
            "protocols": info.protocols.iter().map(|p| p.as_ref()).collect::<Vec<&str>>(),
            "addresses": info.listen_addrs.iter().map(Multiaddr::to_string).collect::<Vec<_>>(),
        }));
        for address in info.listen_addrs {
            if is_usable(&address, self.refuse_loopback) {
                self.add_address(peer, address, "identify");
            }
        }
    }

    fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::RoutingUpdated { peer, old_peer, .. } => {
                // Told already if we added it; this is for those that kad added when they connected.
                self.tell_added(peer, "kad");
                if let Some(old) = old_peer {
                    self.tell_removed(&old, "evicted");
                }
            }
            kad::Event::OutboundQueryProgressed { result: kad::QueryResult::Bootstrap(Err(error)), .. } => {
                eprintln!("bootstrap: {error}");
            }
            _ => {}
        }
    }

    fn on_request(&mut self, event: request_response::Event<Vec<u8>, Answer>) {
        use request_response::Event;
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. } } => {
                emit(json!({ "event": "request", "from": peer.to_string(), "bytes": request.len() }));
                if let Some((channel, data)) = self.handler.take(request, channel) {
                    self.reply(channel, data);
                }
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.settle(request_id, response);
            }
            Event::OutboundFailure { peer, request_id, error } => {
                let mut text = format!("{error:?}: {error}");
                if error == request_response::OutboundFailure::DialFailure {
                    if let Some(cause) = self.dial_errors.get(&peer) {
                        text = format!("{text}: {cause}");
                    }
                }
                self.settle(request_id, Err(text));
            }
            Event::InboundFailure { peer, error, .. } => {
                emit(
                    json!({ "event": "requestFailed", "from": peer.to_string(), "error": format!("{error:?}: {error}") }),
                );
            }
            Event::ResponseSent { .. } => {}
        }
    }
}

fn on_gossip(event: gossipsub::Event) {
    match event {
        gossipsub::Event::Message { propagation_source, message_id, message } => emit(json!({
            "event": "message",
            "topic": message.topic.as_str(),
            "from": message.source.map(|peer| peer.to_string()),
            "via": propagation_source.to_string(),
            "messageId": String::from_utf8_lossy(&message_id.0),
            "data": to_base64(&message.data),
        })),
        gossipsub::Event::Subscribed { peer_id, topic } => {
            emit(json!({ "event": "subscribed", "peer": peer_id.to_string(), "topic": topic.as_str() }));
        }
        gossipsub::Event::Unsubscribed { peer_id, topic } => {
            emit(json!({ "event": "unsubscribed", "peer": peer_id.to_string(), "topic": topic.as_str() }));
        }
        gossipsub::Event::GossipsubNotSupported { peer_id } => eprintln!("{peer_id} does not speak gossipsub"),
    }
}

/// Which of the addresses that a peer names of itself go into the table.
fn is_usable(address: &Multiaddr, refuse_loopback: bool) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !(refuse_loopback && ip.is_loopback()),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !(refuse_loopback && ip.is_loopback()),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)) => true,
        _ => false,
    }
}

/// The variant's name and all that the error knows, on one line.
pub fn dial_error_text(error: &DialError) -> String {
    let text = match error {
        DialError::Transport(attempts) if attempts.is_empty() => "Transport".into(),
        DialError::Transport(attempts) => {
            let each = attempts.iter().map(|(address, error)| format!("{address}: {}", chain(error)));
            format!("Transport: {}", each.collect::<Vec<_>>().join("; "))
        }
        DialError::Denied { cause } => format!("Denied: {}", chain(cause)),
        DialError::WrongPeerId { obtained, .. } => format!("WrongPeerId: it is {obtained}"),
        DialError::LocalPeerId { .. } => "LocalPeerId: that is this node".into(),
        DialError::NoAddresses => "NoAddresses: no address of the peer is known".into(),
        other => format!("{other:?}"),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error with its causes; what a wrapper has said already is not told again.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if text.is_empty() {
            text = more;
        } else if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
