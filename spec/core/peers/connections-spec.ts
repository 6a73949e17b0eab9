import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import { release, takeReleased } from '../../../src/core/peers/connections.js'
import { broadcast, GossipCore, message, published, subscribe } from '../../support/broadcasts.js'

const KEEP_ALIVE = 100
/** By then it is closed, if nothing has used it. */
const LATE = 105

function connected(): GossipCore {
  const core = new GossipCore({ connectionKeepAlive: KEEP_ALIVE })
  core.member('bob')
  return core
}

const inspected = (ask: number, queued: number): Event => ({
  type: 'inspected',
  ask,
  peers: { bob: { score: 0, queued } },
})

describe('a connection that nothing but broadcasts uses', () => {
  it('is closed, when there are none', () => {
    expect(connected().linesAt(LATE)).toEqual(['closeConnection 1'])
  })

  it('is kept for its time after one that was heard', () => {
    const core = connected()
    core.in(subscribe)
    core.linesAt(60)
    core.in(message('m', { via: 'bob' }))
    expect(core.linesAt(60 + KEEP_ALIVE - 1)).toEqual([])
    expect(core.linesAt(60 + LATE)).toEqual(['closeConnection 1'])
  })

  it('is kept for as long as one of ours waits to be sent', () => {
    const core = connected()
    core.in(broadcast(1))
    core.in(published(1))
    expect(core.at(LATE)).toEqual([{ type: 'inspect', ask: -1, peers: ['bob'] }])
    expect(core.lines(inspected(-1, 5_000))).toEqual([])
    expect(core.at(2 * LATE)).toEqual([{ type: 'inspect', ask: -2, peers: ['bob'] }])
    expect(core.lines(inspected(-2, 0))).toEqual(['closeConnection 1'])
    expect(core.state.services.purposes.size).toBe(0)
    expect(core.state.recipients.pending.size).toBe(0)
  })

  it('is kept when another one goes out while the network is asked', () => {
    const core = connected()
    core.in(broadcast(1))
    core.in(published(1))
    core.at(LATE)
    core.in(broadcast(2))
    core.in(published(2))
    expect(core.lines(inspected(-1, 0))).toEqual([])
  })
})

describe('a surplus connection of which the other side has agreed to the end', () => {
  it.each([
    ['is closed while nothing is asked over it', false, [2]],
    ['is kept for a request that has passed the consent on its way', true, []],
  ])('%s', (_what, isUsed, closed) => {
    const core = new GossipCore()
    core.connect('zoe', 1)
    core.connect('zoe', 2)
    core.in({ type: 'pinged', connection: 1, rtt: 1 })
    const second = core.state.connections.all.get(2)!
    second.goodbye = { id: 1, stream: 1, at: 0 }
    if (isUsed) second.queue.add(1)
    release(core.state, 2)
    expect(takeReleased(core.state)).toEqual(closed)
    // Said or withdrawn: the other side learns of it.
    expect(core.state.connections.all.get(2)).toMatchObject({ goodbye: isUsed ? undefined : { id: 1 } })
  })
})
