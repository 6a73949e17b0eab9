/**
 * Peers that break the protocol, by mistake or on purpose, against a node in a process of its own: after each of them it
 * still answers honest ones, holds nothing of the affair, uses no more memory than before, and has left no rejection
 * unhandled.
 */
import { connect } from 'node:net'
import { once } from 'node:events'
import type { Stream } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { encodeVarint } from '../../src/wire/varint.js'
import { AnotherProcess, endProcesses } from '../support/another-process.js'
import { bytes, MiB, outcome, text, within } from '../support/nodes.js'
import { GREETING, hear, RawPeer } from '../support/raw-peer.js'
import { goodbye, hello, join, SESSION, varint } from '../support/session.js'

const TIMEOUT = 1_000
const LIMIT = 100_000
/** The victim's memory grows by less. The heap of Node 24 grows further than that of others before it is collected. */
const MOST = (Number.parseInt(process.versions.node) >= 24 ? 200 : 150) * MiB

function frame(payload: Uint8Array): Uint8Array {
  return join(encodeVarint(payload.length), payload)
}

const garbage = Uint8Array.from({ length: 3_000 }, (_, index) => (index * 7919 + 131) % 256)

let victim: AnotherProcess
/** In a process of its own too: this one is busy being a nuisance. */
let honest: AnotherProcess
let attacker: RawPeer
let memory: number

/** An honest peer's request, and its answer. */
async function ask(question: string): Promise<string> {
  return text((await honest.order('request', { peer: victim.address, data: bytes(question) })) as Uint8Array)
}

beforeAll(async () => {
  const reqResp = { requestTimeout: TIMEOUT, maxRequestSize: LIMIT, maxResponseSize: LIMIT }
  ;[victim, honest] = await Promise.all([AnotherProcess.start({ reqResp }), AnotherProcess.start()])
  for (let i = 0; i < 5; i++) await ask('warm')
  memory = await victim.memory()
}, 30_000)

afterEach(async () => {
  await attacker.stop()
  expect(await ask('honest')).toBe('honest')
  const quiet = (await victim.order('quiet', { within: 3 * TIMEOUT })) as Record<string, number>
  expect(Object.entries(quiet).filter(([, count]) => count !== 0)).toEqual([])
  expect(await victim.order('faults', {})).toEqual([])
  expect((await victim.memory()) - memory).toBeLessThan(MOST)
}, 20_000)

afterAll(endProcesses)

