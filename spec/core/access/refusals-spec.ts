/** What the network has refused by itself, and that it is told. */
import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { PeerExplanation } from '../../../src/core/explanation.js'
import { peerState } from '../../../src/core/peers/peer-states.js'
import type { RefusedKind } from '../../../src/core/port.js'
import { Core } from '../../support/core.js'

function refuse(core: Core, what: RefusedKind, hungUp = false): Effect[] {
  return core.all({ type: 'refused', peer: 'bob', what, count: 7, ...(hungUp && { hungUp }) })
}

function explained(core: Core): PeerExplanation {
  core.in({ type: 'explain', ask: 5, about: { peer: 'bob' } })
  const [effect] = core.in({ type: 'inspected', ask: 5, peers: {} })
  return (effect as Extract<Effect, { type: 'settle' }>).value as PeerExplanation
}

const lines = (effects: Effect[]): string[] => {
  return effects.flatMap((effect) => (effect.type === 'log' ? [`${effect.level} ${effect.message}`] : []))
}

describe('what was refused to a peer', () => {
  it('is in explain and in the log, with its kind and how often', () => {
    const core = new Core()
    core.connect('bob')
    expect(lines(refuse(core, 'kadRate'))).toEqual(['debug kadRate was refused to bob (7 times)'])
    refuse(core, 'kadRate')
    expect(explained(core)).toMatchObject({
      refused: { kadRate: 14 },
      text: expect.stringMatching(/^refused: 14 kadRate$/m),
    })
  })

  it('is a number in the states of peers, which are told anew', () => {
    const core = new Core()
    core.connect('bob')
    expect(peerState(core.state, 'bob')).not.toHaveProperty('refused')
    expect(refuse(core, 'kadRate')).toContainEqual({ type: 'peersChanged' })
    refuse(core, 'pingRate')
    expect(peerState(core.state, 'bob').refused).toBe(14)
  })

  it('is a kind of lines of its own, so a flood of one hides no other', () => {
    const kinds = (['kadRate', 'pingRate'] as const).map((what) => {
      return refuse(new Core(), what).flatMap((effect) => (effect.type === 'log' ? [effect.kind] : []))
    })
    expect(kinds).toEqual([['kadRate was refused'], ['pingRate was refused']])
  })

  it('and cost it its connection, is the reason of that, in explain and in the log', () => {
    const core = new Core()
    core.connect('bob')
    expect(lines(refuse(core, 'frameMalformed', true))).toEqual([
      'info 🔌 hung up on bob, which went on with what was refused (frameMalformed)',
    ])
    core.now += 40
    const { hungUp, text } = explained(core)
    expect(hungUp).toEqual({ ago: 40, reason: 'it went on with what was refused (frameMalformed)' })
    expect(text).toMatch(/^we hung up on it 40 ms ago: it went on with what was refused \(frameMalformed\)$/m)
  })
})

describe('a connection that this node closes', () => {
  it('has its reason in explain and in the log: a ban, gossip that cannot be read, silence', () => {
    const core = new Core()
    core.connect('bob')
    const closing = core.all({ type: 'gossipDropped', peer: 'bob', reason: 'malformed', count: 1 })
    expect(lines(closing)).toContain('debug 🔌 hung up on bob: its gossip cannot be read')
    expect(explained(core).hungUp).toEqual({ ago: 0, reason: 'its gossip cannot be read' })
  })

  it('by an entry that is denied, has the reason that the caller gave', () => {
    const core = new Core()
    core.connect('bob')
    core.in({ type: 'deny', ask: 1, entries: [{ peer: 'bob' }], reason: 'spam' })
    expect(explained(core).hungUp?.reason).toMatch(/: spam$/)
  })
})

describe('the text of an explanation', () => {
  it('has nothing in it that a terminal would take for more than text, whatever a peer says of itself', () => {
    const core = new Core()
    core.connect('bob')
    core.in({ type: 'subscriptionChanged', peer: 'bob', topic: 'a\x1b[2J\nb\u202e', subscribed: true })
    const { topics, text } = explained(core)
    expect(topics).toEqual(['a\x1b[2J\nb\u202e'])
    expect(text).toContain('in a\ufffd[2J\ufffdb\ufffd')
    // eslint-disable-next-line no-control-regex
    expect(text.replaceAll('\n', '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e]/)
  })
})
