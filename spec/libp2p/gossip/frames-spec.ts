/** Frames of gossip without sockets: how they are put together from chunks, divided, and read one after the other. */
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Stream } from '@libp2p/interface'
import { describe, expect, it } from '@jest/globals'
import { framed, FrameReader, pieces } from '../../../src/libp2p/gossip/frames.js'
import { readFrames, type ReadingEnd } from '../../../src/libp2p/gossip/inbound.js'
import { GossipTurns } from '../../../src/libp2p/gossip/turns.js'
import { encodeVarint } from '../../../src/wire/varint.js'
import { collectGarbage } from '../../support/garbage.js'
import { bytes, join as joined, text } from '../../support/bytes.js'

const numbered = (count: number, size: number) => Array.from({ length: count }, (_, index) => bytes(size).fill(index))

function read(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
  return frames
}

describe('frames', () => {
  const frames = [bytes(0), bytes('one'), bytes(127), bytes(128), bytes(300), bytes(0), bytes('last')]
  const stream = joined(...frames.map(framed))

  it('are the same wherever the chunks are cut', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const reader = new FrameReader(10_000)
      reader.push(stream.subarray(0, cut))
      const before = read(reader)
      reader.push(stream.subarray(cut))
      expect([...before, ...read(reader)]).toEqual(frames)
      expect(reader.buffered).toBe(0)
    }
  })

  it('leave nothing behind in a reader that is never quite empty', async () => {
    const held: WeakRef<Uint8Array>[] = []
    const reader = new FrameReader(10_000)
    const all = joined(...numbered(100, 500).map(framed))
    const push = (from: number, to: number): void => {
      const chunk = all.slice(from, to)
      held.push(new WeakRef(chunk))
      reader.push(chunk)
    }
    push(0, 300)
    for (let at = 300; at < all.length - 1_000; at += 300) {
      push(at, at + 300)
      if (reader.buffered > 1_000) reader.next()
    }
    expect(reader.buffered).toBeGreaterThan(0)
    // What a weak reference was made of in a turn stays for that turn.
    await new Promise(setImmediate)
    collectGarbage()
    expect(held.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(held.length / 2)
  })

  it('that wait keep nothing else alive, and are few pieces', () => {
    const reader = new FrameReader(10_000)
    const all = joined(stream, stream, stream, bytes(60_000))
    for (let at = 0; at < 3 * stream.length; at++) reader.push(all.subarray(at, at + 1))
    const { chunks } = reader as unknown as { chunks: Uint8Array[] }
    expect(chunks.length).toBeLessThan(100)
    expect(chunks.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(2 * reader.buffered)
    expect(read(reader)).toEqual([...frames, ...frames, ...frames])
  })

  it('that are small keep nothing else of their chunk once they are read', () => {
    const reader = new FrameReader(100_000)
    reader.push(joined(framed(bytes(100)), framed(bytes(5_000)), framed(bytes(60_000))))
    expect(
      read(reader)
        .slice(0, 2)
        .map(({ buffer }) => buffer.byteLength),
    ).toEqual([100, 5_000])
  })

  it('that are joined while they wait are read where reading stopped', () => {
    const reader = new FrameReader(10_000)
    reader.push(joined(framed(bytes('one')), framed(bytes('two')).subarray(0, 2)))
    reader.push(framed(bytes('two')).subarray(2))
    expect(reader.next()).toEqual(bytes('one'))
    const rest = framed(bytes(500))
    for (const byte of rest) reader.push(Uint8Array.of(byte))
    expect(read(reader)).toEqual([bytes('two'), bytes(500)])
    expect(reader.buffered).toBe(0)
  })

  it('come out of single bytes', () => {
    const reader = new FrameReader(10_000)
    const heard: Uint8Array[] = []
    for (const byte of stream) {
      reader.push(Uint8Array.of(byte))
      heard.push(...read(reader))
    }
    expect(heard).toEqual(frames)
  })

  it('may be as large as the limit, and not a byte larger', () => {
    const reader = new FrameReader(1_000)
    reader.push(joined(framed(bytes(1_000)), encodeVarint(1_001)))
    expect(reader.next()).toEqual(bytes(1_000))
    expect(() => reader.next()).toThrow('a frame of 1001 bytes; the limit is 1000')
  })

  it('whose length does not end are refused before more of it comes', () => {
    const reader = new FrameReader(1_000)
    reader.push(bytes(5).fill(0x80))
    expect(() => reader.next()).toThrow('does not end')
  })
})

