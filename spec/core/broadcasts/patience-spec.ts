/** For whom broadcasts wait: an identity costs nothing, so whoever is not named has a budget of time with others. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../src/core/events.js'
import type { TopicExplanation } from '../../../src/core/explanation.js'
import { standingOf } from '../../../src/core/broadcasts/patience.js'
import { endParting, noteParting } from '../../../src/core/broadcasts/recipients.js'
import type { Settings } from '../../../src/core/settings.js'
import { broadcast, drained, GossipCore, publishHeld, published, subscribe } from '../../support/broadcasts.js'

/** Carol, who takes everything, is in the topic, and so are these. */
function beside(peers: string[], settings: Partial<Settings> = {}): GossipCore {
  const core = new GossipCore({ slowPeerPatience: 2_000, requestTimeout: 60_000, ...settings })
  core.in(subscribe)
  for (const peer of ['carol', ...peers]) core.member(peer)
  return core
}

/** Broadcasts, and the network has too much for these peers. */
function held(core: GossipCore, ask: number, ...peers: string[]): string[] {
  expect(core.lines(broadcast(ask))).toEqual([`publish ${ask}`])
  return core.lines(publishHeld(ask, ...peers))
}

function explained(core: GossipCore): TopicExplanation {
  core.in({ type: 'explain', ask: 900, about: { topic: 'block' } })
  const [settled] = core.in({ type: 'inspected', ask: 900, peers: {} })
  return (settled as { value: TopicExplanation } & typeof settled).value
}

/** A broadcast: how long it waits, ms, if the network has too much for this peer. */
function goes(core: GossipCore, ask: number, peer?: string): number {
  const from = core.now
  const isSent = (lines: string[]): boolean => lines.some((line) => line.startsWith(`publish ${ask}`))
  let sent = isSent(core.lines(broadcast(ask)))
  for (let once = false; ; once = true) {
    if (sent && !once && peer !== undefined) sent = isSent(core.lines(publishHeld(ask, peer)))
    for (; !sent; sent = isSent(core.linesAt(core.now))) core.now++
    if (once || peer === undefined) break
  }
  core.in(published(ask, ['carol']))
  return core.now - from
}

const names = (amount: number): string[] => Array.from({ length: amount }, (_, i) => `evil${i}`)

describe('strangers that read too slowly', () => {
  it('hold up others for 500 ms together, and are passed over from then on, which is counted', () => {
    const core = beside(names(3))
    expect(held(core, 1, 'evil0')).toEqual([])
    expect(core.linesAt(499)).toEqual([])
    expect(explained(core).sent).toMatchObject({ waiting: 1, held: 499, heldFor: ['evil0'] })
    expect(core.linesAt(500)).toEqual(['publish 1 but for evil0'])
    core.in(published(1, ['carol']))
    // No identity has a time of its own.
    expect([goes(core, 2, 'evil1'), goes(core, 3, 'evil2')]).toEqual([0, 0])
    expect(explained(core).dropped).toEqual({ slowPeer: 6 })
    expect(explained(core).text).toMatch(/held up for 5\d\d ms/)
    expect(core.state.counts.peers.get('evil0')?.held).toBeGreaterThanOrEqual(500)
  })

  it('have a fiftieth of the time, however many come', () => {
    const core = beside(names(200))
    let sum = 0
    for (let i = 0; i < 200; i++, core.now += 500) sum += goes(core, i, `evil${i}`)
    expect(sum).toBeGreaterThan(500)
    expect(sum).toBeLessThan(500 + core.now / 50 + 1)
    expect(explained(core).sent.held).toBe(sum)
  })

  it('are waited for as long as a slow peer may be when nobody else could have it', () => {
    const core = beside(['evil0'])
    core.in({ type: 'gossipClosed', peer: 'carol' })
    held(core, 1, 'evil0')
    expect(core.linesAt(1_999)).toEqual([])
    expect(core.linesAt(2_000)).toEqual(['publish 1 but for evil0'])
  })

  it('are waited for so long too while all others have much to do, and no longer', () => {
    const core = beside(['bob'])
    core.in(broadcast(1))
    core.lines({ ...publishHeld(1, 'bob'), busy: ['carol'] })
    expect(core.linesAt(1_000)).toEqual([])
    core.in(drained('carol'))
    expect(core.linesAt(1_499)).toEqual([])
    expect(core.linesAt(1_500)).toEqual(['publish 1 but for bob'])
  })

  it('do not pass for nobody: who joins meanwhile does not wait for them', () => {
    const core = beside(['evil0'])
    core.in({ type: 'gossipClosed', peer: 'carol' })
    held(core, 1, 'evil0')
    core.now = 1_000
    core.member('dave')
    expect(core.linesAt(1_500)).toEqual(['publish 1 but for evil0'])
  })

  it('take nothing of the time of peers of the config, nor of those of some standing', () => {
    const settings = { keep: { bob: [] } }
    const core = beside([...names(2), 'bob', 'dave'], settings)
    held(core, 1, 'evil0')
    core.linesAt(500)
    core.in(published(1))
    // Dave was of use a minute ago.
    core.state.budget.accounts.set('dave', { answered: 1 } as never)
    core.at(100_000)
    expect(['bob', 'dave', 'evil1'].map((peer) => standingOf(core.state, peer))).toEqual(['named', 'trusted', 'stranger']) // prettier-ignore
    core.in(broadcast(2))
    core.lines(publishHeld(2, 'bob', 'dave'))
    expect(core.linesAt(101_999)).toEqual([])
    expect(core.linesAt(102_000)).toEqual(['publish 2 but for evil0,bob,dave'])
  })
})

