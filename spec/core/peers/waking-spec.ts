/** What a node does when its machine has slept, or when its addresses have changed. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { createState } from '../../../src/core/state.js'
import { step } from '../../../src/core/step.js'
import { Core, settingsWith, shorts } from '../../support/core.js'
import { BOB, closed, dialFailed, identified } from '../../support/peers.js'

const HOUR = 3_600_000
const elsewhere: Event = { type: 'listening', addresses: ['/ip4/10.1.0.1/tcp/1'] }

function pingFailed(connection: number): Event {
  return { type: 'pingFailed', connection, failure: { message: 'no answer' }, heard: false }
}

/** Connected to so many, who are in the table, and who have answered a ping. */
function among(count: number, core = new Core({ stayConnected: 30 }), rtt = 3): Core {
  for (let id = 1; id <= count; id++) {
    core.connect(`p${id}`, id)
    core.in(
      identified(`p${id}`, [`/ip4/51.${id}.0.1/tcp/1`], id),
      { type: 'tableChanged', peer: `p${id}`, addresses: [`/ip4/51.${id}.0.1/tcp/1`] },
      { type: 'pinged', connection: id, rtt },
    )
  }
  core.in({ type: 'tableQueried' })
  // Between two ticks.
  core.now = 5_000
  return core
}

/** When it is the turn of those who are away. */
function round(core: Core): Effect[] {
  return core.at(core.state.waking.nextRound)
}

function dialled(effects: Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === 'dial' ? [effect.target] : []))
}

describe('after a sleep', () => {
  it('all connections are tested at once, each once, and the peers have a moment', () => {
    const core = among(2)
    expect(core.in({ type: 'clockJumped', by: 10_000 })).toEqual(
      [1, 2].map((connection) => ({ type: 'ping', connection, timeout: 3_000, longest: 20_000, avoidAfter: 1_000 })),
    )
    expect(core.in({ type: 'clockJumped', by: 10_000 })).toEqual([])
  })

  it('those with a ping from before are tested too: it may have much more time', () => {
    const core = among(2)
    core.at(core.state.connections.nextPing)
    core.in({ type: 'pinged', connection: 2, rtt: 3 })
    expect(shorts(core.in({ type: 'clockJumped', by: HOUR }))).toEqual(['ping 1', 'ping 2'])
    expect(shorts(core.in(pingFailed(1)))).toEqual(['closeConnection 1', 'dial p1'])
  })

  it('one from which something comes is not lost to it, and is tested again after the next', () => {
    const core = among(1)
    core.in({ type: 'clockJumped', by: HOUR })
    expect(shorts(core.in({ ...pingFailed(1), heard: true } as Event))).toEqual(['ping 1'])
    expect(shorts(core.in({ type: 'clockJumped', by: HOUR }))).toEqual(['ping 1'])
    core.in({ ...pingFailed(1), heard: true } as Event, { ...pingFailed(1), heard: true } as Event)
    round(core)
    expect(core.in(closed(1))).toEqual([])
  })

  it.each([3, 600, 700, 2_000])(
    'one that does not answer is lost to it however long its test took, at a round trip of %d ms',
    (rtt) => {
      const core = among(1, new Core({ stayConnected: 30 }), rtt)
      const [ping] = core.in({ type: 'clockJumped', by: HOUR })
      round(core)
      core.now = 5_000 + (ping as { timeout: number }).timeout
      expect(shorts(core.in(pingFailed(1)))).toEqual(['closeConnection 1', 'dial p1'])
    },
  )

  it('in which peers have given us up, they have no more than the time of any test', () => {
    const core = among(1)
    expect(core.in({ type: 'clockJumped', by: 60_000 })).toEqual([
      { type: 'ping', connection: 1, timeout: 2_000, longest: 20_000, avoidAfter: 1_000 },
    ])
  })

  it.each([
    { type: 'clockJumped', by: 10_000 },
    { type: 'clockJumped', by: 60_000 },
    { type: 'late', by: 60_000 },
    elsewhere,
  ] as const)('those with long round trips have the time of any test: %p', (event) => {
    const core = among(1, new Core({ stayConnected: 30 }), 600)
    const tested = core.in(event).filter(({ type }) => type === 'ping')
    expect(tested).toEqual([{ type: 'ping', connection: 1, timeout: 4_800, longest: 20_000, avoidAfter: 2_400 }])
  })

  it('all idle peers that are lost to it are dialled within a second, and a lookup begins', () => {
    const core = among(10)
    core.in({ type: 'clockJumped', by: HOUR })
    for (let id = 1; id <= 10; id++) expect(dialled(core.in(closed(id)))).toEqual([])
    expect(core.state.waking.nextRound).toBeLessThanOrEqual(core.now + 1_000)
    const effects = round(core)
    expect(dialled(effects).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `p${i + 1}`).sort())
    expect(effects.map(({ type }) => type)).toContain('tableQuery')
    expect(core.state.waking.nextRound).toBe(Infinity)
  })

  it('those who are lost to it later are dialled at once', () => {
    const core = among(3)
    core.in({ type: 'clockJumped', by: HOUR })
    round(core)
    expect(dialled(core.in(closed(1)))).toEqual(['p1'])
    expect(shorts(core.in(pingFailed(2)))).toEqual(['closeConnection 2', 'dial p2'])
    expect(core.state.discovery.table.has('p2')).toBe(true)
  })

  it('those who have answered, and then close an idle connection, are left alone; so are those who come and go', () => {
    const core = among(1)
    core.in({ type: 'clockJumped', by: HOUR })
    round(core)
    core.in({ type: 'pinged', connection: 1, rtt: 3 })
    core.connect('late', 7)
    core.in({ type: 'tableChanged', peer: 'late', addresses: [BOB] })
    expect(core.in(closed(1), closed(7))).toEqual([])
  })

  it('of which the process has known by its own clock it is the same', () => {
    const core = among(2)
    expect(shorts(core.in({ type: 'late', by: 60_000 }))).toEqual(['ping 1', 'ping 2'])
    core.in(closed(1))
    expect(dialled(round(core))).toEqual(['p1'])
  })

  it('that was short, or when the clock was set back, nobody is dialled', () => {
    for (const event of [
      { type: 'clockJumped', by: -HOUR },
      { type: 'clockJumped', by: 3_000 },
      { type: 'late', by: 3_000 },
    ] as const) {
      const core = among(1)
      core.in(event)
      expect(core.state.waking.nextRound).toBe(Infinity)
    }
  })

  it('nodes that wake together do not dial together', () => {
    const starts = Array.from({ length: 100 }, (_, i) => {
      const state = createState(`node ${i}`, settingsWith())
      state.lifecycle.phase = 'running'
      step(state, { at: 0, events: [{ type: 'clockJumped', by: HOUR }] })
      return state.waking.nextRound
    })
    expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(300)
    expect(Math.max(...starts)).toBeLessThanOrEqual(700)
    expect(new Set(starts).size).toBeGreaterThan(50)
  })

  it('a node that is about to leave looks for nobody', () => {
    const core = among(2)
    core.inbound(2, 2)
    core.in({ type: 'shutdown', ask: 9, drain: 60_000 })
    core.in({ type: 'clockJumped', by: HOUR }, closed(1))
    expect(core.state.waking.nextRound).toBeLessThan(Infinity)
    expect(dialled(round(core))).toEqual([])
  })
})

