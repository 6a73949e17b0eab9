//! Owns what the node speaks: the transport, the protocols with their settings, and the pub/sub message id.

use crate::args::{Args, Gossip};
use crate::codec::{TinyCodec, PROTOCOL};
use crate::session;
use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::kad::{self, store::MemoryStore};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{gossipsub, identify, noise, ping, tcp, yamux, PeerId, Swarm, SwarmBuilder};
use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

const IDENTIFY_VERSION: &str = "/tinychain/identify/1.0.0";

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    // First, so that a denied peer is refused before anybody else sees it.
    pub blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub identify: identify::Behaviour,
    pub kad: kad::Behaviour<MemoryStore>,
    pub ping: ping::Behaviour,
    pub gossip: gossipsub::Behaviour,
    pub requests: request_response::Behaviour<TinyCodec>,
    pub sessions: Toggle<session::behaviour::Behaviour>,
}

pub fn build_swarm(args: &Args, codec: TinyCodec) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let swarm = SwarmBuilder::with_existing_identity(args.keypair.clone())
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(args.nodelay), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|keypair| behaviour(args, keypair, codec))?
        .with_swarm_config(|config| {
            let config = config
                .with_idle_connection_timeout(args.keep_alive)
                .with_max_negotiating_inbound_streams(args.max_inbound_streams);
            match args.lazy_streams {
                true => config.with_substream_upgrade_protocol_override(Version::V1Lazy),
                false => config,
            }
        })
        .build();
    Ok(swarm)
}

fn behaviour(args: &Args, keypair: &Keypair, codec: TinyCodec) -> Result<Behaviour, Box<dyn Error + Send + Sync>> {
    let local = keypair.public().to_peer_id();

    let mut blocked = allow_block_list::Behaviour::default();
    for peer in &args.deny {
        blocked.block_peer(*peer);
    }

    let about = identify::Config::new(IDENTIFY_VERSION.into(), keypair.public());
    let pings = ping::Config::new().with_interval(args.ping_interval).with_timeout(args.ping_timeout);

    // libp2p-request-response 0.25.3 hands these two to its handler in the wrong order, so each is set by the name of
    // the other. The keep-alive is deprecated, but the origin of this wire has one for requests.
    let mut requests = request_response::Config::default();
    requests.set_request_timeout(args.keep_alive);
    #[allow(deprecated)]
    requests.set_connection_keep_alive(args.request_timeout);

    Ok(Behaviour {
        blocked,
        identify: identify::Behaviour::new(about),
        kad: kademlia(local, args),
        ping: ping::Behaviour::new(pings),
        gossip: gossip(&args.gossip, keypair, &args.topics)?,
        requests: request_response::Behaviour::with_codec(codec, [(PROTOCOL, ProtocolSupport::Full)], requests),
        sessions: args.session.then(session::behaviour::Behaviour::default).into(),
    })
}

fn kademlia(local: PeerId, args: &Args) -> kad::Behaviour<MemoryStore> {
    let mut config = kad::Config::default();
    #[allow(deprecated)] // As for requests.
    config.set_connection_idle_timeout(args.keep_alive);
    let mut kad = kad::Behaviour::with_config(local, MemoryStore::new(local), config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

fn gossip(
    args: &Gossip,
    keypair: &Keypair,
    topics: &[String],
) -> Result<gossipsub::Behaviour, Box<dyn Error + Send + Sync>> {
    let [n, low, high, outbound_min] = args.mesh;
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Strict)
        .message_id_fn(|message| message_id(&message.data).into())
        .heartbeat_interval(args.heartbeat)
        // libp2p waits 5 s before the first heartbeat, too long for a test that hears by IHAVE only.
        .heartbeat_initial_delay(args.heartbeat.min(Duration::from_secs(5)))
        .mesh_n(n)
        .mesh_n_low(low)
        .mesh_n_high(high)
        .mesh_outbound_min(outbound_min)
        .gossip_lazy(args.lazy)
        .flood_publish(args.flood_publish)
        .duplicate_cache_time(args.seen)
        .idle_timeout(args.idle)
        .max_transmit_size(args.max_transmit)
        .build()?;
    let mut gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Signed(keypair.clone()), config)?;
    for topic in topics {
        gossip.subscribe(&gossipsub::IdentTopic::new(topic))?;
    }
    Ok(gossip)
}

/// The id of a pub/sub message depends on its data only: the same bytes are the same message.
pub fn message_id(data: &Vec<u8>) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_id_of_the_known_payload() {
        assert_eq!(message_id(&b"Hello, a new block!".to_vec()), "6538566873042680945");
    }
}
