/** Requests of ours over version 1: one stream and one frame each way. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../../src/core/effects.js'
import type { Event } from '../../../../src/core/events.js'
import { bytes, Core, data, refusalOf, shorts, V1 } from '../../../support/core.js'
import { asked, opened } from '../../../support/v1-asker.js'

describe('a request over version 1', () => {
  it('is written as one frame, with our write side closed behind it', () => {
    const core = new Core()
    core.connect('bob')
    expect(core.request(1, 'bob', bytes('hello'))).toEqual([
      { type: 'open', stream: 1, connection: 1, protocols: [V1] },
    ])
    expect(core.in(opened(1))).toEqual([
      { type: 'write', stream: 1, chunks: [new Uint8Array([5]), bytes('hello')], end: true },
    ])
  })

  it('is answered by the frame that comes back', () => {
    const core = asked()
    expect(core.in(data(1, [2, 7], [8]))).toEqual([{ type: 'settle', ask: 1, value: new Uint8Array([7, 8]) }])
    expect(core.in({ type: 'streamEnded', stream: 1 })).toEqual([])
    expect(core.state.asks.open.size + core.state.streams.v1Requests.size + core.state.asks.deadlines.size).toBe(0)
  })

  it('may be answered by nothing at all, in a frame', () => {
    expect(asked().in(data(1, [0]))).toEqual([{ type: 'settle', ask: 1, value: new Uint8Array() }])
  })

  it('gets its own answer among a thousand, in whatever order they come', () => {
    const core = new Core({ maxStreams: 1_000, maxEarlyStreams: 1_000 })
    core.connect('bob')
    const streams: number[] = []
    for (let ask = 1; ask <= 1_000; ask++) {
      for (const effect of core.request(ask, 'bob', bytes(`${ask}`)))
        if (effect.type === 'open') streams.push(effect.stream)
    }
    core.in(...streams.map(opened))
    const shuffled = streams
      .map((stream, i) => ({ stream, ask: i + 1 }))
      .sort((a, b) => ((a.stream * 7919) % 1009) - ((b.stream * 7919) % 1009))
    const answers = core.in(...shuffled.map(({ stream, ask }) => data(stream, [2, ask >> 8, ask & 255])))
    expect(answers).toHaveLength(1_000)
    for (const answer of answers) {
      if (answer.type !== 'settle') throw new Error(answer.type)
      const [high, low] = answer.value as Uint8Array
      expect(high! * 256 + low!).toBe(answer.ask)
    }
  })

  it('queues behind eight until the peer has accepted a first stream, then goes with the rest', () => {
    const core = new Core()
    core.connect('bob')
    const first: Effect[] = []
    for (let ask = 1; ask <= 64; ask++) first.push(...core.request(ask, 'bob'))
    expect(shorts(first)).toEqual([1, 3, 5, 7, 9, 11, 13, 15].map((stream) => `open ${stream} on 1`))
    expect(core.in(opened(1)).filter((effect) => effect.type === 'open')).toHaveLength(56)
  })

  it('waits while all streams of a connection are taken, and goes when one is free', () => {
    const core = new Core({ maxStreams: 2, maxEarlyStreams: 2 })
    core.connect('bob')
    core.request(1, 'bob')
    core.request(2, 'bob')
    expect(core.request(3, 'bob')).toEqual([])
    core.in(opened(1), data(1, [0]))
    expect(shorts(core.in({ type: 'streamEnded', stream: 1 }))).toEqual(['open 5 on 1'])
  })

  it('is rejected by a stream that ends with no bytes at all', () => {
    const core = asked()
    expect(refusalOf(core.in({ type: 'streamEnded', stream: 1 }))).toBe('RequestRejected: bob rejected the request')
  })

  it('is rejected by a peer that resets its stream', () => {
    const core = asked()
    expect(refusalOf(core.in({ type: 'streamClosed', stream: 1, reason: 'reset' }))).toContain('RequestRejected')
  })

  it('is rejected by a peer that does not speak the protocol', () => {
    const core = new Core()
    core.connect('bob')
    core.request(1, 'bob')
    const event: Event = { type: 'streamOpenFailed', stream: 1, reason: 'unsupported', failure: { message: 'no' } }
    expect(refusalOf(core.in(event))).toBe(`RequestRejected: bob does not speak ${V1}`)
  })

  it('refuses a response over the limit as soon as it is declared', () => {
    const core = asked({ maxResponseSize: 10 })
    const effects = core.in(data(1, [11]))
    expect(shorts(effects)).toEqual(['reset 1', 'fail 1 ResponseTooLarge'])
    expect(refusalOf(effects)).toContain('larger than 10 bytes (maxResponseSize)')
  })

  it.each([
    ['a malformed length', [[0x80, 0x00]], 'malformed'],
    ['more bytes than declared', [[1, 7, 8]], 'longer than declared'],
  ])('is lost to a peer that sends %s', (_what, chunks, why) => {
    const effects = asked().in(data(1, ...chunks))
    expect(shorts(effects)).toEqual(['reset 1', 'fail 1 ConnectionLost'])
    expect(refusalOf(effects)).toContain(why)
  })

  it('is lost when the response ends in its middle', () => {
    const core = asked()
    core.in(data(1, [5, 1, 2]))
    expect(refusalOf(core.in({ type: 'streamEnded', stream: 1 }))).toContain('ConnectionLost')
  })

  it('kills the stream of a peer that goes on after its answer, and keeps the answer', () => {
    const core = asked()
    expect(shorts(core.in(data(1, [1, 7])))).toEqual(['settle 1'])
    expect(shorts(core.in(data(1, [9])))).toEqual(['reset 1'])
    expect(core.state.streams.v1Requests.size).toBe(0)
  })
})
