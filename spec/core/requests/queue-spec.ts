/** The queue of a connection: by which protocol it leaves, and requests to the node, which some peers do not take. */
import { describe, expect, it } from '@jest/globals'
import type { Effect, Effects } from '../../../src/core/effects.js'
import { leaveQueue } from '../../../src/core/requests/queue.js'
import { startRequest } from '../../../src/core/requests/requests.js'
import type { RequestAsk } from '../../../src/core/requests/state.js'
import { takeNews } from '../../../src/core/news.js'
import { bytes, Core, shorts, V1 } from '../../support/core.js'
import { AskingCore, BOTH } from '../../support/session-cores.js'
import { hello, SESSION } from '../../support/session.js'

/** A request to the node Bob itself, number -1. */
function askNode({ state }: Core): Effect[] {
  const out: Effects = []
  startRequest(
    state,
    out,
    { type: 'request', ask: -1, peer: 'bob', addresses: [], data: bytes('?'), timeout: 1_000 },
    true,
  )
  return out
}

function identified(core: Core, ...protocols: string[]): void {
  core.in({ type: 'identified', connection: 1, peer: 'bob', protocols, addresses: [], agent: '' })
}

describe('the protocol of a request', () => {
  it.each([
    ['is negotiated while nothing is known of the peer', undefined, BOTH, BOTH],
    ['is the first of ours that identify names', [V1, SESSION], BOTH, [SESSION]],
    ['is version 1 if identify names none of ours', ['/other'], BOTH, [V1]],
    ['is not negotiated if we speak only one', undefined, [V1], [V1]],
  ])('%s', (_what, named, ours, offered) => {
    const core = new Core({ protocols: ours })
    core.connect('bob')
    if (named !== undefined) identified(core, ...named)
    expect(core.request(1, 'bob')).toEqual([{ type: 'open', stream: 1, connection: 1, protocols: offered }])
  })
})

describe('a session that the peer does not answer', () => {
  const asking = (core: Core, ask: number, timeout: number): Effect[] => core.request(ask, 'bob', bytes('?'), timeout)

  function opening(): Core {
    const core = new Core({ protocols: BOTH, pingInterval: 1e9 })
    core.connect('bob')
    identified(core, SESSION)
    return core
  }

  it('is waited for as long as a request may take, and no longer', () => {
    const core = opening()
    expect(shorts(asking(core, 1, 15_000))).toEqual(['open 1 on 1'])
    asking(core, 2, 20_000)
    expect(core.at(14_999)).toEqual([])
    expect(shorts(core.at(15_000))).toEqual(['fail 1 RequestTimeout', 'reset 1', 'open 3 on 1'])
    expect(core.state.asks.open.has(2)).toBe(true)
  })

  it('is not opened anew for requests whose time is shorter than a slow link needs', () => {
    const core = opening()
    asking(core, 1, 100)
    expect(shorts(core.at(100))).toEqual(['fail 1 RequestTimeout'])
    asking(core, 2, 100)
    expect(shorts(core.at(200))).toEqual(['fail 2 RequestTimeout'])
  })
})

describe('a request to the node itself', () => {
  it('waits for the HELLO of the other side, while requests behind it do not', () => {
    const core = new AskingCore()
    core.connect('bob')
    askNode(core)
    core.in(core.asking(1))
    const opened = core.lines(core.run({ type: 'streamOpened', stream: 1, protocol: SESSION }))
    expect(opened.filter((line) => line.startsWith('REQUEST'))).toEqual([
      'REQUEST 1 ONE, 10000 ms, credit 1048608, "?"',
    ])
    const greeted = core.lines(core.receive(hello({ 0: 1 })))
    expect(greeted).toEqual(['REQUEST 2 ONE SERVICE, 1000 ms, credit 1048608, "?"'])
  })

  it('is refused by a node whose HELLO names no services', () => {
    const core = new AskingCore()
    core.connect('bob')
    askNode(core)
    core.run({ type: 'streamOpened', stream: 1, protocol: SESSION })
    expect(core.state.asks.open.size).toBe(1)
    core.receive(hello())
    expect([core.state.asks.open.size, core.state.connections.all.get(1)!.queue.size]).toEqual([0, 0])
  })

  it('is refused by a node that is asked by version 1, and nothing is opened for it', () => {
    const core = new AskingCore()
    core.connect('bob')
    identified(core, V1)
    expect(askNode(core)).toEqual([])
    expect(takeNews(core.state)).toEqual([{ kind: 'over', ask: -1 }])
    expect([core.state.asks.open.size, core.state.connections.all.get(1)!.queue.size]).toEqual([0, 0])
  })
})

describe('a request that leaves the queue', () => {
  it('leaves nothing, and its connection may be idle', () => {
    const core = new Core({ maxEarlyStreams: 0 })
    core.connect('bob')
    core.request(1, 'bob')
    const connection = core.state.connections.all.get(1)!
    expect([connection.queue.size, core.state.connections.idle.size]).toEqual([1, 0])
    leaveQueue(core.state, connection, core.state.asks.open.get(1) as RequestAsk)
    expect([connection.queue.size, core.state.connections.idle.size]).toEqual([0, 1])
    expect([core.state.asks.open.size, core.state.asks.deadlines.size]).toEqual([0, 0])
    expect(shorts(core.at(10_000))).not.toContain('fail 1 RequestTimeout')
  })
})
