/** How an idle connection is left: announced, accepted, and only then closed. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { message, subscribe } from '../../support/broadcasts.js'
import { bytes, shorts, V1 } from '../../support/core.js'
import { asking, AskingCore } from '../../support/session-cores.js'
import { frame, goodbye, hello, SESSION } from '../../support/session.js'

const [ASK, YES, NO, STAY] = [0, 1, 2, 3]
const KEEP_ALIVE = 10_000
/** When an idle connection is left at the latest: a twentieth later. */
const LEFT = KEEP_ALIVE * 1.05

/** A session with Bob, who knows goodbyes; nothing is under way. */
function idle(): AskingCore {
  return asking({ connectionKeepAlive: KEEP_ALIVE, discoveryInterval: 1e9, pingInterval: 1e9 }, { 0: 3 })
}

/** Its goodbye is on the way to Bob. */
function left(): AskingCore {
  const core = idle()
  expect(said(core, leave(core, LEFT))).toEqual(['GOODBYE 1'])
  return core
}

/** The wake-up at this time, and what can be written after it. */
function leave(core: AskingCore, time: number): Effect[] {
  core.now = time
  return core.run({ type: 'woken' })
}

/** Bob says what he speaks. */
const identified = (protocols: string[]): Event => ({
  type: 'identified',
  peer: 'bob',
  connection: 1,
  protocols,
  addresses: [],
  agent: '',
})

function said(core: AskingCore, effects: Effect[]): string[] {
  return core.frames(effects).map(({ name, id }) => `${name} ${id}`)
}

describe('an idle connection', () => {
  it('is closed when the other side agrees', () => {
    expect(shorts(left().receive(goodbye(1, YES)))).toEqual(['closeConnection 1'])
  })

  it('stays when the other side needs it, and is left again after another keep-alive time', () => {
    const core = left()
    expect(core.receive(goodbye(1, NO))).toEqual([])
    expect(core.at(2 * LEFT - 1_000)).toEqual([])
    expect(said(core, leave(core, 2 * LEFT))).toEqual(['GOODBYE 2'])
  })

  it('that is needed before the answer comes stays: STAY goes ahead of the request, and YES comes too late', () => {
    const core = left()
    expect(said(core, core.ask(1))).toEqual(['GOODBYE 1', 'REQUEST 1'])
    expect(core.receive(goodbye(1, YES))).toEqual([])
  })

  it('that is needed in the step in which the other side agrees stays', () => {
    const core = left()
    const effects = core.run(core.hears(goodbye(1, YES)), core.asking(1))
    expect(said(core, effects)).toEqual(['GOODBYE 1', 'REQUEST 1'])
    expect(shorts(effects)).not.toContain('closeConnection 1')
  })

  it('that a broadcast uses in the step in which the other side agrees stays', () => {
    const core = left()
    core.run(subscribe)
    const effects = core.run(core.hears(goodbye(1, YES)), message('news', { via: 'bob' }))
    expect(shorts(effects)).not.toContain('closeConnection 1')
    expect(said(core, effects)).toEqual(['GOODBYE 1'])
  })

  it('is closed without an answer after the time of a ping', () => {
    const core = left()
    const timeout = core.state.settings.pingTimeout
    expect(shorts(core.at(LEFT + KEEP_ALIVE + timeout + LEFT))).toContain('closeConnection 1')
  })

  it('to a peer that does not know goodbyes is closed at once', () => {
    const core = asking({ connectionKeepAlive: KEEP_ALIVE, discoveryInterval: 1e9, pingInterval: 1e9 }, { 0: 1 })
    expect(shorts(core.at(LEFT))).toEqual(['closeConnection 1'])
  })

  it('over which nothing was asked gets a session for its goodbye, and waits for the HELLO', () => {
    const core = new AskingCore({ connectionKeepAlive: KEEP_ALIVE, discoveryInterval: 1e9, pingInterval: 1e9 })
    core.connect('bob')
    core.in(identified([SESSION]))
    expect(shorts(core.at(LEFT))).toEqual(['open 1 on 1'])
    expect(said(core, core.run({ type: 'streamOpened', stream: 1, protocol: SESSION }))).toEqual(['HELLO 0'])
    expect(said(core, core.receive(hello({ 0: 3 })))).toEqual(['GOODBYE 1'])
    expect(shorts(core.receive(goodbye(1, YES)))).toEqual(['closeConnection 1'])
  })
})

