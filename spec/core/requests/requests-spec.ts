/** Outbound requests: the way to a connection, and how they end. */
import { describe, expect, it } from '@jest/globals'
import { bytes, Core, data, refusalOf, shorts } from '../../support/core.js'
import { asked, opened } from '../../support/v1-asker.js'
import { REFUSED } from '../../support/peers.js'

describe('a request', () => {
  it('dials the peer when there is no connection, and those who want the same peer share the dial', () => {
    const core = new Core()
    expect(shorts([...core.request(1, 'bob'), ...core.request(2, 'bob')])).toEqual(['dial bob'])
    expect(shorts(core.connect('bob'))).toEqual(['open 1 on 1', 'open 3 on 1'])
  })

  it('fails when nobody can reach the peer, and says what was tried', () => {
    const core = new Core()
    core.request(1, 'bob')
    const failure = { message: '/ip4/10.0.0.1/tcp/1: connection refused', cause: new Error('ECONNREFUSED') }
    const [fail] = core.in({ type: 'dialFailed', target: 'bob', failure, tried: [] })
    expect(fail).toEqual({
      type: 'fail',
      ask: 1,
      refusal: {
        code: 'DialError',
        message: 'cannot reach bob: /ip4/10.0.0.1/tcp/1: connection refused',
        cause: failure.cause,
      },
    })
  })

  it('is lost with its connection if something of it was sent, and goes elsewhere otherwise', () => {
    const core = new Core({ maxStreams: 2, maxEarlyStreams: 2 })
    core.connect('bob')
    for (let ask = 1; ask <= 3; ask++) core.request(ask, 'bob')
    core.in(opened(1))
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toEqual([
      'reset 1',
      'fail 1 ConnectionLost',
      'dial bob',
    ])
    expect(core.state.streams.v1Requests.size).toBe(0)
    expect(shorts(core.connect('bob', 2))).toEqual(['open 5 on 2', 'open 7 on 2'])
    core.in(opened(5))
    expect(shorts(core.in(data(5, [1, 7])))).toEqual(['settle 2'])
    for (const ask of [2, 3]) core.in({ type: 'cancel', ask })
    core.in({ type: 'connectionClosed', connection: 2 })
    expect(core.state.asks.open.size + core.state.streams.v1Requests.size + core.state.asks.deadlines.size).toBe(0)
  })

  it('goes elsewhere three times, and is lost with the fourth connection', () => {
    const core = new Core()
    core.request(1, 'bob')
    const ends = [1, 2, 3, 4].map((connection) => {
      core.connect('bob', connection)
      core.in({ type: 'pinged', connection, rtt: 1 })
      return shorts(core.in({ type: 'connectionClosed', connection }))
    })
    expect(ends).toEqual([['dial bob'], ['dial bob'], ['dial bob'], ['reset 7', 'fail 1 DialError']])
    expect(core.state.asks.open.size + core.state.asks.deadlines.size + core.state.dials.size).toBe(0)
  })

  it('goes nowhere else when the other side hangs up before it says anything', () => {
    const core = new Core()
    core.request(1, 'bob')
    core.connect('bob')
    expect(core.in({ type: 'connectionClosed', connection: 1 }).at(-1)).toEqual({
      type: 'fail',
      ask: 1,
      refusal: {
        code: 'DialError',
        message: `the request was not sent: ${REFUSED}`,
      },
    })
    expect(core.state.asks.open.size + core.state.dials.size).toBe(0)
  })

  it('goes by the other connection when the other side hangs up one of two', () => {
    const core = new Core()
    core.request(1, 'bob')
    core.connect('bob', 1)
    core.connect('bob', 2)
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toEqual(['open 3 on 2'])
  })

  it('that goes elsewhere has the time that it had', () => {
    const core = new Core()
    core.request(1, 'bob', bytes('?'), 100)
    core.connect('bob')
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    core.at(60)
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(shorts(core.at(99))).toEqual([])
    expect(shorts(core.at(100))).toEqual(['fail 1 RequestTimeout'])
  })

  it('is forgotten when its caller cancels, and its stream is killed', () => {
    const core = asked()
    expect(shorts(core.in({ type: 'cancel', ask: 1 }))).toEqual(['reset 1'])
    expect(core.in(data(1, [1, 7]))).toEqual([])
    expect(core.state.asks.open.size + core.state.streams.v1Requests.size + core.state.asks.deadlines.size).toBe(0)
  })

  it('can be cancelled while it is dialled, queued or opened', () => {
    const core = new Core({ maxStreams: 1, maxEarlyStreams: 1 })
    core.request(1, 'bob')
    expect(core.in({ type: 'cancel', ask: 1 })).toEqual([])
    expect(core.connect('bob')).toEqual([])
    core.request(2, 'bob')
    core.request(3, 'bob')
    expect(core.in({ type: 'cancel', ask: 3 })).toEqual([])
    expect(shorts(core.in({ type: 'cancel', ask: 2 }))).toEqual(['reset 1'])
    expect(core.state.connections.all.get(1)).toMatchObject({ v1Streams: { size: 0 }, queue: { size: 0 } })
  })

  it('says where it was when its time was over', () => {
    const core = new Core()
    core.request(1, 'bob', bytes('?'), 100)
    expect(refusalOf(core.at(100))).toBe('RequestTimeout: no answer from bob within 100 ms while it was being dialled')
    core.connect('bob')
    core.request(2, 'bob', bytes('?'), 100)
    const nothing = 'it has answered nothing since it was connected 100 ms ago'
    expect(refusalOf(core.at(200))).toBe(`RequestTimeout: no answer from bob within 100 ms: ${nothing}`)
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    core.request(3, 'bob', bytes('?'), 100)
    expect(refusalOf(core.at(300))).toBe(
      'RequestTimeout: no answer from bob within 100 ms while a stream was being opened',
    )
  })

  it('is refused when too many wait already', () => {
    const core = new Core({ maxPendingRequests: 2 })
    core.request(1, 'bob')
    core.request(2, 'bob')
    const [fail] = core.request(3, 'bob')
    expect(fail).toMatchObject({ type: 'fail', ask: 3, refusal: { code: 'Overloaded', retryAfterMs: 1_000 } })
  })
})
