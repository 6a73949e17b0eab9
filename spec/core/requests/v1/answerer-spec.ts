import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../../src/core/limits/limits.js'
import type { Event } from '../../../../src/core/events.js'
import { accountsInUse, bytes, Core, data, shorts, used, V1 } from '../../../support/core.js'
import { varint } from '../../../support/session.js'

function frame(stream: number, length: number): Event {
  return { type: 'data', stream, chunks: [new Uint8Array([length]), new Uint8Array(length)] }
}

/** The length of a large request, and no more of it. */
function begun(stream: number, length: number): Event {
  return { type: 'data', stream, chunks: [varint(length)] }
}

/** A node to which Bob has opened a stream for a request. */
function opened(settings = {}): Core {
  const core = new Core(settings)
  core.connect('bob')
  core.inbound(2)
  return core
}

/** … and has sent all of it. */
function handling(settings = {}): Core {
  const core = opened(settings)
  core.in(data(2, [1, 7]))
  return core
}

/** Nothing is left, once handlers have ended of which nothing is wanted any more. */
function isEmpty(core: Core): boolean {
  const { state } = core
  for (const exchange of state.turns.lingering.keys()) core.in({ type: 'released', exchange })
  return (
    state.exchanges.open.size +
      state.exchanges.deadlines.size +
      accountsInUse(state) +
      state.budget.waiting.size +
      state.budget.all.bytes ===
    0
  )
}

