/** Our Yamux over our TCP: which frames it sends, and what becomes of bytes that come too early. No Noise, no node. */
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Stream, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'
import { YAMUX } from '../../../src/libp2p/defaults.js'
import { endWithDataFrame } from '../../../src/libp2p/patches/yamux-fin.js'
import { tunedYamux, widen } from '../../../src/libp2p/patches/yamux-streams.js'
import { data, SYN } from '../../hostile/tools/frames.js'
import { join } from '../../support/bytes.js'
import { tcpPair, type TcpPair } from '../../support/tcp-pair.js'

const KiB = 1024
const HEADER = 12
const [DATA, WINDOW_UPDATE] = [0, 1]
const FIN = 4

interface Frame {
  type: number
  flags: number
  length: number
}

/** The frames of the stream `id` in these bytes. */
function framesOf(bytes: Uint8Array, id: number): Frame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length;) {
    const frame = { type: view.getUint8(at + 1), flags: view.getUint16(at + 2), length: view.getUint32(at + 8) }
    if (view.getUint32(at + 4) === id) frames.push(frame)
    at += HEADER + (frame.type === DATA ? frame.length : 0)
  }
  return frames
}

/** What comes to an end of the connection, from now on. */
function record(end: TcpPair['near']): () => Uint8Array {
  const chunks: Uint8Array[] = []
  end.addEventListener('message', (message: StreamMessageEvent) => void chunks.push(message.data.subarray().slice()))
  return () => Buffer.concat(chunks)
}

const event = (target: object, type: string) => once(target as EventTarget, type)

/** Resolves when the stream has given so many bytes. */
async function received(stream: Stream, bytes: number): Promise<void> {
  let count = 0
  await new Promise<void>((resolve) => {
    stream.addEventListener('message', (message) => {
      count += message.data.byteLength
      if (count >= bytes) resolve()
    })
  })
}