describe('peers of some standing', () => {
  it('hold up others for one patience together, and those of the config each for its own', () => {
    const core = beside(['dave', 'erin', 'bob'], { keep: { bob: [] } })
    for (const peer of ['dave', 'erin']) core.state.budget.accounts.set(peer, { answered: 1 } as never)
    core.now = 100_000
    held(core, 1, 'dave')
    core.linesAt(102_000)
    core.in(published(1))
    expect(goes(core, 2, 'erin')).toBe(0)
    expect(goes(core, 3, 'bob')).toBe(2_000)
  })
})

describe('a peer that may close its connection', () => {
  const parts = (core: GossipCore, peer: string): void => noteParting(core.state, peer)

  it('is waited for, so that it misses nothing when it comes back soon', () => {
    const core = beside(['bob'])
    parts(core, 'bob')
    expect(core.lines(broadcast(1))).toEqual([])
    const gone: Event[] = [
      { type: 'gossipClosed', peer: 'bob' },
      { type: 'connectionClosed', connection: 2 },
    ]
    core.now = 20
    expect(core.lines(...gone)).toEqual(['dial bob'])
    core.now = 300
    core.member('bob')
    expect(core.lines(published(1, ['bob', 'carol']))).toEqual(['settle 1 {"recipients":["bob","carol"]}'])
    expect(explained(core).dropped).toEqual({})
  })

  it('is passed over when that takes too long, which is counted', () => {
    const core = beside(['evil0'])
    parts(core, 'evil0')
    expect(core.lines(broadcast(1))).toEqual([])
    expect(core.linesAt(500)).toEqual(['publish 1 but for evil0'])
    core.in(published(1, ['carol']))
    expect(explained(core).dropped).toEqual({ parting: 1 })
    expect(core.state.counts.peers.get('evil0')).toMatchObject({ dropped: { parting: 1 } })
    expect(core.lines(broadcast(2))).toEqual(['publish 2 but for evil0'])
    // It has not closed anything.
    core.now = 5_000
    core.at(5_000)
    expect(core.lines(broadcast(3))).toEqual(['publish 3'])
  })

  it('has the time of others with them: one that asks again and again holds up nobody', () => {
    const core = beside(names(20))
    let sum = 0
    for (const [i, peer] of names(20).entries()) {
      parts(core, peer)
      sum += goes(core, i)
      endParting(core.state, peer)
    }
    expect(sum).toBeGreaterThanOrEqual(500)
    expect(sum).toBeLessThan(520)
  })

  it('has its five seconds when the config names it', () => {
    const core = beside(['bob'], { keep: { bob: [] } })
    parts(core, 'bob')
    core.in(broadcast(1))
    expect(core.linesAt(4_999)).toEqual([])
    expect(core.linesAt(5_000)).toEqual(['publish 1'])
  })
})