describe('an RPC over the limit', () => {
  const ids = (count: number) => numbered(count, 100)
  const whole: RPC = {
    subscriptions: Array.from({ length: 50 }, (_, index) => ({ subscribe: true, topic: `${index}`.padEnd(100, '.') })),
    messages: numbered(20, 300).map((data) => ({ data, topic: 'block' })),
    control: {
      graft: Array.from({ length: 50 }, (_, index) => ({ topicID: `${index}`.padEnd(50, '.') })),
      prune: [{ topicID: 'block', peers: [], backoff: 60 }],
      ihave: [
        { topicID: 'block', messageIDs: ids(100) },
        { topicID: 'tx', messageIDs: ids(3) },
      ],
      iwant: [{ messageIDs: ids(77) }],
      idontwant: [{ messageIDs: ids(1) }],
    },
  }

  it('is divided into some that are not, and say the same', () => {
    const parts = pieces(whole, 1_000)
    const decoded = parts.map(({ bytes: encoded }) => RPC.decode(encoded))
    expect(Math.max(...parts.map((part) => part.bytes.length))).toBeLessThanOrEqual(1_000)
    expect(decoded.flatMap(({ subscriptions }) => subscriptions)).toEqual(whole.subscriptions)
    expect(decoded.flatMap(({ messages }) => messages)).toEqual(whole.messages)
    const controls = decoded.flatMap(({ control }) => control ?? [])
    expect(controls.flatMap(({ graft }) => graft)).toEqual(whole.control!.graft)
    expect(controls.flatMap(({ prune }) => prune)).toEqual(whole.control!.prune)
    for (const topic of ['block', 'tx']) {
      const offered = controls.flatMap(({ ihave }) => ihave).filter(({ topicID }) => topicID === topic)
      expect(offered.flatMap(({ messageIDs }) => messageIDs)).toEqual(ids(topic === 'block' ? 100 : 3))
    }
    expect(controls.flatMap(({ iwant }) => iwant).flatMap(({ messageIDs }) => messageIDs)).toEqual(ids(77))
    expect(controls.flatMap(({ idontwant }) => idontwant).flatMap(({ messageIDs }) => messageIDs)).toEqual(ids(1))
  })

  it('that is not is left as it is', () => {
    expect(pieces(whole, 1_000_000).map(({ rpc }) => rpc)).toEqual([whole])
  })

  it('goes without what is too large by itself', () => {
    const rpc: RPC = {
      subscriptions: [],
      messages: [bytes(50), bytes(500), bytes(60)].map((data) => ({ data, topic: '' })),
    }
    const parts = pieces(rpc, 200)
    expect(parts.flatMap((part) => part.rpc.messages).map(({ data }) => data?.length)).toEqual([50, 60])
  })
})