describe('a request of a peer', () => {
  it('is handed over when it is whole', () => {
    const core = opened()
    expect(core.in(data(2, [2]))).toEqual([])
    expect(core.in(data(2, [7]), data(2, [8]))).toEqual([
      { type: 'handle', exchange: 2, from: 'bob', data: new Uint8Array([7, 8]) },
    ])
  })

  it('may be empty', () => {
    expect(opened().in(data(2, [0]))).toEqual([{ type: 'handle', exchange: 2, from: 'bob', data: new Uint8Array() }])
  })

  it('is answered by one frame, with our write side closed behind it', () => {
    const core = handling()
    expect(core.in({ type: 'respond', exchange: 2, data: bytes('yes') })).toEqual([
      { type: 'write', stream: 2, chunks: [new Uint8Array([3]), bytes('yes')], end: true },
    ])
    core.in({ type: 'streamClosed', stream: 2, reason: 'closed' })
    expect(isEmpty(core)).toBe(true)
  })

  it('may be answered by nothing at all, in a frame', () => {
    expect(handling().in({ type: 'respond', exchange: 2, data: new Uint8Array() })).toEqual([
      { type: 'write', stream: 2, chunks: [new Uint8Array([0])], end: true },
    ])
  })

  it('is rejected by closing with no bytes at all', () => {
    expect(handling().in({ type: 'reject', exchange: 2 })).toEqual([
      { type: 'write', stream: 2, chunks: [], end: true },
    ])
  })

  it('gets the first answer only', () => {
    const core = handling()
    const answers = core.in({ type: 'reject', exchange: 2 }, { type: 'respond', exchange: 2, data: bytes('late') })
    expect(shorts(answers)).toEqual(['write 2 0 end'])
  })

  it('is taken at exactly the limit, and refused above it as soon as that is declared', () => {
    expect(shorts(opened({ maxRequestSize: 10 }).in(frame(2, 10)))).toEqual(['handle 2 10'])
    const core = opened({ maxRequestSize: 10 })
    expect(shorts(core.in(data(2, [11])))).toEqual(['reset 2'])
    expect(isEmpty(core)).toBe(true)
  })

  it.each([
    ['a malformed length', [[0x80, 0x00]]],
    ['more bytes than declared', [[1, 7, 8]]],
  ])('is refused for %s', (_what, chunks) => {
    const core = opened()
    expect(shorts(core.in(data(2, ...chunks)))).toEqual(['reset 2'])
    expect(isEmpty(core)).toBe(true)
  })

  it.each([
    ['it is larger than 1 bytes (maxRequestSize)', { maxRequestSize: 1 }, [[2]]],
    ['too many requests are open', { limits: limitsOf({ requestsPerPeer: 0 }) }, []],
  ])('is refused with a line in five seconds, however often that happens: %s', (why, settings, chunks) => {
    const core = new Core({ pingInterval: 1e9, ...settings })
    core.connect('bob')
    const lines: string[] = []
    for (let i = 1; i <= 180; i++) {
      core.now = i * 60
      const opening: Event = { type: 'streamInbound', stream: 2 * i, connection: 1, protocol: V1 }
      const effects = core.all(opening, ...(chunks.length === 0 ? [] : [data(2 * i, ...chunks)]))
      lines.push(
        ...effects.flatMap((effect) =>
          effect.type === 'log' && effect.level === 'warn' ? [`${effect.level} ${effect.message}`] : [],
        ),
      )
    }
    const first = `warn a request of bob was refused: ${why}`
    const later = `${first} (and 83 more since the last such line)`
    expect(lines).toEqual([first, later, later])
  })

  it('is refused when it goes on after its end: the handler is told', () => {
    const core = handling()
    expect(shorts(core.in(data(2, [9])))).toEqual(['reset 2', 'cancelHandler 2'])
    expect(isEmpty(core)).toBe(true)
  })

  it('is dropped when it ends in its middle, or before its beginning', () => {
    const core = opened()
    core.in(data(2, [5, 1]))
    expect(shorts(core.in({ type: 'streamEnded', stream: 2 }))).toEqual(['reset 2'])
    expect(shorts(opened().in({ type: 'streamEnded', stream: 2 }))).toEqual(['reset 2'])
  })

  it('is not disturbed by the half-close that follows it', () => {
    const core = handling()
    expect(core.in({ type: 'streamEnded', stream: 2 })).toEqual([])
    expect(shorts(core.in({ type: 'respond', exchange: 2, data: bytes('yes') }))).toEqual(['write 2 4 end'])
  })

  it('is cut off when half of it came, and then silence', () => {
    const core = opened({ requestTimeout: 100 })
    core.in(data(2, [5, 1]))
    expect(core.at(99)).toEqual([])
    expect(shorts(core.at(100))).toEqual(['reset 2'])
    expect(isEmpty(core)).toBe(true)
  })

  it('is rejected when nobody answers it in time: its signal fires', () => {
    const core = handling({ requestTimeout: 100 })
    expect(core.at(100)).toEqual([
      {
        ...{ type: 'cancelHandler', exchange: 2 },
        refusal: { code: 'RequestTimeout', message: 'not answered within 100 ms' },
      },
      { type: 'write', stream: 2, chunks: [], end: true },
    ])
    expect(core.in({ type: 'respond', exchange: 2, data: bytes('late') })).toEqual([])
  })

  it('is cut off when its asker does not take the answer', () => {
    const core = handling({ requestTimeout: 100 })
    core.now = 50
    core.in({ type: 'respond', exchange: 2, data: bytes('yes') })
    expect(core.at(149)).toEqual([])
    expect(shorts(core.at(150))).toEqual(['reset 2'])
    expect(isEmpty(core)).toBe(true)
  })

  it.each([
    ['gives up', { type: 'streamClosed', stream: 2, reason: 'reset' }, 'Aborted'],
    ['is lost with its stream', { type: 'streamClosed', stream: 2, reason: 'lost' }, 'ConnectionLost'],
    ['is lost', { type: 'connectionClosed', connection: 1 }, 'ConnectionLost'],
  ] as [string, Event, string][])('fires its signal when the asker %s', (_what, event, code) => {
    const core = handling()
    expect(core.in(event)).toMatchObject([{ type: 'cancelHandler', exchange: 2, refusal: { code } }])
    expect(core.in({ type: 'respond', exchange: 2, data: bytes('late') })).toEqual([])
    expect(isEmpty(core)).toBe(true)
  })

  it('on a connection that nobody knows is refused', () => {
    expect(shorts(new Core().inbound(2, 9))).toEqual(['reset 2'])
  })
})

