/**
 * Reads a gossip stream, in gossipsub's place. gossipsub iterates over the stream, which buffers without bound whatever the
 * peer sends while the last frame is still being verified. Here a frame is handled after the one before it, and a stream that
 * is far ahead is paused, so that its sender waits and our memory does not grow.
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { GOSSIP_READ_AHEAD } from '../defaults.js'
import { FrameReader } from './frames.js'

/** `malformed`: nothing that follows can be read; `broken`: the stream is gone, by a reset or with its connection. */
export type ReadingEnd = 'malformed' | 'broken'

export interface Reading {
  /** Reads no more, and says no more. */
  stop(): void
}

export interface Reader {
  /** Asked before each frame. `undefined`: it may be read now; otherwise it resolves when that is to be asked again. */
  pause(): Promise<void> | undefined
  /** Throws when the frame cannot be read, and rejects for no reason. */
  handle(frame: Uint8Array): Promise<void>
  /** The stream has ended. What has arrived by then is handled all the same. */
  over(end: ReadingEnd): void
  /** After that: all of it has been handled. */
  done(): void
}

export function readFrames(stream: Stream, limit: number, reader: Reader): Reading {
  const frames = new FrameReader(limit)
  let busy = false
  let live = true
  let ended = false
  let resuming = false

  const finish = (): void => {
    live = false
    stream.removeEventListener('message', received)
    stream.removeEventListener('close', closed)
  }

  const end = (reason: ReadingEnd): void => {
    if (ended) return
    ended = true
    reader.over(reason)
  }

  const allRead = (): void => {
    if (!live) return
    finish()
    reader.done()
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

  const closed = (): void => {
    // It hands over what it kept while it was paused.
    attempt(() => stream.resume())
    end('broken')
    if (!busy) allRead()
  }

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

  const handle = (frame: Uint8Array): Promise<void> | undefined => (live ? reader.handle(frame) : undefined)

  const work = async (): Promise<void> => {
    busy = true
    try {
      for (let frame = frames.next(); frame !== undefined && live; frame = frames.next()) {
        const turn = turnOf(reader)
        if (turn !== undefined) await turn
        catchUp()
        await handle(frame)
      }
      busy = false
    } catch {
      if (live) end('malformed')
      return allRead()
    }
    if (ended) allRead()
    else if (live) catchUp()
  }

  stream.addEventListener('message', received)
  stream.addEventListener('close', closed)
  return { stop: finish }
}

/** `undefined`: it may go on now. */
function turnOf(reader: Reader): Promise<void> | undefined {
  return reader.pause()?.then(() => turnOf(reader))
}

/** Pausing and resuming throw on a stream that has closed meanwhile. */
function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // Its end is reported anyway.
  }
}
