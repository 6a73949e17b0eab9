/** The events of a stream reach what the stream carries. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { Core, data, shorts } from '../../support/core.js'
import { answering, AnsweringCore, asking } from '../../support/session-cores.js'
import { hello, SESSION } from '../../support/session.js'

describe('an event of a stream', () => {
  it('that the core does not know is ignored: it crossed with our reset', () => {
    const core = new Core()
    core.connect('bob')
    const events: Event[] = [
      data(1, [1, 2]),
      { type: 'streamOpened', stream: 1, protocol: 'x' },
      { type: 'streamEnded', stream: 2 },
      { type: 'streamClosed', stream: 2, reason: 'reset' },
      { type: 'streamOpenFailed', stream: 3, reason: 'lost', failure: { message: 'no' } },
      { type: 'writable', stream: 3 },
    ]
    expect(core.in(...events)).toEqual([])
  })

  it('that the peer opens is a session, or one request, by its protocol', () => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    core.inbound(4)
    expect([[...core.state.streams.sessions.keys()], core.state.exchanges.open.keys()]).toEqual([[2], [4]])
  })

  it('goes to the request on its stream, and to no other', () => {
    const core = new Core()
    core.connect('bob')
    for (const stream of [2, 4]) core.inbound(stream)
    expect(shorts(core.in(data(4, [1, 63])))).toEqual(['handle 4 1'])
    expect(core.in({ type: 'streamClosed', stream: 2, reason: 'reset' })).toEqual([])
    expect(core.state.exchanges.open.keys()).toEqual([4])
  })

  it('`writable` lets the next write of a session go, and not before', () => {
    const core = new AnsweringCore()
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(shorts(core.in(core.hears(hello()))).map((text) => text.split(' ')[0])).toEqual(['write'])
    core.in({ type: 'streamEnded', stream: 2 })
    expect(shorts(core.in({ type: 'writable', stream: 2 }))).toEqual(['write 2 0 end'])
  })

  it('ends what a session carries when it is closed', () => {
    const core = answering()
    expect(core.state.streams.sessions.size).toBe(1)
    core.in({ type: 'streamClosed', stream: 2, reason: 'reset' })
    expect([core.state.streams.sessions.size, core.state.connections.all.get(1)!.answering]).toEqual([0, undefined])
  })

  it.each<Event>([
    { type: 'streamEnded', stream: 1 },
    { type: 'streamClosed', stream: 1, reason: 'lost' },
  ])('that ends a request makes its connection one that was in use: the peer is dialled at once, $type', (event) => {
    for (const isAsked of [true, false]) {
      const core = asking({ stayConnected: 0 })
      core.in({ type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] })
      if (isAsked) core.ask(1)
      core.in(event)
      core.now += 5
      const effects = shorts(core.in({ type: 'connectionClosed', connection: 1 }))
      expect(effects.filter((text) => text.startsWith('dial'))).toEqual(isAsked ? ['dial bob'] : [])
    }
  })

  it('closes a connection whose muxer died without a word, when a stream cannot be opened on it', () => {
    const core = new Core()
    core.connect('bob')
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    core.request(1, 'bob')
    core.request(2, 'bob')
    const lost: Event = { type: 'streamOpenFailed', stream: 1, reason: 'lost', failure: { message: 'muxer closed' } }
    expect(shorts(core.in(lost)).filter((text) => !text.startsWith('reset'))).toEqual(['closeConnection 1', 'dial bob'])
    expect(core.state.dials.get('bob')!.waiting.size).toBe(2)
  })

  it('closes one whose muxer died before the other side said anything, and dials it not again', () => {
    const core = new Core()
    core.connect('bob')
    core.request(1, 'bob')
    const lost: Event = { type: 'streamOpenFailed', stream: 1, reason: 'lost', failure: { message: 'muxer closed' } }
    const [close, , fail] = core.in(lost)
    expect(close).toMatchObject({ type: 'closeConnection', connection: 1 })
    expect(fail).toMatchObject({
      ask: 1,
      refusal: { code: 'DialError', message: expect.stringContaining('may not let us in') },
    })
    expect(core.state.dials.size).toBe(0)
  })
})
