//! A rust-libp2p 0.52 node for tinyp2p's interop tests: it is told what to do by JSON lines on standard input, and
//! tells what happens by JSON lines on standard output. See README.md.
//!
//! This file owns the start, the end, and the one loop in which everything happens one thing at a time.

mod args;
mod behaviour;
mod codec;
mod commands;
mod handler;
mod network;
mod node;
mod output;
mod pending;
mod session;

use futures::StreamExt;
use std::error::Error;
use std::io::BufRead;
use std::time::Duration;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use tokio::time::{interval, interval_at, Instant};

fn main() {
    let args = args::Args::parse(std::env::args().skip(1)).unwrap_or_else(|error| {
        eprintln!("rust-peer: {error}");
        std::process::exit(2);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(args)));
    if let Err(error) = ended {
        eprintln!("rust-peer: {error}");
        std::process::exit(1);
    }
    // Not a return from main: the reader of standard input may still wait for a line.
    std::process::exit(0);
}

async fn run(args: args::Args) -> Result<(), Box<dyn Error>> {
    let (reports, mut told) = unbounded_channel();
    let (late, mut late_answers) = unbounded_channel();
    let codec =
        codec::TinyCodec { max_request: args.max_request, max_response: args.max_response, reports, write_error: None };
    let sessions = session::node::Sessions::new(args.session_limits.clone(), args.answer.clone());
    let swarm = behaviour::build_swarm(&args, codec)?;
    let handler = handler::Handler::new(args.handler, late);
    let mut node = node::Node::new(swarm, handler, sessions, args.refuse_loopback, args.request_timeout);
    node.swarm.listen_on(args.listen)?;
    for (peer, address) in args.boot {
        node.add_address(peer, address, "boot");
    }

    let mut lines = read_lines();
    let mut ticks = interval_at(Instant::now() + args.first_tick, args.discovery_interval);
    let mut sweeps = interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            event = node.swarm.select_next_some() => node.on_swarm(event),
            line = lines.recv() => match line {
                None => return Ok(()),
                Some(line) => match commands::parse(&line) {
                    (id, Ok(command)) => node.run(id, command),
                    (id, Err(error)) => output::fail(&id, error),
                },
            },
            Some((channel, data)) = late_answers.recv() => node.reply(channel, data),
            Some(error) = told.recv() => {
                // The codec does not know whose stream it reads.
                output::emit(serde_json::json!({ "event": "requestFailed", "from": null, "error": error }));
            }
            _ = ticks.tick() => node.tick(),
            _ = sweeps.tick() => node.sweep(),
        }
    }
}

/// Standard input, line by line, from a thread of its own; the channel closes at its end.
fn read_lines() -> UnboundedReceiver<Vec<u8>> {
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        let input = std::io::stdin().lock();
        for line in input.split(b'\n').map_while(Result::ok) {
            let blank = line.iter().all(u8::is_ascii_whitespace);
            if !blank && sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
