/** Byte streams between two hosts: half-close, reset, pause, windows, and chunks that are cut anywhere. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { STREAMS } from '../../../src/core/parameters.js'
import { SESSION } from '../../../src/wire/protocols.js'
import { bytes, text } from '../../support/bytes.js'
import { Lab, PROTOCOL, type Member } from './lab.js'

const WINDOW = STREAMS.window

interface Pipe {
  lab: Lab
  a: Member
  b: Member
  /** The stream's number at a and at b. */
  here: number
  there: number
}

function pipe(options: ConstructorParameters<typeof Lab>[0] = {}, seed = 1, protocol = PROTOCOL): Pipe {
  const lab = new Lab(options, seed)
  const [a, b] = lab.membersOf(2) as [Member, Member]
  lab.connect(a, b)
  const [here, there] = lab.stream(a, b, 1, protocol)
  return { lab, a, b, here, there }
}

const write = (member: Member, stream: number, data: Uint8Array | string = '', end = false): void => {
  const chunk = typeof data === 'string' ? bytes(data) : data
  member.run({ type: 'write', stream, chunks: chunk.length === 0 ? [] : [chunk], end })
}

const textAt = (member: Member, stream: number): string => text(member.bytesOf(stream))

const size = (member: Member, stream: number): number => member.bytesOf(stream).length

describe('a stream', () => {
  it('is opened with the first protocol that both speak: odd here, even there', () => {
    const lab = new Lab({ latency: 15 })
    const [a, b] = lab.membersOf(2) as [Member, Member]
    lab.connect(a, b)
    const { connection } = a.last('connectionOpened')
    const asked = lab.now
    a.run({ type: 'open', stream: 7, connection, protocols: ['/other/1', PROTOCOL] })
    lab.run(100)
    expect(b.last('streamInbound')).toMatchObject({ stream: 2, connection: 1, protocol: PROTOCOL, at: asked + 15 })
    expect(a.last('streamOpened')).toMatchObject({ stream: 7, protocol: PROTOCOL, at: asked + 30 })
  })

  it('is not opened without a protocol in common, nor on a connection that is gone', () => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    lab.connect(a, b)
    const { connection } = a.last('connectionOpened')
    a.run({ type: 'open', stream: 1, connection, protocols: ['/other/1'] })
    lab.run(100)
    expect(a.last('streamOpenFailed')).toMatchObject({ stream: 1, reason: 'unsupported' })
    a.run({ type: 'open', stream: 3, connection, protocols: [PROTOCOL] })
    a.run({ type: 'closeConnection', connection, reason: '' })
    expect(a.last('streamOpenFailed')).toMatchObject({ stream: 3, reason: 'lost' })
    a.run({ type: 'open', stream: 5, connection, protocols: [PROTOCOL] })
    expect(a.last('streamOpenFailed')).toMatchObject({ stream: 5, reason: 'lost' })
  })

  it('ends before its connection, when the other side closes that', () => {
    const { lab, a, b } = pipe()
    const { connection } = a.last('connectionOpened')
    b.run({ type: 'closeConnection', connection: 1, reason: '' })
    lab.run(5)
    a.run({ type: 'open', stream: 99, connection, protocols: [PROTOCOL] })
    const from = a.events.length
    lab.run(100)
    const ends = a.events.slice(from).flatMap(({ type }) => (type.startsWith('gossip') ? [] : [type]))
    expect(ends).toEqual(['streamEnded', 'streamOpenFailed', 'streamClosed', 'connectionClosed'])
    expect(a.last('streamOpenFailed')).toMatchObject({ stream: 99, reason: 'failed' })
    expect(a.last('streamClosed')).toMatchObject({ reason: 'lost' })
  })

  it('is refused when a peer has a thousand of them open', () => {
    const { lab, a, b, here } = pipe()
    const { connection } = a.last('connectionOpened')
    for (let i = 1; i <= 1_000; i++) a.run({ type: 'open', stream: 2 * i + 1, connection, protocols: [PROTOCOL] })
    lab.run(100)
    expect(b.heard('streamInbound')).toHaveLength(1_000)
    expect(a.heard('streamOpenFailed').map(({ stream, reason }) => [stream, reason])).toEqual([[2_001, 'failed']])
    a.run({ type: 'reset', stream: here, reason: '' })
    lab.run(100)
    a.run({ type: 'open', stream: 3_001, connection, protocols: [PROTOCOL] })
    lab.run(100)
    expect(a.last('streamOpened').stream).toBe(3_001)
  })

  it('is closed one way by one side and goes on the other way, then is closed for both', () => {
    const { lab, a, b, here, there } = pipe()
    write(a, here, 'question', true)
    lab.run(100)
    expect(textAt(b, there)).toBe('question')
    expect(b.heard('streamEnded')).toHaveLength(1)
    expect([a, b].map((one) => one.heard('streamClosed').length)).toEqual([0, 0])
    write(b, there, 'first ')
    lab.run(100)
    write(b, there, 'second', true)
    lab.run(100)
    expect(textAt(a, here)).toBe('first second')
    const closed = { reason: 'closed' }
    expect([a.last('streamClosed'), b.last('streamClosed')]).toMatchObject([closed, closed])
    expect(a.last('streamEnded').at).toBe(a.last('streamClosed').at)
  })

  it('ends without a byte as well', () => {
    const { lab, a, b, here, there } = pipe()
    write(a, here, '', true)
    lab.run(100)
    expect([b.heard('data').length, b.last('streamEnded').stream]).toEqual([0, there])
  })

  it('is reset at once here, and there when the news comes, after what was sent before', () => {
    const { lab, a, b, here, there } = pipe()
    write(a, here, 'before')
    const started = lab.now
    a.run({ type: 'reset', stream: here, reason: 'enough' })
    write(a, here, 'after')
    write(b, there, 'crossing')
    lab.run(100)
    expect(textAt(b, there)).toBe('before')
    expect(b.last('streamClosed')).toMatchObject({ stream: there, reason: 'reset', at: started + 10 })
    // No event follows where it was reset.
    expect([a.heard('data').length, a.heard('streamClosed').length]).toEqual([0, 0])
  })

  it('is lost with its connection, on both sides', () => {
    const { lab, a, b } = pipe()
    a.run({ type: 'closeConnection', connection: 1, reason: '' })
    lab.run(100)
    const lost = { reason: 'lost' }
    expect([a.last('streamClosed'), b.last('streamClosed')]).toMatchObject([lost, lost])
    const order = b.events.map(({ type }) => type)
    expect(order.indexOf('streamClosed')).toBeLessThan(order.indexOf('connectionClosed'))
  })

  it('takes no effects once it is gone', () => {
    const { lab, a, here } = pipe()
    a.run({ type: 'reset', stream: here, reason: '' })
    const before = a.events.length
    write(a, here, 'x')
    for (const type of ['pause', 'resume'] as const) a.run({ type, stream: here })
    a.run({ type: 'reset', stream: here, reason: '' })
    a.run({ type: 'reset', stream: 99, reason: '' })
    lab.run(100)
    expect(a.events.length).toBe(before)
  })
})

