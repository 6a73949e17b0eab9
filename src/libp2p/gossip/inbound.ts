/**
 * Reads a gossip stream, in gossipsub's place. gossipsub iterates over the stream, which buffers without bound whatever the
 * peer sends while the last frame is still being verified. Here a frame is handled after the one before it, and a stream that
 * is far ahead is paused, so that its sender waits and our memory does not grow.
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { nextTurn } from '../../platform/timers.js'
import { GOSSIP_READ_AHEAD, GOSSIP_READ_TURN } from '../defaults.js'
import { FrameReader } from './frames.js'

/** `malformed`: nothing that follows can be read; `broken`: the stream is gone, by a reset or with its connection. */
export type ReadingEnd = 'malformed' | 'broken'

export interface Reading {
  /** Reads no more, and says no more. */
  stop(): void
}

/** `handle` throws when a frame cannot be read, and rejects for no reason. */
export function readFrames(
  stream: Stream,
  limit: number,
  handle: (frame: Uint8Array) => Promise<void>,
  over: (end: ReadingEnd) => void,
): Reading {
  const frames = new FrameReader(limit)
  let busy = false
  let live = true
  let resuming = false

  const finish = (end: ReadingEnd | undefined): void => {
    if (!live) return
    live = false
    stream.removeEventListener('message', received)
    stream.removeEventListener('close', closed)
    if (end !== undefined) over(end)
  }

  const received = ({ data }: StreamMessageEvent): void => {
    if (data instanceof Uint8Array) frames.push(data)
    else for (const chunk of data) frames.push(chunk)
    if (!busy) void work()
    else holdBack()
  }

  const holdBack = (): void => {
    if (!resuming && frames.buffered > GOSSIP_READ_AHEAD) attempt(() => stream.pause())
  }

  const closed = (): void => finish('broken')

  /** Goes on reading early enough that the next bytes are here when the last ones are done. */
  const catchUp = (): void => {
    if (stream.readStatus !== 'paused' || frames.buffered > GOSSIP_READ_AHEAD / 2) return
    // A stream hands over what it has kept, and only then tells Yamux that it goes on. When it is paused in between it gives
    // windows back all the same, until it has more than it may keep and is reset.
    resuming = true
    attempt(() => stream.resume())
    resuming = false
    holdBack()
  }

  const work = async (): Promise<void> => {
    busy = true
    try {
      let began = performance.now()
      for (let frame = frames.next(); frame !== undefined && live; frame = frames.next()) {
        catchUp()
        await handle(frame)
        // Messages are verified in one long chain of microtasks, and sockets and timers need a turn too.
        if (performance.now() - began < GOSSIP_READ_TURN) continue
        await new Promise<void>((resolve) => nextTurn(resolve))
        began = performance.now()
      }
      busy = false
    } catch {
      return finish('malformed')
    }
    if (live) catchUp()
  }

  stream.addEventListener('message', received)
  stream.addEventListener('close', closed)
  return { stop: () => finish(undefined) }
}

/** Pausing and resuming throw on a stream that has closed meanwhile. */
function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // Its end is reported anyway.
  }
}
