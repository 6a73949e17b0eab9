//! Owns the command line: every flag, its default, and the complaint about a wrong one.

use crate::handler::Mode;
use crate::session::{Answer, Limits};
use libp2p::{identity::Keypair, multiaddr::Protocol, Multiaddr, PeerId};
use std::{str::FromStr, time::Duration};

pub struct Args {
    pub listen: Multiaddr,
    pub boot: Vec<(PeerId, Multiaddr)>,
    pub keypair: Keypair,
    pub topics: Vec<String>,
    pub handler: Mode,
    pub deny: Vec<PeerId>,
    pub nodelay: bool,
    pub lazy_streams: bool,
    pub refuse_loopback: bool,
    pub first_tick: Duration,
    pub discovery_interval: Duration,
    pub request_timeout: Duration,
    pub keep_alive: Duration,
    pub max_request: u64,
    pub max_response: u64,
    pub max_inbound_streams: usize,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub gossip: Gossip,
    pub session: bool,
    pub answer: Answer,
    pub session_limits: Limits,
}

pub struct Gossip {
    pub heartbeat: Duration,
    /// n, low, high, outbound minimum.
    pub mesh: [usize; 4],
    pub lazy: usize,
    pub flood_publish: bool,
    pub seen: Duration,
    pub idle: Duration,
    pub max_transmit: usize,
}

impl Args {
    /// Reads flags; an error is text for the person who typed them.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut args = Args::defaults();
        while let Some(flag) = words.next() {
            match flag.as_str() {
                "--refuse-loopback" => args.refuse_loopback = true,
                "--session" => args.session = true,
                _ => {
                    let value = words.next().ok_or_else(|| format!("{flag} needs a value"))?;
                    args.set(&flag, &value).map_err(|e| format!("{flag} {value}: {e}"))?;
                }
            }
        }
        Ok(args)
    }

    fn defaults() -> Args {
        Args {
            listen: "/ip4/127.0.0.1/tcp/0".parse().expect("a valid address"),
            boot: vec![],
            keypair: Keypair::generate_ed25519(),
            topics: vec!["block".into(), "tx".into()],
            handler: Mode::Echo,
            deny: vec![],
            nodelay: true,
            lazy_streams: false,
            refuse_loopback: false,
            first_tick: Duration::from_millis(1_000),
            discovery_interval: Duration::from_millis(5_000),
            request_timeout: Duration::from_millis(10_000),
            keep_alive: Duration::from_millis(10_000),
            max_request: 1 << 20,
            max_response: 1 << 20,
            max_inbound_streams: 128,
            ping_interval: Duration::from_millis(15_000),
            ping_timeout: Duration::from_millis(20_000),
            gossip: Gossip {
                heartbeat: Duration::from_millis(1_000),
                mesh: [6, 5, 12, 2],
                lazy: 6,
                flood_publish: true,
                seen: Duration::from_millis(60_000),
                idle: Duration::from_millis(120_000),
                max_transmit: 65_536,
            },
            session: false,
            answer: Answer::Echo,
            session_limits: Limits { max_open: 1_024, window: 65_536, max_request: 1 << 20, grant: 0 },
        }
    }

    fn set(&mut self, flag: &str, value: &str) -> Result<(), String> {
        match flag {
            "--listen" => self.listen = read(value)?,
            "--boot" => self.boot.push(peer_address(value)?),
            "--secret" => self.keypair = keypair(value)?,
            "--topics" => self.topics = value.split(',').filter(|t| !t.is_empty()).map(String::from).collect(),
            "--handler" => self.handler = Mode::parse(value)?,
            "--deny" => self.deny.push(read(value)?),
            "--nodelay" => self.nodelay = read(value)?,
            "--lazy-streams" => self.lazy_streams = read(value)?,
            "--first-tick" => self.first_tick = millis(value)?,
            "--discovery-interval" => self.discovery_interval = positive_millis(value)?,
            "--request-timeout" => self.request_timeout = positive_millis(value)?,
            "--keep-alive" => self.keep_alive = millis(value)?,
            "--max-request" => self.max_request = read(value)?,
            "--max-response" => self.max_response = read(value)?,
            "--max-inbound-streams" => self.max_inbound_streams = read(value)?,
            "--ping-interval" => self.ping_interval = positive_millis(value)?,
            "--ping-timeout" => self.ping_timeout = positive_millis(value)?,
            "--heartbeat" => self.gossip.heartbeat = positive_millis(value)?,
            "--mesh" => self.gossip.mesh = four_numbers(value)?,
            "--gossip-lazy" => self.gossip.lazy = read(value)?,
            "--flood-publish" => self.gossip.flood_publish = read(value)?,
            "--idle-seen" => self.gossip.seen = millis(value)?,
            "--gossip-idle" => self.gossip.idle = millis(value)?,
            "--max-transmit" => self.gossip.max_transmit = read(value)?,
            "--answer" => self.answer = Answer::parse(value)?,
            "--session-max-open" => self.session_limits.max_open = read(value)?,
            "--session-window" => self.session_limits.window = read::<u64>(value)?.max(65_536),
            "--session-max-request" => self.session_limits.max_request = read(value)?,
            "--session-grant" => self.session_limits.grant = read(value)?,
            _ => return Err("unknown flag".into()),
        }
        Ok(())
    }
}

fn read<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| e.to_string())
}

fn millis(text: &str) -> Result<Duration, String> {
    // A year is as good as for ever, and cannot overflow a clock.
    Ok(Duration::from_millis(read::<u64>(text)?.min(365 * 86_400_000)))
}

fn positive_millis(text: &str) -> Result<Duration, String> {
    match millis(text)? {
        Duration::ZERO => Err("must be above zero".into()),
        time => Ok(time),
    }
}

fn four_numbers(text: &str) -> Result<[usize; 4], String> {
    let numbers = text.split(',').map(read).collect::<Result<Vec<usize>, _>>()?;
    numbers.try_into().map_err(|_| "wants n,low,high,outbound_min".into())
}

fn keypair(secret: &str) -> Result<Keypair, String> {
    let bytes = bs58::decode(secret).into_vec().map_err(|e| e.to_string())?;
    Keypair::ed25519_from_bytes(bytes).map_err(|e| e.to_string())
}

/// Splits `…/p2p/<id>` into the id and the address before it.
pub fn peer_address(text: &str) -> Result<(PeerId, Multiaddr), String> {
    let mut address: Multiaddr = read(text)?;
    match address.pop() {
        Some(Protocol::P2p(peer)) => Ok((peer, address)),
        _ => Err("the address does not end with /p2p/<peer id>".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_gives_the_known_peer_id() {
        let keypair = keypair("XZYk2USPCmrRp7mCu5pT8XuQKprUf58qESu4QcQv9rJ").unwrap();
        let expected = "12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc";
        assert_eq!(keypair.public().to_peer_id().to_string(), expected);
    }

    #[test]
    fn wrong_flags_are_told() {
        let parse = |line: &str| Args::parse(line.split(' ').map(String::from)).map(|_| ());
        assert!(parse("--mesh 1,1,1,0 --refuse-loopback --nodelay false").is_ok());
        for bad in ["--mesh 1,2", "--listen", "--what 1", "--secret 0", "--boot /ip4/1.2.3.4/tcp/1", "--heartbeat 0"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