describe('a stream that is paused', () => {
  it('reports nothing until it is resumed, then all of it, the end last', () => {
    const { lab, a, b, here, there } = pipe()
    b.run({ type: 'pause', stream: there })
    write(a, here, 'one ')
    lab.run(100)
    write(a, here, 'two', true)
    lab.run(1_000)
    expect(b.heard('data')).toEqual([])
    expect(b.heard('streamEnded')).toEqual([])
    b.run({ type: 'resume', stream: there })
    b.run({ type: 'resume', stream: there })
    expect(textAt(b, there)).toBe('one two')
    expect(b.events.at(-1)).toMatchObject({ type: 'streamEnded' })
  })

  it('stops its sender when the window is full, and lets it go on when it is resumed', () => {
    const { lab, a, b, here, there } = pipe()
    b.run({ type: 'pause', stream: there })
    write(a, here, new Uint8Array(WINDOW + 1))
    lab.run(10_000)
    expect(a.heard('writable')).toEqual([])
    b.run({ type: 'resume', stream: there })
    expect(size(b, there)).toBe(WINDOW)
    lab.run(100)
    expect(size(b, there)).toBe(WINDOW + 1)
    expect(a.heard('writable')).toHaveLength(1)
  })

  it('is reset or lost all the same', () => {
    const { lab, a, b, here, there } = pipe()
    b.run({ type: 'pause', stream: there })
    write(a, here, 'x')
    a.run({ type: 'reset', stream: here, reason: '' })
    lab.run(100)
    expect(b.last('streamClosed')).toMatchObject({ stream: there, reason: 'reset' })
  })
})