describe('an idle connection of which is not known whether the peer can be told goodbye', () => {
  const settings = { connectionKeepAlive: 100, discoveryInterval: 1e9, pingInterval: 1e9 }

  it('stays until that is known', () => {
    const core = new AskingCore(settings)
    core.connect('bob')
    expect(core.at(1_000)).toEqual([])
    core.in(identified([SESSION]))
    expect(shorts(core.at(1_200))).toEqual(['open 1 on 1'])
  })

  it('is closed when the peer turns out to know none', () => {
    const core = new AskingCore(settings)
    core.connect('bob')
    core.at(1_000)
    core.in(identified([V1]))
    expect(shorts(core.at(1_200))).toEqual(['closeConnection 1'])
  })

  it('waits for the HELLO of a session that the peer opens, and says goodbye over that', () => {
    const core = new AskingCore(settings)
    core.connect('bob')
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    expect(core.at(1_000)).toEqual([])
    core.in({ type: 'data', stream: 2, chunks: [hello({ 0: 3 })] })
    expect(core.state.connections.all.get(1)!.goodbye).toMatchObject({ id: 1, stream: 2 })
  })

  it('is closed when that does not come for as long as a ping may take', () => {
    const core = new AskingCore(settings)
    core.connect('bob')
    const late = core.state.settings.pingTimeout
    expect(core.at(late - 200)).toEqual([])
    expect(shorts(core.at(late))).toEqual(['closeConnection 1'])
  })
})

describe('a dial that waits for the proof of its connection', () => {
  it('keeps it, as a request does, until it is answered', () => {
    const core = new AskingCore({ connectionKeepAlive: 10, discoveryInterval: 1e9, pingInterval: 1e9 })
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: ['/ip4/127.0.0.1/tcp/1'] })
    core.connect('bob')
    core.in(identified([]))
    expect(shorts(core.at(100))).not.toContain('closeConnection 1')
    expect(shorts(core.in({ type: 'pinged', connection: 1, rtt: 1 }))).toContain('settle 1')
    expect(shorts(core.at(200))).toContain('closeConnection 1')
  })

  it('keeps it no longer when its caller gives up', () => {
    const core = new AskingCore({ connectionKeepAlive: 10, discoveryInterval: 1e9, pingInterval: 1e9 })
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: ['/ip4/127.0.0.1/tcp/1'] })
    core.connect('bob')
    core.in(identified([]))
    core.in({ type: 'cancel', ask: 1 })
    expect(shorts(core.at(100))).toContain('closeConnection 1')
  })
})

describe('a connection that the other side leaves', () => {
  it('carries no more requests; they go over a new one when it is closed', () => {
    const core = idle()
    expect(said(core, core.receive(goodbye(1, ASK)))).toEqual(['GOODBYE 1'])
    expect(core.ask(1)).toEqual([])
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toContain('dial bob')
    expect(core.state.asks.open.has(1)).toBe(true)
  })

  it('carries what has waited when the other side stays', () => {
    const core = idle()
    core.frames(core.receive(goodbye(1, ASK)))
    core.ask(1)
    expect(said(core, core.receive(goodbye(1, STAY)))).toEqual(['REQUEST 1'])
  })

  it('answers no dial; it is dialled anew when it is closed', () => {
    const core = idle()
    core.frames(core.receive(goodbye(1, ASK)))
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    expect(core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })).toEqual([])
    expect(shorts(core.in({ type: 'connectionClosed', connection: 1 }))).toEqual(['dial bob'])
    core.connect('bob', 2)
    expect(shorts(core.in({ type: 'pinged', connection: 2, rtt: 1 }))).toEqual(['settle 1'])
  })

  it.each([
    { type: 'streamEnded', stream: 1 } as const,
    { type: 'streamClosed', stream: 1, reason: 'closed' } as const,
    { type: 'streamClosed', stream: 1, reason: 'reset' } as const,
    { type: 'streamClosed', stream: 1, reason: 'lost' } as const,
  ])('is closed by us too when the session over which it was left ends ($type $reason), and dialled anew', (end) => {
    const core = idle()
    core.frames(core.receive(goodbye(1, ASK)))
    core.ask(1)
    const effects = shorts(core.in(end))
    expect(effects).toEqual(expect.arrayContaining(['closeConnection 1', 'dial bob']))
    expect(effects.join()).not.toMatch(/open|fail/)
    expect(core.state.asks.open.has(1)).toBe(true)
  })

  it('is closed by us too when a session that is being opened ends first, and what waits for it is dialled', () => {
    const core = new AskingCore({ connectionKeepAlive: KEEP_ALIVE, discoveryInterval: 1e9, pingInterval: 1e9 })
    core.connect('bob')
    core.in(identified([SESSION]), { type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    core.ask(1)
    core.in({ type: 'cancel', ask: 1 })
    core.in(
      { type: 'data', stream: 2, chunks: [hello({ 0: 3 })] },
      { type: 'data', stream: 2, chunks: [goodbye(1, ASK)] },
    )
    expect(core.ask(2)).toEqual([])
    const failure = { message: 'closed' }
    const effects = shorts(core.in({ type: 'streamOpenFailed', stream: 1, reason: 'failed', failure }))
    expect(effects).toEqual(expect.arrayContaining(['closeConnection 1', 'dial bob']))
    expect(effects.join()).not.toMatch(/fail/)
  })

  it('takes nothing new when the session over which it was left has ended', () => {
    const core = idle()
    core.frames(core.receive(goodbye(1, ASK)))
    core.in({ type: 'streamEnded', stream: 1 })
    expect(shorts(core.ask(1))).toEqual(['dial bob'])
  })

  it('cannot be left by a peer that has not named the feature', () => {
    const core = asking({}, { 0: 1 })
    expect(core.receive(goodbye(1, ASK), frame(0x88, 0, bytes('something new')))).toEqual([])
    expect(core.state.connections.all.get(1)!.leaving).toBeUndefined()
  })

  it('is not left by a broken word: the session is reset', () => {
    const core = idle()
    expect(shorts(core.receive(goodbye(1, 9)))).toEqual(['reset 1'])
  })

  it('is kept by a request under way', () => {
    const core = idle()
    core.frames(core.ask(1, bytes('?')))
    expect(core.lines(core.receive(goodbye(1, ASK))).join()).toContain('GOODBYE')
    expect(core.state.connections.all.get(1)!.leaving).toBeUndefined()
  })
})