describe('reading', () => {
  /** A stream that is only listened to, paused and resumed. */
  class FakeStream extends EventTarget {
    readStatus: 'readable' | 'paused' = 'readable'
    pauses = 0

    pause(): void {
      this.pauses++
      this.readStatus = 'paused'
    }

    resume(): void {
      this.readStatus = 'readable'
    }

    send(data: Uint8Array): void {
      this.dispatchEvent(Object.assign(new Event('message'), { data }))
    }
  }

  function start(handle: (frame: Uint8Array) => Promise<void>) {
    const stream = new FakeStream()
    const ends: (ReadingEnd | 'done')[] = []
    const turns = new GossipTurns()
    const reading = readFrames(stream as unknown as Stream, 1_000_000, {
      pause: () => turns.pause(),
      handle,
      over: (end) => ends.push(end),
      done: () => ends.push('done'),
    })
    return { stream, ends, reading }
  }

  it('takes a frame after the one before it, pauses who is far ahead, and goes on when it has caught up', async () => {
    const heard: number[] = []
    let finish: () => void = () => undefined
    const { stream } = start((frame) => {
      heard.push(frame[0]!)
      return new Promise((resolve) => (finish = resolve))
    })
    for (const frame of numbered(10, 100_000)) stream.send(framed(frame))
    expect(heard).toEqual([0])
    expect(stream.readStatus).toBe('paused')
    for (let number = 0; number < 10; number++) {
      while (heard.length <= number) await new Promise(setImmediate)
      expect(heard.at(-1)).toBe(number)
      // From there on one frame waits, which is less than half of what may.
      expect(stream.readStatus).toBe(number < 8 ? 'paused' : 'readable')
      finish()
    }
    await new Promise(setImmediate)
    expect(stream.readStatus).toBe('readable')
    expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('does not pause who is not', async () => {
    const { stream } = start(() => Promise.resolve())
    for (const frame of numbered(10, 10_000)) stream.send(framed(frame))
    await new Promise(setImmediate)
    expect(stream.pauses).toBe(0)
  })

  it('lets others have a turn while it has a lot to do', async () => {
    let handled = 0
    const { stream } = start(() => {
      for (const end = performance.now() + 2; performance.now() < end;);
      handled++
      return Promise.resolve()
    })
    stream.send(joined(...numbered(100, 10).map(framed)))
    let turns = 0
    for (; handled < 100 && turns < 1_000; turns++) await new Promise(setImmediate)
    expect(handled).toBe(100)
    // One long chain of microtasks would be a single turn. (How many frames one turn has depends on the machine.)
    expect(turns).toBeGreaterThan(2)
  })

  it('ends with a frame that cannot be read, and says so once', async () => {
    const heard: string[] = []
    const { stream, ends } = start((frame) => {
      if (frame[0] === 33) throw new Error('no')
      heard.push(text(frame))
      return Promise.resolve()
    })
    stream.send(joined(framed(bytes('good')), framed(bytes('!')), framed(bytes('never'))))
    await new Promise(setImmediate)
    stream.send(framed(bytes('nor this')))
    stream.dispatchEvent(new Event('close'))
    expect([heard, ends]).toEqual([['good'], ['malformed', 'done']])
  })

  it('ends with its stream; and without a word when it is stopped', () => {
    const [one, other] = [start(() => Promise.resolve()), start(() => Promise.resolve())]
    one.stream.dispatchEvent(new Event('close'))
    other.reading.stop()
    other.stream.dispatchEvent(new Event('close'))
    expect([one.ends, other.ends]).toEqual([['broken', 'done'], []])
  })

  it('goes on with what had arrived when the stream ended, and stops all the same', async () => {
    const start3 = () => {
      const heard: number[] = []
      const started = start((frame) => {
        heard.push(frame[0]!)
        return Promise.resolve()
      })
      for (const frame of numbered(3, 10)) started.stream.send(framed(frame))
      started.stream.dispatchEvent(new Event('close'))
      expect([heard, started.ends]).toEqual([[0], ['broken']])
      return { ...started, heard }
    }
    const [one, other] = [start3(), start3()]
    other.reading.stop()
    await new Promise(setImmediate)
    expect([one.heard, one.ends]).toEqual([
      [0, 1, 2],
      ['broken', 'done'],
    ])
    expect([other.heard, other.ends]).toEqual([[0], ['broken']])
  })
})