describe('the bytes of a stream', () => {
  it('answer each write without an end by one writable', () => {
    const { lab, a, here } = pipe()
    for (let i = 0; i < 5; i++) write(a, here, 'x')
    write(a, here, '')
    lab.run(100)
    expect(a.heard('writable')).toHaveLength(6)
    write(a, here, 'x', true)
    lab.run(100)
    expect(a.heard('writable')).toHaveLength(6)
  })

  it('belong to the receiver: what the sender does to its own afterwards changes nothing', () => {
    const { lab, a, b, here, there } = pipe()
    const data = Uint8Array.of(1, 2, 3)
    write(a, here, data)
    data.fill(9)
    lab.run(100)
    expect([...b.bytesOf(there)]).toEqual([1, 2, 3])
    b.last('data').chunks[0]!.fill(7)
    expect([...data]).toEqual([9, 9, 9])
    expect(b.last('data').chunks[0]!.constructor).toBe(Uint8Array)
  })

  it('are the same in the same order, wherever they are cut, paused and delayed', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.constant(150_000)), { maxLength: 12 })
    const options = fc.record({ jitter: fc.constantFrom(0, 9), lossy: fc.boolean() })
    fc.assert(
      fc.property(sizes, options, fc.nat(1_000), fc.boolean(), (lengths, { jitter, lossy }, seed, pausing) => {
        const { lab, a, b, here, there } = pipe({ jitter }, seed)
        if (lossy) lab.wire.options.loss = 0.1
        let next = seed
        const sent = lengths.map((length) => Uint8Array.from({ length }, () => (next = (next * 31 + 7) % 251)))
        const queue = [...sent]
        const sendNext = (): void => {
          const chunk = queue.shift()
          if (chunk !== undefined) write(a, here, chunk, queue.length === 0)
        }
        a.react = (event) => void (event.type === 'writable' && sendNext())
        sendNext()
        for (let i = 0; i < 60; i++) {
          if (pausing) b.run({ type: i % 3 === 0 ? 'pause' : 'resume', stream: there })
          lab.run(i < 50 ? 20 : 5_000)
        }
        b.run({ type: 'resume', stream: there })
        lab.run(60_000)
        if (a.heard('connectionClosed').length > 0) return // So many losses in a row end it.
        const all = Buffer.concat(sent)
        expect(Buffer.compare(b.bytesOf(there), all)).toBe(0)
        expect(
          b.heard('data').every(({ chunks }) => chunks.length > 0 && chunks.every((chunk) => chunk.length > 0)),
        ).toBe(true)
        expect(b.heard('streamEnded')).toHaveLength(lengths.length > 0 ? 1 : 0)
      }),
      { numRuns: 150 },
    )
  })

  it('come in other chunks than they were sent in, now and then', () => {
    const { lab, a, b, here } = pipe()
    for (let i = 0; i < 100; i++) write(a, here, new Uint8Array(100))
    lab.run(1_000)
    const sizes = b.heard('data').map(({ chunks }) => chunks.reduce((sum, chunk) => sum + chunk.length, 0))
    expect(sizes.length).toBeGreaterThan(102)
    expect(sizes.length).toBeLessThan(130)
    expect(sizes.reduce((sum, one) => sum + one)).toBe(10_000)
  })
})

describe('the window of a stream', () => {
  it('is never exceeded: at most 256 KiB are under way or kept', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 6 }),
        fc.nat(1_000),
        (writes, seed) => {
          const { lab, a, b, here, there } = pipe({ bandwidth: 5_000_000 }, seed)
          // The sender's packets, as the link sees them: 70 bytes of each are headers.
          let sent = 0
          // No pings beside them.
          a.host.onUnproven = () => undefined
          const { link } = a.host.sideTo(b.peerId)!
          const send = link.send.bind(link)
          link.send = (from, length, arrive) => {
            if (from.host === a.host && length > 70) sent += length - 70
            expect(sent - size(b, there)).toBeLessThanOrEqual(WINDOW)
            send(from, length, arrive)
          }
          b.react = (event) => {
            if (event.type === 'data' && lab.random.below(3) === 0) {
              b.run({ type: 'pause', stream: there })
              lab.clock.after(lab.random.below(500), () => b.run({ type: 'resume', stream: there }))
            }
          }
          for (const length of writes) write(a, here, new Uint8Array(length))
          lab.run(100_000)
          expect(size(b, there)).toBe(writes.reduce((sum, one) => sum + one))
          expect(sent).toBe(size(b, there))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is wider for a session, both ways', () => {
    const { lab, a, b, here, there } = pipe({}, 1, SESSION)
    for (const [from, to, stream, far] of [
      [a, b, here, there],
      [b, a, there, here],
    ] as const) {
      to.run({ type: 'pause', stream: far })
      write(from, stream, new Uint8Array(3 * STREAMS.sessionWindow))
      lab.run(1_000)
      to.run({ type: 'resume', stream: far })
      expect(size(to, far)).toBe(STREAMS.sessionWindow)
      lab.run(1_000)
      expect(size(to, far)).toBe(3 * STREAMS.sessionWindow)
    }
  })

  it('slows a stream over a long way: a window a round trip', () => {
    const { lab, a, b, here, there } = pipe({ latency: 100 })
    const started = lab.now
    write(a, here, new Uint8Array(4 * WINDOW), true)
    lab.run(10_000)
    expect(size(b, there)).toBe(4 * WINDOW)
    expect(b.last('streamEnded').at - started).toBe(700)
  })
})