describe('a connection whose end the peer has asked for and does not close', () => {
  it('is closed by us after the time of a ping, whatever the peer answers to pings, and what waits for that is dialled', () => {
    const core = idle()
    const { pingTimeout } = core.state.settings
    core.frames(core.receive(goodbye(1, ASK)))
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.ask(2, undefined, undefined, 100_000)
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    expect(core.at(pingTimeout - 1)).toEqual([])
    expect(shorts(core.at(pingTimeout))).toEqual(['closeConnection 1', 'dial bob'])
    core.connect('bob', 2)
    expect(shorts(core.in({ type: 'pinged', connection: 2, rtt: 1 }))).toEqual(['settle 1'])
  })

  it('stays if the peer takes its goodbye back meanwhile', () => {
    const core = idle()
    core.frames(core.receive(goodbye(1, ASK)))
    core.receive(goodbye(1, STAY))
    expect(core.at(core.state.settings.pingTimeout)).not.toContainEqual(expect.objectContaining({ connection: 1 }))
  })
})

describe('a node that drains', () => {
  const drain: Event = { type: 'shutdown', ask: 9, drain: 1_000 }
  /** All that we know: what is said is 4. */
  const stopping = (): AskingCore => asking({ pingInterval: 1e9 }, { 0: 7 })

  it('tells its peers that it stops', () => {
    const core = stopping()
    expect(core.lines(core.run(drain)).join()).toContain('GOODBYE 1')
  })

  it('tells a peer whose HELLO comes later', () => {
    const core = new AskingCore()
    core.connect('bob')
    core.frames(core.ask(1))
    core.frames(core.run({ type: 'streamOpened', stream: 1, protocol: SESSION }))
    core.run(drain)
    expect(said(core, core.receive(hello({ 0: 7 })))).toEqual(['GOODBYE 1'])
  })

  it('says nothing to a peer that does not know the word', () => {
    const core = asking({ pingInterval: 1e9 }, { 0: 3 })
    expect(core.lines(core.run(drain)).join()).not.toContain('GOODBYE')
  })
})

describe('a peer that has said that it stops', () => {
  const table: Event = { type: 'tableChanged', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] }
  const mesh: Event[] = [subscribe, { type: 'meshChanged', topic: 'block', peers: ['bob'] }]

  it('is not looked for when it closes a connection in use, as another one is', () => {
    for (const [words, dials] of [
      [[goodbye(1, 4)], 0],
      [[], 1],
    ] as const) {
      const core = asking({}, { 0: 7 })
      core.in(table, ...mesh)
      if (words.length > 0) core.receive(...words)
      const effects = shorts(core.in({ type: 'connectionClosed', connection: 1 }))
      expect(effects.filter((effect) => effect === 'dial bob')).toHaveLength(dials)
    }
  })

  it('is asked nothing new: the caller is told what it would say; another connection of it is used', () => {
    const core = asking({}, { 0: 7 })
    core.receive(goodbye(1, 4))
    expect(core.ask(1)).toEqual([
      {
        type: 'fail',
        ask: 1,
        refusal: {
          code: 'Overloaded',
          message: 'bob is overloaded: the node is shutting down',
          retryAfterMs: 1_000,
        },
      },
    ])
    expect(core.state.asks.open.size + core.state.asks.deadlines.size).toBe(0)
    core.connect('bob', 2)
    expect(shorts(core.ask(2))).toEqual(['open 3 on 2'])
  })

  it('refuses what has not been sent to it, and what has been stays', () => {
    const core = asking({}, { 0: 7, 1: 2 })
    core.in(core.asking(1))
    // The second one waits for the write of the first, and the third one for a place.
    core.in(core.asking(2))
    core.in(core.asking(3))
    expect(shorts(core.in(core.hears(goodbye(1, 4))))).toEqual(['fail 2 Overloaded', 'fail 3 Overloaded'])
    expect([...core.state.asks.open.keys()]).toEqual([1])
    expect(said(core, core.in({ type: 'writable', stream: 1 }))).toEqual([])
  })

  it('is heeded once, however often it says so', () => {
    const core = asking({}, { 0: 7 })
    core.in(core.asking(1))
    const { requests } = core.state.connections.all.get(1)!.asking!
    let looks = 0
    const values = requests.values.bind(requests)
    requests.values = () => {
      looks++
      return values()
    }
    core.in(core.hears(...Array.from({ length: 100 }, (_, i) => goodbye(i + 1, 4))))
    core.in(core.hears(goodbye(101, 4)))
    expect(looks).toBe(1)
  })
})

