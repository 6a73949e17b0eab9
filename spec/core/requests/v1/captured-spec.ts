/**
 * `step` against bytes that a real Rust peer sent (spec/fixtures/rust-v1.json), with no network behind it: split at every
 * offset, they must lead to the same bytes, half-closes and answers as when they were captured.
 */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../src/core/effects.js'
import type { Event } from '../../../../src/core/events.js'
import { takePayload, createFrameReader, readFrame } from '../../../../src/wire/v1.js'
import { Core, shorts, V1 } from '../../../support/core.js'
import { readRustV1, type RustV1 } from '../../../support/rust-v1.js'

type Exchange = RustV1['exchanges'][number]

/** Without most of the offsets in the middle of a large payload: there every offset is like its neighbours. */
function offsets(length: number): number[] {
  const all = Array.from({ length: length + 1 }, (_, i) => i)
  return length < 2_000 ? all : all.filter((i) => i < 300 || i > length - 300 || i % 97 === 0)
}

/** jest's own comparison takes a thousand times as long for bytes. */
function same(a: unknown, b: Uint8Array): boolean {
  return Buffer.compare(a as Uint8Array, b) === 0
}

function payloadOf(frame: Uint8Array): Uint8Array {
  const reader = createFrameReader(1_000_000)
  expect(readFrame(reader, frame)).toBe('done')
  return takePayload(reader)
}

function written(effects: Effect[]): { bytes: Uint8Array; end: boolean } {
  const writes = effects.filter((effect) => effect.type === 'write')
  return {
    bytes: new Uint8Array(Buffer.concat(writes.flatMap((write) => write.chunks))),
    end: writes.some((write) => write.end),
  }
}

/** What Rust sent, in two pieces, and then the end of its side. */
function received(stream: number, { received: bytes, ended }: Exchange, at: number): Event[] {
  const pieces = [bytes.slice(0, at), bytes.slice(at)].filter((piece) => piece.length > 0)
  const events: Event[] = pieces.map((piece) => ({ type: 'data', stream, chunks: [piece] }))
  return ended ? [...events, { type: 'streamEnded', stream }] : events
}

const { exchanges, peer } = readRustV1()
const ours = exchanges.filter(({ asker }) => asker === 'ours')
const theirs = exchanges.filter(({ asker }) => asker === 'rust')

describe(`bytes captured from ${peer}`, () => {
  it('are of both kinds, and of more than one size', () => {
    expect(ours.length).toBeGreaterThanOrEqual(4)
    expect(theirs.length).toBeGreaterThanOrEqual(4)
  })

  it.each(ours)('$name: the request is the captured bytes, and the answer is read from any two pieces', (exchange) => {
    const answer = exchange.outcome === 'answered' ? payloadOf(exchange.received) : new Uint8Array()
    for (const at of offsets(exchange.received.length)) {
      const core = new Core()
      core.connect('rust')
      core.request(1, 'rust', payloadOf(exchange.sent))
      const request = written(core.in({ type: 'streamOpened', stream: 1, protocol: V1 }))
      expect(same(request.bytes, exchange.sent) && request.end).toBe(true)
      const effects = received(1, exchange, at).flatMap((event) => core.in(event))
      const [outcome, ...others] = effects
      expect(others).toEqual([])
      if (exchange.outcome === 'rejected')
        expect(outcome).toMatchObject({ type: 'fail', refusal: { code: 'RequestRejected' } })
      else expect(outcome?.type === 'settle' && same(outcome.value, answer)).toBe(true)
      expect(core.state.asks.open.size + core.state.streams.v1Requests.size).toBe(0)
    }
  })

  it.each(theirs)(
    '$name: the request is read from any two pieces, and the answer is the captured bytes',
    (exchange) => {
      const request = payloadOf(exchange.received)
      for (const at of offsets(exchange.received.length)) {
        const core = new Core()
        core.connect('rust')
        core.inbound(2)
        const effects = received(2, exchange, at).flatMap((event) => core.in(event))
        const [handle] = effects
        expect(shorts(effects)).toEqual([`handle 2 ${request.length}`])
        expect(handle?.type === 'handle' && same(handle.data, request)).toBe(true)
        const answer: Event =
          exchange.outcome === 'rejected'
            ? { type: 'reject', exchange: 2 }
            : { type: 'respond', exchange: 2, data: payloadOf(exchange.sent) }
        const response = written(core.in(answer))
        expect(same(response.bytes, exchange.sent) && response.end === exchange.sentEnd).toBe(true)
        expect(core.in({ type: 'streamClosed', stream: 2, reason: 'closed' })).toEqual([])
        expect(core.state.exchanges.open.size).toBe(0)
      }
    },
  )

  it.each(ours.filter(({ outcome, received: bytes }) => outcome === 'answered' && bytes.length > 1))(
    '$name: over the limit, or cut short, it is an error, wherever it is cut',
    (exchange) => {
      const size = payloadOf(exchange.received).length
      for (const at of offsets(exchange.received.length)) {
        const small = new Core({ maxResponseSize: size - 1 })
        small.connect('rust')
        small.request(1, 'rust')
        small.in({ type: 'streamOpened', stream: 1, protocol: V1 })
        expect(shorts(received(1, exchange, at).flatMap((event) => small.in(event)))).toEqual([
          'reset 1',
          'fail 1 ResponseTooLarge',
        ])

        const core = new Core()
        core.connect('rust')
        core.request(1, 'rust')
        core.in({ type: 'streamOpened', stream: 1, protocol: V1 })
        const short = received(
          1,
          { ...exchange, received: exchange.received.slice(0, -1) },
          Math.min(at, exchange.received.length - 1),
        )
        expect(shorts(short.flatMap((event) => core.in(event)))).toEqual(['reset 1', 'fail 1 ConnectionLost'])
      }
    },
  )
})