describe('an asker', () => {
  it.each<[string, Uint8Array[]]>([
    ['declares a byte more than the limit', [encodeVarint(LIMIT + 1)]],
    ['declares 2^31', [varint(2n ** 31n)]],
    ['declares 2^32 + 1', [varint(2n ** 32n + 1n), bytes(1)]],
    ['declares 2^53', [varint(2n ** 53n)]],
    ['declares 2^63', [varint(2n ** 63n)]],
    ['declares 2^63 and sends a part of it', [varint(2n ** 63n), bytes(50_000)]],
    ['declares 2^64', [varint(2n ** 64n)]],
    ['never ends the varint', [new Uint8Array(200).fill(0x80)]],
    ['sends nothing but 0xff', [new Uint8Array(100_000).fill(0xff)]],
    ['sends a varint that is not minimal', [Uint8Array.of(0x83, 0x80, 0x00), bytes(3)]],
    ['sends a zero that is not minimal', [Uint8Array.of(0x80, 0x00)]],
    ['sends more than it declared, at once', [join(frame(bytes(10)), bytes(1))]],
    ['sends two requests on one stream', [join(frame(bytes(10)), frame(bytes(10)))]],
    ['sends garbage', [garbage]],
  ])('that %s gets no answer but a reset', async (_, chunks) => {
    attacker = await RawPeer.start()
    expect(await attacker.say(victim.address, chunks)).toEqual({ bytes: new Uint8Array(), end: 'reset' })
    expect((await attacker.say(victim.address, chunks, 'stay')).end).toBe('reset')
  })

  it.each<[string, Uint8Array[]]>([
    ['nothing', []],
    ['half a varint', [Uint8Array.of(0x80)]],
    ['half a frame', [encodeVarint(1_000), bytes(500)]],
    ['a frame without its last byte', [frame(bytes(1_000)).subarray(0, -1)]],
  ])('that sends %s and closes is cut off at once', async (_, chunks) => {
    attacker = await RawPeer.start()
    const start = performance.now()
    expect((await attacker.say(victim.address, chunks)).bytes.length).toBe(0)
    expect(performance.now() - start).toBeLessThan(TIMEOUT)
  })

  it.each<[string, Uint8Array[]]>([
    ['nothing', []],
    ['half a varint', [Uint8Array.of(0x80)]],
    ['half a frame', [encodeVarint(1_000), bytes(500)]],
  ])('that sends %s and falls silent is cut off after requestTimeout', async (_, chunks) => {
    attacker = await RawPeer.start()
    const start = performance.now()
    expect(await attacker.say(victim.address, chunks, 'stay')).toEqual({ bytes: new Uint8Array(), end: 'reset' })
    expect(performance.now() - start).toBeGreaterThan(TIMEOUT / 2)
    expect(performance.now() - start).toBeLessThan(3 * TIMEOUT)
  })

  it('that drips single bytes is answered, if it is done in time', async () => {
    attacker = await RawPeer.start()
    const request = frame(Uint8Array.from({ length: 300 }, (_, index) => index % 256))
    const { bytes: answer } = await attacker.say(
      victim.address,
      Array.from(request, (byte) => Uint8Array.of(byte)),
    )
    expect(answer).toEqual(request)
  })

  it('that drips single bytes for ever is cut off', async () => {
    attacker = await RawPeer.start()
    const stream = await attacker.open(victim.address)
    const over = hear(stream)
    stream.send(encodeVarint(LIMIT))
    const drip = setInterval(() => {
      if (stream.status === 'open') stream.send(bytes(1))
    }, 5)
    expect((await within(4 * TIMEOUT, over)).end).toBe('reset')
    clearInterval(drip)
  })

  it('that asks and leaves before the answer harms nobody', async () => {
    attacker = await RawPeer.start()
    const streams = await Promise.all(Array.from({ length: 50 }, () => attacker.open(victim.address)))
    for (const stream of streams) {
      stream.send(frame(bytes(50_000)))
      stream.abort(new Error('gone'))
    }
    await attacker.stop()
  })

  it('that asks but does not read is cut off', async () => {
    attacker = await RawPeer.start()
    const streams = await Promise.all(Array.from({ length: 100 }, () => attacker.open(victim.address)))
    for (const stream of streams) {
      stream.pause()
      stream.send(frame(bytes(LIMIT)))
    }
    await Promise.allSettled(streams.map((stream) => stream.close()))
    expect(await ask('meanwhile')).toBe('meanwhile')
  })

  it('that says goodbye without end and reads no answer fills no queue', async () => {
    attacker = await RawPeer.start()
    const stream = await (await attacker.connect(victim.address)).newStream(SESSION)
    stream.addEventListener('message', () => stream.pause())
    stream.send(hello({ 0: 7 }))
    const asks = join(...Array.from({ length: 15_000 }, (_, id) => goodbye(id + 1, 0)))
    for (let sent = 0; sent < 24 * MiB && stream.status === 'open'; sent += asks.length) {
      if (!stream.send(asks))
        await Promise.race(['drain', 'close'].map((name) => once(stream as unknown as EventTarget, name)))
    }
    // A goodbye that follows the one before, instead of its answer, says nothing, and of such frames there is a rate.
    expect(stream.status).not.toBe('open')
    expect(await ask('meanwhile')).toBe('meanwhile')
    expect((await victim.memory()) - memory).toBeLessThan(MOST)
  }, 60_000)

  it('that opens 10,000 streams at once gets 1,000, and nobody else has to wait for long', async () => {
    attacker = await RawPeer.start()
    const streams = await Promise.all(Array.from({ length: 10_000 }, () => attacker.openHastily(victim.address)))
    const refused = streams.slice(1_000, 1_010).map(hear)
    const start = performance.now()
    expect(await ask('meanwhile')).toBe('meanwhile')
    expect(performance.now() - start).toBeLessThan(8_000)
    for (const { end } of await within(20_000, Promise.all(refused))) expect(end).toBe('reset')
  }, 40_000)

  it('that keeps 900 halves of requests open is cut off, and others are answered meanwhile', async () => {
    attacker = await RawPeer.start()
    const streams = await Promise.all(Array.from({ length: 900 }, () => attacker.openHastily(victim.address)))
    const ends = streams.map(hear)
    for (const stream of streams) {
      stream.send(encodeVarint(LIMIT))
      stream.send(bytes(LIMIT / 2))
    }
    expect(await ask('meanwhile')).toBe('meanwhile')
    const heard = await within(20 * TIMEOUT, Promise.all(ends))
    expect(heard.every(({ end }) => end === 'reset')).toBe(true)
  }, 40_000)

  it('that is hasty, as Rust and Go are, and sends all in one go straight after the dial, is answered', async () => {
    for (let i = 0; i < 3; i++) {
      attacker = await RawPeer.start()
      for (const size of [3, 0, 5_000]) {
        const stream = await attacker.openHastily(victim.address)
        const heard = hear(stream)
        stream.send(frame(bytes(size)))
        await stream.close()
        const answer = join(GREETING, frame(bytes(size)))
        expect(await within(8_000, heard)).toEqual({ bytes: answer, end: 'ended' })
      }
      if (i < 2) await attacker.stop()
    }
  })

  it.each<[string, Uint8Array]>([
    ['garbage', garbage],
    ['nothing', new Uint8Array()],
    ['HTTP', bytes('GET / HTTP/1.1\r\n\r\n')],
    ['half a handshake', bytes('\x13/multistream/1.0.0\n')],
  ])('that is no libp2p and sends %s is ignored', async (_, content) => {
    attacker = await RawPeer.start()
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(victim.address.split('/')[4]), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(content)
      return socket
    })
    // Not all of them may shake hands at once: some are hung up on.
    await Promise.allSettled(sockets.map((socket) => once(socket, 'connect')))
    expect(await ask('meanwhile')).toBe('meanwhile')
    for (const socket of sockets) socket.destroy()
  })
})