describe('room for the requests of others', () => {
  it('has a number for each peer and in all', () => {
    const core = new Core({ limits: limitsOf({ requestsPerPeer: 3, requests: 8 }) })
    core.connect('bob', 1)
    core.connect('carol', 2)
    expect(shorts([2, 4, 6, 8].flatMap((stream) => core.inbound(stream, 1)))).toEqual(['reset 8'])
    // An eighth is for those who are trusted, and nobody has more than is free besides.
    expect(shorts([10, 12, 14].flatMap((stream) => core.inbound(stream, 2)))).toEqual(['reset 14'])
    core.in({ type: 'streamClosed', stream: 2, reason: 'reset' })
    expect(core.inbound(16, 2)).toEqual([])
  })

  it('pauses a request whose bytes find no room, and resumes it when there is some', () => {
    const core = new Core({ limits: limitsOf({ requestBytesPerPeer: 10 }) })
    core.connect('bob')
    core.inbound(2)
    core.inbound(4)
    core.in(frame(2, 8))
    expect(shorts(core.in(data(4, [5, 1])))).toEqual(['pause 4'])
    core.in({ type: 'respond', exchange: 2, data: bytes('yes') })
    expect(shorts(core.in({ type: 'streamClosed', stream: 2, reason: 'closed' }))).toEqual(['resume 4'])
    expect(shorts(core.in(data(4, [2, 3, 4, 5])))).toEqual(['handle 4 5'])
  })

  it('has also what comes over streams that are paused: a window of Yamux of each. Beyond that a request is cut off', () => {
    const core = new Core({ limits: limitsOf({ requestBytesPerPeer: 600_000 }), maxRequestSize: 1_000_000 })
    core.connect('bob')
    const sizes = [600_000, 400_000, 400_000, 400_000, 5]
    sizes.forEach((_, i) => core.inbound(2 * i + 2))
    const all = sizes.map((size, i) => shorts(core.in(begun(2 * i + 2, size))).filter((one) => !one.startsWith('log')))
    expect(all).toEqual([[], ['pause 4'], ['pause 6'], ['reset 8'], ['pause 10']])
    expect(used(core.state.budget)).toMatchObject({ bytes: 600_000, windows: 524_293, exchanges: 4 })
  })

  it('gives a request its whole time to arrive from then on', () => {
    const core = new Core({ limits: limitsOf({ requestBytesPerPeer: 10 }), requestTimeout: 100 })
    core.connect('bob')
    core.inbound(2)
    core.in(frame(2, 8))
    core.now = 50
    core.inbound(4)
    core.in(data(4, [5, 1]))
    core.at(100)
    core.in({ type: 'streamClosed', stream: 2, reason: 'closed' })
    // Its handler was cancelled; its bytes are in use until it has come to its end.
    expect(shorts(core.in({ type: 'released', exchange: 2 }))).toEqual(['resume 4'])
    expect(core.at(199)).toEqual([])
    expect(shorts(core.at(200))).toEqual(['reset 4'])
  })

  it('hands over a request that was whole before there was room for it', () => {
    const core = new Core({ limits: limitsOf({ requestBytes: 10 }) })
    core.connect('bob', 1)
    core.connect('carol', 2)
    core.inbound(2, 1)
    core.inbound(4, 2)
    core.in(frame(2, 8))
    expect(core.in(frame(4, 5))).toEqual([])
    expect(shorts(core.in({ type: 'streamClosed', stream: 2, reason: 'reset' }))).toEqual(['cancelHandler 2'])
    // The handler has the bytes still.
    expect(shorts(core.in({ type: 'released', exchange: 2 }))).toEqual(['handle 4 5'])
  })

  it('lets in a request that is larger than the whole budget when it is alone', () => {
    const core = new Core({ limits: limitsOf({ requestBytes: 10, requestBytesPerPeer: 10 }) })
    core.connect('bob')
    core.inbound(2)
    expect(shorts(core.in(frame(2, 100)))).toEqual(['handle 2 100'])
  })

  it('does not let one peer that waits hold up the others', () => {
    const core = new Core({ limits: limitsOf({ requestBytesPerPeer: 10 }) })
    core.connect('bob', 1)
    core.connect('carol', 2)
    core.inbound(2, 1)
    core.inbound(4, 1)
    core.inbound(6, 2)
    core.in(frame(2, 8), data(4, [8, 1]))
    expect(shorts(core.in(frame(6, 9)))).toEqual(['handle 6 9'])
  })
})