describe('other addresses of our own', () => {
  it('lead to a test of all connections, and soon to dials of the boot nodes and the peers that are known', () => {
    const core = among(2, new Core({ stayConnected: 30, bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1/p2p/boot'] } }))
    core.in(closed(2))
    expect(shorts(core.in(elsewhere))).toEqual(['ping 1'])
    expect(dialled(round(core)).sort()).toEqual(['boot', 'p2'])
  })

  it('end the pauses of those who were out of reach: they are dialled as if they had not failed', () => {
    const core = among(1)
    core.in(pingFailed(1), { type: 'tableChanged', peer: 'p1', addresses: undefined })
    for (let i = 0; i < 8; i++) {
      core.at(core.state.memory.nextTry)
      core.in(dialFailed('p1'))
    }
    expect(core.state.memory.retries.get('p1')).toBeGreaterThan(core.now + 2_000)
    core.in(elsewhere)
    expect(dialled(round(core))).toEqual(['p1'])
    core.in(dialFailed('p1'))
    expect(core.state.memory.retries.get('p1')).toBeLessThanOrEqual(core.now + 1_000)
  })

  it('do so two seconds apart at least, however often they change', () => {
    const core = among(1)
    const times: number[] = []
    for (const end = core.now + 10_000; core.now < end; core.now += 100) {
      const effects = core.in(elsewhere, { type: 'tableQueried' })
      if (effects.some(({ type }) => type === 'tableQuery')) times.push(core.now)
    }
    const pauses = times.slice(1).map((time, i) => time - times[i]!)
    expect(times.length).toBeGreaterThanOrEqual(4)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(2_000)
  })
})
