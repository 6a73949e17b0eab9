import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Event } from '../../../src/core/events.js'
import { replay, type ReplayedStep } from '../../../src/testing/replay.js'
import { SESSION } from '../../../src/wire/protocols.js'
import { FrameType, LAST, LOSSY, MORE, ONE } from '../../../src/wire/session/format.js'
import { encodeVarint } from '../../../src/wire/varint.js'
import { bytes, V1 } from '../../support/core.js'
import { frame as sessionFrame } from '../../support/session.js'
import { anyEvent } from '../../support/arbitraries.js'
import { effectsOf, RecordedCore, withoutPayloads } from '../../support/recorded-core.js'

const SECRET = 'xyzzy'
const HIGH = Uint8Array.of(0xf8, 0xf9, 0xfa, 0xfb, 0xfc)

function frame(payload: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([encodeVarint(payload.length), payload]))
}

/** A payload that is easy to find again. */
function secrets(length: number): Uint8Array {
  return bytes(SECRET.repeat(Math.ceil(length / SECRET.length)).slice(0, length))
}

/** Three bytes: two may be those of a time by chance. */
async function expectSame(core: RecordedCore): Promise<void> {
  expect(core.log).toEqual([])
  for (const secret of [Buffer.from(SECRET.slice(0, 3)), Buffer.from(HIGH.subarray(0, 3))]) {
    expect(Buffer.from(core.memory.bytes).includes(secret)).toBe(false)
  }
  expect(withoutPayloads(await effectsOf(core.memory.bytes))).toEqual(withoutPayloads(core.effects))
}

/** One request each way; what the peer sends comes in these pieces, in one batch or one batch each. */
function exchange(pieces: Uint8Array[], together: boolean): RecordedCore {
  const core = new RecordedCore({ redacted: true, settings: { maxRequestSize: 300, maxResponseSize: 300 } }).begin()
  const events = (stream: number): Event[] => pieces.map((piece) => ({ type: 'data', stream, chunks: [piece] }))
  const give = (first: Event, stream: number): void => {
    if (together) core.in(10, first, ...events(stream))
    else for (const event of [first, ...events(stream)]) core.in(10, event)
  }
  core.in(2, { type: 'request', ask: 1, peer: 'bob', addresses: [], data: secrets(40), timeout: 500 })
  give({ type: 'streamOpened', stream: 1, protocol: V1 }, 1)
  give({ type: 'streamInbound', stream: 2, connection: 1, protocol: V1 }, 2)
  core.in(20, { type: 'respond', exchange: 2, data: secrets(7) })
  core.in(30, { type: 'streamEnded', stream: 1 }, { type: 'streamClosed', stream: 2, reason: 'closed' })
  return core.stop(40)
}

