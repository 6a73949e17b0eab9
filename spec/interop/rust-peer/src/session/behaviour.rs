//! Owns the streams of the session protocol: opens ours, takes in the peer's, and keeps a peer from having more than
//! one at a time or more than eight in the life of a connection. What is said over them is not known here.

use super::pump::{Busy, Line};
use super::PROTOCOL;
use futures::future::{ready, Ready};
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::core::Endpoint;
use libp2p::swarm::handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId,
    FromSwarm, KeepAlive, NetworkBehaviour, NotifyHandler, PollParameters, SubstreamProtocol, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A peer may open so many in the life of a connection; the next one closes it.
const MAX_SESSIONS: u32 = 8;

/// Names an opening of ours.
pub type Token = u64;

#[derive(Debug)]
pub enum Event {
    Opened { token: Token, line: Line },
    Failed { token: Token, error: String },
    Inbound { line: Line },
}

struct Connection {
    peer: PeerId,
    busy: Busy,
    /// Sessions that the peer has opened.
    opened: u32,
    /// The one that is open has a copy.
    guard: Arc<()>,
}

#[derive(Default)]
pub struct Behaviour {
    connections: HashMap<ConnectionId, Connection>,
    /// Our openings under way.
    opening: HashMap<Token, ConnectionId>,
    last_token: Token,
    actions: VecDeque<ToSwarm<Event, Token>>,
}

impl Behaviour {
    /// Opens a stream over some connection with the peer; what comes of it is an event with the token.
    pub fn open(&mut self, peer: PeerId) -> Token {
        self.last_token += 1;
        let token = self.last_token;
        let ids = self.connections.iter().filter(|(_, connection)| connection.peer == peer).map(|(id, _)| *id);
        match ids.min() {
            Some(id) => {
                self.opening.insert(token, id);
                let handler = NotifyHandler::One(id);
                self.actions.push_back(ToSwarm::NotifyHandler { peer_id: peer, handler, event: token });
            }
            None => self.generate(Event::Failed { token, error: "not connected".into() }),
        }
        token
    }

    fn generate(&mut self, event: Event) {
        self.actions.push_back(ToSwarm::GenerateEvent(event));
    }

    fn add(&mut self, id: ConnectionId, peer: PeerId) -> Handler {
        let busy = Busy::default();
        let connection = Connection { peer, busy: busy.clone(), opened: 0, guard: Arc::default() };
        self.connections.insert(id, connection);
        Handler { busy, actions: VecDeque::new() }
    }

    fn on_inbound(&mut self, id: ConnectionId, stream: Stream) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let peer = connection.peer;
        connection.opened += 1;
        if connection.opened > MAX_SESSIONS {
            let connection = CloseConnection::One(id);
            self.actions.push_back(ToSwarm::CloseConnection { peer_id: peer, connection });
        } else if Arc::strong_count(&connection.guard) == 1 {
            let line = Line { peer, stream, busy: connection.busy.clone(), _guard: connection.guard.clone() };
            self.generate(Event::Inbound { line });
        }
        // Otherwise the stream is dropped here, which resets it.
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.add(id, peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.add(id, peer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<Handler>) {
        if let FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. }) = event {
            self.connections.remove(&connection_id);
            let lost: Vec<Token> =
                self.opening.iter().filter(|(_, id)| **id == connection_id).map(|(token, _)| *token).collect();
            for token in lost {
                self.opening.remove(&token);
                self.generate(Event::Failed { token, error: "the connection closed".into() });
            }
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {
            FromHandler::Inbound(stream) => self.on_inbound(id, stream),
            FromHandler::Opened(token, stream) => {
                self.opening.remove(&token);
                if let Some(Connection { peer, busy, .. }) = self.connections.get(&id) {
                    let line = Line { peer: *peer, stream, busy: busy.clone(), _guard: Arc::default() };
                    self.generate(Event::Opened { token, line });
                }
            }
            FromHandler::Failed(token, error) => {
                self.opening.remove(&token);
                self.generate(Event::Failed { token, error });
            }
        }
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
        _: &mut impl PollParameters,
    ) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        // Nothing to wake: it is polled after all that fills the queue, which happens in the loop of the swarm or in a
        // command, after which that loop polls again.
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

pub struct Handler {
    busy: Busy,
    actions: VecDeque<ConnectionHandlerEvent<Upgrade, Token, FromHandler, Infallible>>,
}

#[derive(Debug)]
pub enum FromHandler {
    Inbound(Stream),
    Opened(Token, Stream),
    Failed(Token, String),
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Token;
    type ToBehaviour = FromHandler;
    type Error = Infallible;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Token;

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade, ()> {
        SubstreamProtocol::new(Upgrade, ())
    }

    fn connection_keep_alive(&self) -> KeepAlive {
        match self.busy.load(Ordering::Relaxed) {
            0 => KeepAlive::No,
            _ => KeepAlive::Yes,
        }
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Upgrade, Token, FromHandler, Infallible>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn on_behaviour_event(&mut self, token: Token) {
        let protocol = SubstreamProtocol::new(Upgrade, token);
        self.actions.push_back(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Upgrade, Upgrade, (), Token>) {
        let told = match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                FromHandler::Inbound(protocol)
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                FromHandler::Opened(info, protocol)
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                FromHandler::Failed(info, error.to_string())
            }
            _ => return,
        };
        self.actions.push_back(ConnectionHandlerEvent::NotifyBehaviour(told));
    }
}

/// Negotiates the name and hands out the stream as it is.
#[derive(Debug)]
pub struct Upgrade;

impl UpgradeInfo for Upgrade {
    type Info = StreamProtocol;
    type InfoIter = std::iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once(PROTOCOL)
    }
}

impl InboundUpgrade<Stream> for Upgrade {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}

impl OutboundUpgrade<Stream> for Upgrade {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}