describe('while nothing can be written to it, a peer', () => {
  const full = (core: AskingCore): AskingCore['state'] => {
    core.state.connections.all.get(1)!.asking!.writing = true
    return core.state
  }

  it('that asks and asks has one answer that waits, to its last question, and the network is asked once for it', () => {
    const core = idle()
    core.connect('bob', 2)
    core.in({ type: 'pinged', connection: 2, rtt: 1 }, { type: 'pinged', connection: 1, rtt: 1 })
    const state = full(core)
    state.recipients.pending.add('bob')
    const effects = [1, 2, 3].flatMap((id) => core.in(core.hears(goodbye(3 * id, ASK), goodbye(3 * id + 1, ASK))))
    expect(shorts(effects)).toEqual(['inspect'])
    expect(said(core, core.run({ type: 'writable', stream: core.stream }))).toEqual(['GOODBYE 10'])
  })

  it('is not asked for what is taken back meanwhile', () => {
    const core = idle()
    const state = full(core)
    for (let round = 1; round < 5; round++) {
      core.at(round * LEFT)
      core.in(subscribe, message('news', { via: 'bob', id: `message ${round}` }))
    }
    expect(state.streams.sessions.get(core.stream)!.goodbyes).toEqual([])
  })
})

describe('a surplus connection', () => {
  const peer = 'zed'
  const bootNodes = { [peer]: ['/ip4/10.0.0.9/tcp/1/p2p/zed'] }
  const settings = {
    connectionKeepAlive: KEEP_ALIVE,
    discoveryInterval: 1e9,
    pingInterval: 1e9,
    stayConnected: 30,
    bootNodes,
  }

  /** Two connections to a peer of the config with a greater id, of which the first has answered its test. */
  function two(protocols: string[]): AskingCore {
    const core = new AskingCore(settings)
    for (const id of [1, 2]) {
      core.connect(peer, id)
      core.in({ type: 'identified', peer, connection: id, protocols, addresses: [], agent: '' })
    }
    for (const connection of [1, 2]) core.in({ type: 'pinged', connection, rtt: 1 })
    return core
  }

  it('to a peer that cannot be told goodbye stays while a mesh needs the peer', () => {
    const core = two([V1])
    core.in({ type: 'subscribe', topic: 'block' }, { type: 'meshChanged', topic: 'block', peers: [peer] })
    expect(core.at(10 * KEEP_ALIVE).filter(({ type }) => type === 'closeConnection')).toEqual([])
  })

  it('to a peer that cannot be told goodbye is closed, though the config needs the other one', () => {
    const core = two([V1])
    expect(shorts(core.at(KEEP_ALIVE))).toEqual(['closeConnection 2'])
    expect(core.at(100 * KEEP_ALIVE).filter(({ type }) => type === 'closeConnection')).toEqual([])
  })

  it('whose goodbye is not answered is closed after the time of a ping', () => {
    const core = two([SESSION])
    const { pingTimeout } = core.state.settings
    const closed: number[] = []
    for (let time = 0; time <= KEEP_ALIVE + 2 * pingTimeout; time += 500) {
      if (shorts(core.at(time)).includes('closeConnection 2')) closed.push(time)
    }
    expect(closed).toHaveLength(1)
    expect(closed[0]).toBeLessThanOrEqual(KEEP_ALIVE + pingTimeout + KEEP_ALIVE / 4)
  })

  it('stays while a request is under way over it', () => {
    const core = two([V1])
    core.now = KEEP_ALIVE - 1
    core.in({ type: 'streamInbound', stream: 2, connection: 2, protocol: V1 })
    expect(shorts(core.at(KEEP_ALIVE))).toEqual([])
  })
})
