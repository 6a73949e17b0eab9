/** The memory of broadcasts: the last ones of a topic, and the outcomes of recent ones. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Effect } from '../../../src/core/effects.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { forgetHistory, remember, noteOutcome, outcomeOf } from '../../../src/core/broadcasts/history.js'
import type { Settings } from '../../../src/core/settings.js'
import {
  broadcast,
  GossipCore,
  guarded,
  judged,
  message,
  published,
  subscribe,
  validated,
} from '../../support/broadcasts.js'
import { bytes } from '../../support/core.js'

function inTopic(settings: Partial<Settings> = {}): GossipCore {
  const core = new GossipCore(settings)
  core.in(subscribe)
  return core
}

const ids = (core: GossipCore): string[] => core.state.topics.joined.get('block')!.history.map(({ id }) => id)
const add = (core: GossipCore, id: string, at: number, size = 1, from = 'bob', via = 'carol'): void => {
  remember(core.state, 'block', { id, data: new Uint8Array(size), from, via, proof: bytes('signed'), at })
}
/** So many of its broadcasts, one each ms. */
const flood = (core: GossipCore, amount: number, from: string, via: string, at = 1_000): void => {
  for (let i = 0; i < amount; i++) add(core, `${from} ${at + i}`, at + i, 1, from, via)
}
const amountOf = (core: GossipCore, from: string): number =>
  core.state.topics.joined.get('block')!.history.filter((one) => one.from === from).length