describe('an answerer', () => {
  /** What the victim, as an asker, makes of a peer that serves request streams so. */
  async function asked(serve: (stream: Stream) => void, timeout?: number): Promise<string> {
    attacker = await RawPeer.start(serve)
    const data = bytes('?')
    const order = timeout === undefined ? { peer: attacker.address, data } : { peer: attacker.address, data, timeout }
    return outcome(victim.order('request', order))
  }

  /** When the request is there: before that, its stream may not be open to the asker yet. */
  const whenAsked = (act: (stream: Stream) => void) => (stream: Stream) =>
    stream.addEventListener('message', () => act(stream), { once: true })

  const sends =
    (...chunks: Uint8Array[]) =>
    (stream: Stream) => {
      for (const chunk of chunks) stream.send(chunk)
      stream.close().catch(() => undefined)
    }

  it.each<[string, Uint8Array[], string]>([
    ['half a varint', [Uint8Array.of(0x80)], 'ConnectionLost'],
    ['half a response', [encodeVarint(1_000), bytes(500)], 'ConnectionLost'],
    ['a varint that is not minimal', [Uint8Array.of(0x83, 0x80, 0x00), bytes(3)], 'ConnectionLost'],
    ['a varint that never ends', [new Uint8Array(200).fill(0x80)], 'ConnectionLost'],
    ['more than it declared', [Uint8Array.of(3), bytes(4)], 'ConnectionLost'],
    ['a byte more than the limit', [frame(bytes(LIMIT + 1))], 'ResponseTooLarge'],
    ['a length of 2^53', [varint(2n ** 53n)], 'ResponseTooLarge'],
    ['a length of 2^63', [varint(2n ** 63n)], 'ConnectionLost'],
    ['nothing', [], 'RequestRejected'],
    ['an empty response', [Uint8Array.of(0)], 'fulfilled'],
  ])('that sends %s and closes', async (_, chunks, code) => {
    expect(await asked(sends(...chunks))).toBe(code)
  })

  it('that sends garbage', async () => {
    expect(['ResponseTooLarge', 'ConnectionLost']).toContain(await asked(sends(garbage)))
  })

  it('that never answers', async () => {
    expect(await asked(() => undefined)).toBe('RequestTimeout')
  })

  it('that sends half of its answer and falls silent', async () => {
    expect(await asked((stream) => stream.send(frame(bytes(1_000)).subarray(0, 500)))).toBe('RequestTimeout')
  })

  it('that answers and never closes', async () => {
    expect(await asked((stream) => stream.send(frame(bytes('!'))))).toBe('fulfilled')
  })

  it('that goes on after its answer', async () => {
    const outcomes = await asked((stream) => {
      stream.send(frame(bytes('!')))
      const flood = setInterval(() => (stream.status === 'open' ? stream.send(garbage) : clearInterval(flood)), 1)
      stream.addEventListener('close', () => clearInterval(flood))
    })
    expect(['fulfilled', 'ConnectionLost']).toContain(outcomes)
  })

  it('that resets', async () => {
    expect(await asked(whenAsked((stream) => stream.abort(new Error('no'))))).toBe('RequestRejected')
  })

  it('that resets before it has read anything', async () => {
    const code = await asked((stream) => stream.abort(new Error('no')))
    expect(['RequestRejected', 'DialError']).toContain(code)
  })

  it('that resets in the middle of its answer', async () => {
    const code = await asked(
      whenAsked((stream) => {
        stream.send(frame(bytes(10_000)).subarray(0, 5_000))
        stream.abort(new Error('no'))
      }),
    )
    expect(['RequestRejected', 'ConnectionLost']).toContain(code)
  })

  it('that hangs up', async () => {
    expect(['ConnectionLost', 'RequestRejected']).toContain(await asked(whenAsked(() => void attacker.stop())))
  })

  it('that does not read', async () => {
    expect(await asked((stream) => stream.pause(), 300)).toBe('RequestTimeout')
  })

  it('that does not speak the protocol', async () => {
    attacker = await RawPeer.start()
    expect(await outcome(victim.order('request', { peer: attacker.address, data: bytes('?') }))).toBe('RequestRejected')
  })
})