describe('a redacted recording', () => {
  const cases: [string, Uint8Array][] = [
    ['an empty payload', frame(secrets(0))],
    ['a header of one byte', frame(secrets(5))],
    ['a header of two bytes', frame(secrets(200))],
    ['a payload that is too large', frame(secrets(301))],
    ['more than was declared', Uint8Array.of(...frame(secrets(5)), ...secrets(5))],
    ['a header without an end', new Uint8Array(12).fill(0xff)],
    ['a header that is not minimal', Uint8Array.of(0x80, 0x00, ...secrets(5))],
    ['a payload that never comes whole', frame(secrets(50)).subarray(0, 30)],
  ]

  it.each(cases)('replays to the same effects, cut anywhere in the header and behind it: %s', async (_what, wire) => {
    for (let cut = 0; cut <= Math.min(wire.length, 14); cut++) {
      const pieces = [wire.subarray(0, cut), wire.subarray(cut)].filter(({ length }) => length > 0)
      await expectSame(exchange(pieces, true))
      await expectSame(exchange(pieces, false))
    }
  })

  it.each(cases)('replays to the same effects, in single bytes: %s', async (_what, wire) => {
    const pieces = [...wire].map((byte) => Uint8Array.of(byte))
    await expectSame(exchange(pieces, true))
    await expectSame(exchange(pieces, false))
  })

  const { HELLO, REQUEST, DATA, REPLY, END, FAIL, CANCEL, CREDIT } = FrameType
  const hello = sessionFrame(HELLO, 0, 1, 100, 2, 65_536)
  /** What the answerer of our requests 1, 2 and 3 sends, and what an asker sends to us. */
  const sessions: [string, Uint8Array[], Uint8Array[]][] = [
    [
      'values, whole and in pieces',
      [
        sessionFrame(REPLY, 1, secrets(20)),
        sessionFrame(REPLY | MORE, 1, 40, secrets(15)),
        sessionFrame(REPLY | LAST, 2, secrets(300)),
        // What could be taken for a number.
        sessionFrame(REPLY | MORE, 1, HIGH),
        sessionFrame(REPLY | LAST, 1, secrets(20)),
        sessionFrame(REPLY, 3),
        sessionFrame(END, 3),
      ],
      [
        sessionFrame(REQUEST | ONE, 1, 500, 1_000, secrets(30)),
        sessionFrame(REQUEST | MORE | LOSSY, 2, 500, 70_000, 1, 3, 25, secrets(10)),
        sessionFrame(REQUEST, 3, 0, 70_000),
        sessionFrame(DATA | MORE, 2, secrets(5)),
        sessionFrame(CREDIT, 3, 1_000),
        sessionFrame(DATA, 2, secrets(10)),
        sessionFrame(CANCEL, 3),
      ],
    ],
    [
      'refusals, and what may be skipped',
      [
        sessionFrame(FAIL, 1, 4, bytes('Gone'), 250, secrets(30)),
        sessionFrame(0x8a, 7, secrets(30)),
        sessionFrame(FAIL, 2, 10, bytes('Overloaded'), 0),
        sessionFrame(CREDIT, 3, 77),
        sessionFrame(FAIL, 3, 9, bytes('Cancelled'), 0, secrets(1)),
      ],
      [sessionFrame(0x8a, 7, secrets(30)), sessionFrame(REQUEST | ONE, 1, 500, 1_000, secrets(3))],
    ],
    [
      'a reply to nobody, and a frame that is none',
      [sessionFrame(REPLY | MORE, 9, 40, secrets(15)), sessionFrame(REPLY, 1, secrets(5))],
      [sessionFrame(REPLY, 1, secrets(30)), sessionFrame(REQUEST, 5, 500, 1_000, secrets(3))],
    ],
    [
      'a number without an end, and a code that is too long',
      [sessionFrame(FAIL, 1, 65, secrets(65), 0, secrets(9))],
      [sessionFrame(REQUEST, 1, new Uint8Array(9).fill(0xff), secrets(30))],
    ],
    ['a frame that is too long', [encodeVarint(17_409), secrets(40)], [Uint8Array.of(0xff, 0xff, 0xff), secrets(40)]],
  ]

  /** Three requests and their answers over sessions; what the peer sends comes in these pieces. */
  function overSessions(replies: Uint8Array[], requests: Uint8Array[], together: boolean): RecordedCore {
    const core = new RecordedCore({ redacted: true, settings: { protocols: [SESSION, V1] } }).begin()
    const values = { mode: 'push' } as const
    for (const ask of [1, 2, 3]) {
      const request: Event = { type: 'request', ask, peer: 'bob', addresses: [], data: secrets(40), timeout: 500 }
      core.in(2, ask === 2 ? request : { ...request, values })
    }
    const give = (stream: number, first: Event, pieces: Uint8Array[]): void => {
      const data = pieces.map((piece): Event => ({ type: 'data', stream, chunks: [piece] }))
      if (together) core.in(10, first, ...data)
      else for (const event of [first, ...data]) core.in(10, event)
    }
    give(1, { type: 'streamOpened', stream: 1, protocol: SESSION }, replies)
    give(2, { type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION }, requests)
    for (const effect of [...core.effects]) {
      if (effect.type !== 'handle') continue
      const { exchange: id } = effect
      core.in(20, { type: 'next', exchange: id, data: secrets(7) }, { type: 'next', exchange: id, data: secrets(8) })
      core.in(
        21,
        { type: 'reject', exchange: id, reason: `${SECRET} é`, code: 'Gone' },
        { type: 'writable', stream: 2 },
      )
    }
    return core.stop(40)
  }

  it.each(sessions)('of sessions replays to the same effects, cut anywhere: %s', async (_what, replies, requests) => {
    const wires = [replies, requests].map((frames) => new Uint8Array(Buffer.concat([hello, ...frames])))
    for (let cut = 0; cut <= Math.max(...wires.map(({ length }) => length)); cut++) {
      const [toUs, ofUs] = wires.map((wire) =>
        [wire.subarray(0, cut), wire.subarray(cut)].filter((one) => one.length > 0),
      )
      await expectSame(overSessions(toUs!, ofUs!, true))
      await expectSame(overSessions(toUs!, ofUs!, false))
    }
  })

  it.each(sessions)(
    'of sessions replays to the same effects, in single bytes: %s',
    async (_what, replies, requests) => {
      const [toUs, ofUs] = [replies, requests].map((frames) =>
        [...Buffer.concat([hello, ...frames])].map((byte) => Uint8Array.of(byte)),
      )
      await expectSame(overSessions(toUs!, ofUs!, true))
      await expectSame(overSessions(toUs!, ofUs!, false))
    },
  )

  it('has no payload of a broadcast, nor an id that is made of it, nor the reason of a rejection', async () => {
    const core = new RecordedCore({ redacted: true, settings: { topics: ['block'] } }).begin()
    core.in(2, { type: 'broadcast', ask: 1, topic: 'block', data: secrets(30) })
    core.in(3, {
      type: 'message',
      topic: 'block',
      data: secrets(9),
      from: 'ann',
      via: 'bob',
      held: false,
      proof: secrets(9),
      id: `${SECRET}1`,
    })
    core.in(3, {
      type: 'message',
      topic: 'block',
      data: secrets(9),
      from: 'ann',
      via: 'eve',
      held: false,
      proof: secrets(9),
      id: `${SECRET}2`,
    })
    core.in(3, { type: 'published', ask: 1, recipients: [], id: `${SECRET}1`, proof: secrets(9) })
    core.in(4, { type: 'verified', ask: 2, ids: [`${SECRET}3`, '', `${SECRET}2`] })
    core.in(4, { type: 'reject', exchange: 2, reason: `${SECRET} é` })
    core.in(5, { type: 'reject', exchange: 2 })
    await expectSame(core.stop(10))
    const text = Buffer.from(core.memory.bytes).toString('latin1')
    expect(text).toContain('000001')
    expect(text).toContain('********')
    const ids: string[] = []
    const onStep = ({ batch }: ReplayedStep): void => {
      for (const event of batch.events) {
        if (event.type === 'message' || event.type === 'published') ids.push(event.id)
        if (event.type === 'verified') ids.push(...event.ids)
      }
    }
    await replay(core.memory.bytes, { onStep })
    expect(ids).toEqual(['000001', '000002', '000001', '000003', '', '000002'])
  })

  it('has no reason of a denial, and replays to the same, also to what the peer is told to be hung up on for', async () => {
    const core = new RecordedCore({ redacted: true }).begin()
    core.in(2, { type: 'deny', ask: 1, entries: [{ peer: 'bob' }], reason: `${SECRET} é` })
    expect(core.state.counts.peers.get('bob')?.hungUp?.message).toContain(SECRET)
    const away = {
      type: 'turnedAway',
      why: 'denied',
      peer: 'bob',
      address: '/ip4/192.0.2.1/tcp/1',
      inbound: true,
    } as const
    core.in(3, { ...away, reason: `${SECRET} é`, count: 1, ago: 1 })
    expect(core.state.audit.turnedAway.get('bob')?.message).toContain(SECRET)
    core.stop(10)
    expect((await replay(core.memory.bytes)).complete).toBe(true)
    expect(Buffer.from(core.memory.bytes).includes(SECRET)).toBe(false)
  })

  it('has nothing of a stream that the core does not know', async () => {
    const core = new RecordedCore({ redacted: true }).begin()
    core.in(2, { type: 'data', stream: 77, chunks: [secrets(20)] })
    await expectSame(core.stop(10))
  })

  it('has the bytes of no event, of whatever type', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anyEvent, { maxLength: 6 }), { maxLength: 8 }), async (batches) => {
        const core = new RecordedCore({ redacted: true }).begin()
        batches.forEach((events, at) => core.in(10 + at, ...events.filter(({ type }) => type !== 'shutdown')))
        core.stop(1_000)
        expect(core.log).toEqual([])
        const { complete } = await replay(core.memory.bytes)
        expect(complete).toBe(true)
      }),
    )
  })
})