describe('the last broadcasts of a topic', () => {
  it('are at most so many, the oldest leave first', () => {
    const core = inTopic({ historyMessages: 2 })
    core.in(message('a'), message('b'), message('c'))
    expect(ids(core)).toEqual(['b', 'c'])
  })

  it('are at most so many bytes, and one that is larger is not kept', () => {
    const core = inTopic({ historyBytes: 10 })
    add(core, 'a', 1, 4)
    add(core, 'b', 2, 4)
    add(core, 'c', 3, 11)
    expect(ids(core)).toEqual(['a', 'b'])
    add(core, 'd', 4, 5)
    expect(ids(core)).toEqual(['b', 'd'])
    add(core, 'e', 5, 10)
    expect(ids(core)).toEqual(['e'])
  })

  it('are so many bytes in all topics: the largest history loses its oldest', () => {
    const core = inTopic({ limits: limitsOf({ historyBytes: 10_000 }) })
    core.in({ ...subscribe, topic: 'quiet' } as typeof subscribe)
    remember(core.state, 'quiet', {
      id: 'q',
      data: new Uint8Array(500),
      from: 'bob',
      via: 'carol',
      proof: bytes(''),
      at: 0,
    })
    for (let at = 0; at < 20; at++) add(core, `${at}`, at, 1_000)
    expect(ids(core)).toEqual(['15', '16', '17', '18', '19'])
    expect(core.state.topics.joined.get('quiet')!.history.length).toBe(1)
    expect(core.state.histories.used).toBeLessThanOrEqual(10_000)
    forgetHistory(core.state, 'block')
    forgetHistory(core.state, 'quiet')
    expect([core.state.histories.used, core.state.histories.held.size]).toEqual([0, 0])
  })

  it('stay when one peer brings a flood: whoever has brought most loses its oldest', () => {
    const core = inTopic({ historyMessages: 256 })
    flood(core, 20, 'honest', 'carol', 0)
    flood(core, 300, 'evil', 'evil')
    expect([amountOf(core, 'honest'), amountOf(core, 'evil')]).toEqual([20, 236])
    expect(ids(core).at(-1)).toBe('evil 1299')
    // Two share it.
    flood(core, 300, 'honest', 'carol', 2_000)
    expect([amountOf(core, 'honest'), amountOf(core, 'evil')]).toEqual([128, 128])
    expect(ids(core).at(-1)).toBe('honest 2299')
  })

  it('stay when a good peer hands on a flood: of what it brings the signer of most loses its oldest', () => {
    const core = inTopic({ historyMessages: 256 })
    flood(core, 20, 'honest', 'carol', 0)
    flood(core, 300, 'evil', 'carol')
    expect([amountOf(core, 'honest'), amountOf(core, 'evil')]).toEqual([20, 236])
  })

  it('stay when many of one range of addresses bring a flood, with a signer for each', () => {
    const core = inTopic({ historyMessages: 256 })
    const connect = (peer: string, connection: number, host: string): unknown =>
      core.in({ type: 'connectionOpened', connection, peer, address: `/ip4/${host}/tcp/1`, inbound: true, ip: `/ip4/${host}` }) // prettier-ignore
    connect('carol', 1, '192.0.2.1')
    flood(core, 20, 'honest', 'carol', 0)
    for (let i = 0; i < 300; i++) {
      connect(`evil${i}`, 2 + i, `198.51.100.${i % 250}`)
      flood(core, 1, `evil${i}`, `evil${i}`, 1_000 + i)
    }
    expect(amountOf(core, 'honest')).toBe(20)
  })

  it('are half ours, and those of peers of some standing, whatever strangers bring', () => {
    const core = inTopic({ historyMessages: 100, keep: { dave: [] } })
    flood(core, 40, 'self', 'self', 0)
    flood(core, 30, 'dave', 'dave', 100)
    for (let i = 0; i < 200; i++) flood(core, 1, `evil${i}`, `evil${i}`, 1_000 + i)
    expect(amountOf(core, 'self') + amountOf(core, 'dave')).toBe(50)
    expect(core.state.topics.joined.get('block')!.history).toHaveLength(100)
  })

  it('are as many bytes of each: large ones of one peer take the place of nobody else', () => {
    const core = inTopic({ historyMessages: 256, historyBytes: 10_000 })
    flood(core, 20, 'honest', 'carol', 0)
    for (let at = 100; at < 130; at++) add(core, `${at}`, at, 1_000, 'evil', 'evil')
    expect([amountOf(core, 'honest'), amountOf(core, 'evil')]).toEqual([20, 9])
  })

  it('are none, if the config wants none', () => {
    const core = inTopic({ historyMessages: 0 })
    core.in(message('a'))
    expect(ids(core)).toEqual([])
    expect(core.state.topics.joined.get('block')!.historyBytes).toBe(0)
  })

  it('are in the order in which they were heard first, also those that others remembered', () => {
    const core = inTopic({ historyMessages: 3 })
    add(core, 'b', 20)
    add(core, 'd', 40)
    add(core, 'c', 30)
    expect(ids(core)).toEqual(['b', 'c', 'd'])
    // The oldest is the first to leave, though it came last.
    add(core, 'a', 10)
    expect(ids(core)).toEqual(['b', 'c', 'd'])
  })

  it('hold each once, however often it comes', () => {
    const core = inTopic({ historyMessages: 3 })
    core.in(message('a'), message('b'), message('a'))
    expect(ids(core)).toEqual(['a', 'b'])
    core.in(message('c'), message('d'), message('a'))
    expect(ids(core)).toEqual(['c', 'd', 'a'])
  })

  it('have ours among them, also what nobody got, and once if it goes out again', () => {
    const core = inTopic()
    core.in(broadcast(1), broadcast(2))
    core.in(published(1, []), published(2, ['bob']))
    const own = { from: 'self', via: 'self' }
    expect(core.state.topics.joined.get('block')!.history).toMatchObject([
      { id: 'of 1', ...own },
      { id: 'of 2', ...own },
    ])
    core.in(broadcast(3), { ...published(3, ['bob']), id: 'of 1' })
    expect(ids(core)).toEqual(['of 1', 'of 2'])
  })

  it('stay as they were when whoever sent or got them goes on to use the bytes', () => {
    const core = inTopic()
    const ours = bytes('ours')
    const theirs = message('a', { data: bytes('theirs') })
    core.in(broadcast(1, { data: ours }))
    core.in(published(1), theirs)
    ours.fill(0)
    theirs.data.fill(0)
    const kept = core.state.topics.joined.get('block')!.history.map(({ data }) => Buffer.from(data).toString())
    expect(kept).toEqual(['ours', 'theirs'])
  })

  it('stay as they were when a validator, and whoever comes late, writes into what it gets', () => {
    const core = judged({ catchUpPatience: 100 })
    const spoil = (effects: Effect[]): string[] =>
      effects.flatMap((effect) => {
        const got = effect.type === 'validate' ? [effect] : effect.type === 'replayed' ? effect.broadcasts : []
        return got.map(({ data }) => {
          const was = Buffer.from(data).toString()
          data.fill(0)
          return was
        })
      })
    expect(spoil(core.in(guarded('theirs')))).toEqual(['theirs'])
    core.in(validated(1, 'accept'))
    for (const subscription of [1, 2]) {
      core.in({ type: 'subscribe', topic: 'block', replay: { subscription, count: 9 } })
      expect(spoil(core.at(core.now + 100))).toEqual(['theirs'])
    }
  })

  it('keep their books, whatever comes', () => {
    const who = fc.constantFrom('bob', 'carol', 'dave', 'self')
    const one = fc.record({ id: fc.nat(30), at: fc.nat(100), size: fc.nat(60), from: who, via: who })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 80 }), (all) => {
        const core = inTopic({ historyMessages: 8, historyBytes: 200, keep: { dave: [] } })
        for (const { id, at, size, from, via } of all) add(core, `${id}`, at, size, from, via)
        const { history, historyBytes, remembered, bringers } = core.state.topics.joined.get('block')!
        expect(history.length).toBeLessThanOrEqual(8)
        expect(historyBytes).toBe(history.reduce((sum, { data }) => sum + data.length, 0))
        expect(historyBytes).toBeLessThanOrEqual(200)
        expect([...remembered].sort()).toEqual(history.map(({ id }) => id).sort())
        expect(history.map(({ at }) => at)).toEqual(history.map(({ at }) => at).sort((a, b) => a - b))
        const shares = [...bringers.values()].reduce((sum, { signers }) => sum + signers.used, 0)
        expect(shares).toBe(historyBytes + 25 * history.length)
        forgetHistory(core.state, 'block')
        expect([bringers.size, core.state.histories.used]).toEqual([0, 0])
      }),
    )
  })
})

describe('what became of a message', () => {
  it('is known for a while: of the last 2,048 messages at least, and of 4,096 at most', () => {
    const { state } = new GossipCore()
    for (let i = 0; i < 10_000; i++) {
      noteOutcome(state, `${i}`, i % 3 === 0 ? 'refused' : 'accepted', 'bob')
      if (i >= 2_047)
        expect(outcomeOf(state, `${i - 2_047}`)?.kind).toBe((i - 2_047) % 3 === 0 ? 'refused' : 'accepted')
    }
    expect(outcomeOf(state, '0')).toBeUndefined()
    expect(state.outcomes.recent.size + state.outcomes.older.size).toBeLessThanOrEqual(4_096)
  })

  it('is the last word on it', () => {
    const { state } = new GossipCore()
    noteOutcome(state, 'a', 'refused', 'bob')
    noteOutcome(state, 'a', 'accepted', 'bob')
    expect(outcomeOf(state, 'a')?.kind).toBe('accepted')
  })
})