describe('our Yamux', () => {
  let pair: TcpPair
  let near: StreamMuxer
  let out: Stream
  let inbound: Stream
  let toNear: () => Uint8Array
  let toFar: () => Uint8Array

  beforeEach(async () => {
    pair = await tcpPair()
    const factory = tunedYamux({ ...YAMUX, enableKeepAlive: false })()
    toNear = record(pair.near)
    toFar = record(pair.far)
    near = factory.createStreamMuxer(pair.near)
    const arrival = event(factory.createStreamMuxer(pair.far), 'stream') as Promise<[CustomEvent<Stream>]>
    out = await near.createStream()
    inbound = (await arrival)[0].detail
  })

  afterEach(() => pair.close())

  /** What waits on the stream that has come in. */
  const kept = (): Uint8Array[] => [...(inbound as unknown as { readBuffer: Iterable<Uint8Array> }).readBuffer]

  async function waiting(bytes: number): Promise<void> {
    while (inbound.readBufferLength < bytes) await new Promise((resolve) => setImmediate(resolve))
  }

  it('gives a window back when half of it is used up, and not for each frame', async () => {
    const all = received(inbound, 200 * KiB)
    for (let i = 0; i < 20; i++) {
      out.send(new Uint8Array(10 * KiB))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await all
    // A round trip: what is on its way has come.
    const answer = received(out, 1)
    inbound.send(new Uint8Array(1))
    await answer
    const updates = framesOf(toNear(), 1).filter(({ type }) => type === WINDOW_UPDATE)
    // The first one acknowledges the stream.
    expect(updates.length).toBe(2)
    expect(updates.at(-1)!.length).toBeGreaterThanOrEqual(128 * KiB)
    expect(updates.at(-1)!.length).toBeLessThan(160 * KiB)
  })

  describe('until the protocol of a stream is agreed upon', () => {
    const WORD = join(Uint8Array.of(4), new TextEncoder().encode('/no\n'))
    const GO_ON = new Uint8Array(100 * KiB).fill(0x80)

    /** What is read of it. */
    function read(): () => Uint8Array {
      const chunks: Uint8Array[] = []
      inbound.addEventListener('message', ({ data: chunk }) => void chunks.push(chunk.subarray().slice()))
      return () => join(...chunks)
    }

    it('keeps unread what no word of the choice is, and gives it to whom it is meant for', async () => {
      const seen = read()
      out.send(join(WORD, GO_ON))
      await waiting(GO_ON.length - 2)
      expect(seen().length).toBeLessThan(WORD.length + 2)
      out.send(Uint8Array.of(7))
      await out.close()
      await waiting(GO_ON.length)
      inbound.protocol = '/test'
      expect(Buffer.compare(seen(), join(WORD, GO_ON, Uint8Array.of(7)))).toBe(0)
    })

    it('leaves it to others whether they read then', async () => {
      const seen = read()
      out.send(GO_ON)
      await waiting(GO_ON.length - 2)
      inbound.pause()
      inbound.protocol = '/test'
      expect(seen().length).toBeLessThan(2)
      inbound.resume()
      expect(seen().length).toBe(GO_ON.length)
    })

    it('and on a stream of identify, which it resets', async () => {
      read()
      const end = once(inbound as unknown as EventTarget, 'close')
      inbound.protocol = '/ipfs/id/1.0.0'
      out.send(join(Uint8Array.of(0x80, 0x10), new Uint8Array(2_048), GO_ON))
      await end
      expect(inbound.status).toBe('aborted')
    })

    it('and on a stream of identify that has said good messages ahead, which it resets when they go on without an end', async () => {
      read()
      const end = once(inbound as unknown as EventTarget, 'close')
      const message = join(Uint8Array.of(0xd0, 0x0f), new Uint8Array(2_000))
      out.send(message)
      await waiting(message.length - 1)
      inbound.protocol = '/ipfs/id/push/1.0.0'
      expect(inbound.status).toBe('open')
      out.send(GO_ON)
      await end
      expect(inbound.status).toBe('aborted')
    })

    it('and on one that says more ahead, which it resets then', async () => {
      read()
      out.send(GO_ON)
      await waiting(GO_ON.length - 2)
      inbound.protocol = '/ipfs/id/push/1.0.0'
      expect(inbound.status).toBe('aborted')
    })
  })

  it('gives a widened stream its window at once', async () => {
    widen(inbound, 1024 * KiB)
    inbound.send(new Uint8Array(1))
    await received(out, 1)
    const given = framesOf(toNear(), 1).filter(({ type }) => type === WINDOW_UPDATE)
    expect(given.reduce((sum, { length }) => sum + length, 0)).toBe(768 * KiB)
    // It grows no further.
    expect(inbound).toMatchObject({ recvWindow: 1024 * KiB, maxStreamWindowSize: 1024 * KiB })
  })

  // One byte of it would keep alive all that came at once.
  it('keeps no more of what came with a piece that waits than the piece', async () => {
    inbound.pause()
    const other = await near.createStream()
    pair.near.send(join(data(1, Uint8Array.of(7)), data(Number(other.id), new Uint8Array(50 * KiB), SYN)))
    await waiting(1)
    expect(kept().map(({ buffer }) => buffer.byteLength)).toEqual([1])
    // What is large is not copied.
    pair.near.send(data(1, new Uint8Array(50 * KiB)))
    await waiting(50 * KiB + 1)
    const pinned = kept().reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
    expect(pinned).toBeLessThan(101 * KiB)
  })

  it('joins small pieces that wait', async () => {
    inbound.protocol = '/test'
    inbound.pause()
    const sent = Uint8Array.from({ length: 1_000 }, (_, at) => at)
    for (const byte of sent) out.send(Uint8Array.of(byte))
    await waiting(sent.length)
    expect(kept().length).toBeLessThan(100)
    expect(kept().reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(2 * sent.length)
    const heard = event(inbound, 'message') as Promise<[StreamMessageEvent]>
    inbound.resume()
    const [{ data: all }] = await heard
    expect(all.subarray()).toEqual(sent)
  })

  it('gives bytes that are put back on a stream that the other side has ended', async () => {
    // All of it is here before it is read, as in an upgrade that is not over.
    const end = event(inbound, 'remoteCloseWrite')
    out.send(new Uint8Array([1, 2, 3]))
    await out.close()
    await end
    await received(inbound, 3)
    expect(inbound.readStatus).toBe('closed')
    const again = received(inbound, 2)
    inbound.unshift(new Uint8Array([4, 5]))
    await again
  })

  it('ends a stream on which nothing was sent with a data frame', async () => {
    const end = event(inbound, 'remoteCloseWrite')
    endWithDataFrame(out)
    await out.close()
    await end
    const last = framesOf(toFar(), 1).at(-1)!
    expect([last.type, last.flags & FIN, last.length]).toEqual([DATA, FIN, 0])
  })

  it('refuses a connection that has ended during its handshake', () => {
    pair.near.abort(new Error('it is over'))
    const factory = tunedYamux({ ...YAMUX, enableKeepAlive: false })()
    expect(() => factory.createStreamMuxer(pair.near)).toThrow('the connection has ended: it is aborted')
  })

  // As an uncaught exception it would end the process. Jest tells of one as a failure.
  it('aborts a stream that it cannot open any more, and throws nowhere', async () => {
    const end = pair.near.close()
    const stream = await near.createStream()
    await new Promise((resolve) => setImmediate(resolve))
    expect(stream.status).toBe('aborted')
    await end
  })
})
