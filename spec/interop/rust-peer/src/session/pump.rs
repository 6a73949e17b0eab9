//! Owns one session's stream: reads for its state machine, writes what that has to say (the next write when the one
//! before is out), keeps its time, and ends the stream as the machine or the other side wants.

use super::{Machine, Told, Wish};
use crate::output::{emit, fail, succeed};
use futures::{io::WriteHalf, AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep_until, Duration, Instant};

/// The open requests of a connection, which keep it alive.
pub type Busy = Arc<AtomicUsize>;

/// A stream and what goes with it.
#[derive(Debug)]
pub struct Line {
    pub peer: PeerId,
    pub stream: Stream,
    pub busy: Busy,
    /// Whoever else has it knows by it whether this one is still in use.
    pub _guard: Arc<()>,
}

pub async fn run<M: Machine>(mut machine: M, line: Line, mut orders: UnboundedReceiver<M::Order>) {
    let Line { peer, stream, busy, _guard } = line;
    emit(json!({ "event": "sessionOpened", "peer": peer.to_string(), "role": machine.role() }));
    let mut counted = 0;
    let why = drive(&mut machine, stream, peer, &mut orders, |open| {
        busy.fetch_add(open, Ordering::Relaxed);
        busy.fetch_sub(counted, Ordering::Relaxed);
        counted = open;
    })
    .await;
    busy.fetch_sub(counted, Ordering::Relaxed);
    machine.lost(&why);
    tell(&mut machine, peer);
    emit(json!({ "event": "sessionEnded", "peer": peer.to_string(), "role": machine.role(), "why": why }));
    refuse::<M>(&mut orders, &why);
}

/// Answers the orders that no session takes any more.
pub fn refuse<M: Machine>(orders: &mut UnboundedReceiver<M::Order>, why: &str) {
    orders.close();
    while let Ok(order) = orders.try_recv() {
        if let Some(Told::Result(id, Err(error))) = M::too_late(order, why) {
            fail(&id, error);
        }
    }
}

/// Runs until the stream ends; the text is why. Dropping a stream that is not closed resets it.
async fn drive<M: Machine>(
    machine: &mut M,
    stream: Stream,
    peer: PeerId,
    orders: &mut UnboundedReceiver<M::Order>,
    mut count: impl FnMut(usize),
) -> String {
    let start = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let mut chunk = vec![0; 65_536];
    let mut out = Out::default();
    let (mut reading, mut ordering) = (true, true);
    loop {
        let now = start.elapsed().as_millis() as u64;
        // All of them before the next write, so that it takes them all.
        while let Ok(order) = orders.try_recv() {
            machine.order(order, now);
        }
        machine.on_time(now);
        if out.is_empty() {
            machine.write(&mut out.bytes, now);
        }
        count(machine.open());
        tell(machine, peer);
        if out.is_empty() && !out.unflushed {
            match machine.wish() {
                Wish::Reset => return "reset here".into(),
                Wish::Close if !reading => {
                    let _ = writer.close().await;
                    return "closed by both".into();
                }
                Wish::Close if !out.closed => {
                    out.closed = true;
                    if let Err(error) = writer.close().await {
                        return format!("closing failed: {error}");
                    }
                }
                _ => {}
            }
        }
        let wake = machine.next_time().map(|time| start + Duration::from_millis(time));
        tokio::select! {
            read = reader.read(&mut chunk), if reading => match read {
                // Yamux reports a reset as the end, too.
                Ok(0) => {
                    machine.on_end();
                    reading = false;
                    if machine.wish() == Wish::Reset {
                        return "ended by the peer".into();
                    }
                }
                Ok(size) => {
                    let now = start.elapsed().as_millis() as u64;
                    if let Err(violation) = machine.on_bytes(&chunk[..size], now) {
                        return format!("violation: {violation}");
                    }
                }
                Err(error) => return format!("reading failed: {error}"),
            },
            wrote = out.write(&mut writer), if !out.is_empty() || out.unflushed => {
                if let Err(error) = wrote {
                    return format!("writing failed: {error}");
                }
            }
            order = orders.recv(), if ordering => match order {
                Some(order) => machine.order(order, start.elapsed().as_millis() as u64),
                None => ordering = false,
            },
            () = sleep_until(wake.unwrap_or(start)), if wake.is_some() => {}
        }
    }
}

#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    written: usize,
    unflushed: bool,
    closed: bool,
}

impl Out {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes some, or flushes what was written. Nothing is lost when it is dropped before it is ready.
    async fn write(&mut self, writer: &mut WriteHalf<Stream>) -> io::Result<()> {
        if self.bytes.is_empty() {
            writer.flush().await?;
            self.unflushed = false;
            return Ok(());
        }
        match writer.write(&self.bytes[self.written..]).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            size => self.written += size,
        }
        self.unflushed = true;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
        Ok(())
    }
}

fn tell<M: Machine>(machine: &mut M, peer: PeerId) {
    for told in machine.told() {
        match told {
            Told::Event(mut event) => {
                event["peer"] = peer.to_string().into();
                emit(event);
            }
            Told::Result(id, Ok(answer)) => succeed(&id, answer),
            Told::Result(id, Err(error)) => fail(&id, error),
        }
    }
}
