/** Large messages of others: announced, fetched from one source after the other, and checked. */
import { describe, expect, it } from '@jest/globals'
import { blobOf } from '../../../src/core/broadcasts/large.js'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { accountOf, noteAnswered } from '../../../src/core/requests/accounts.js'
import { toHex } from '../../../src/wire/gossip/announcement.js'
import { broadcast, message, told } from '../../support/broadcasts.js'
import { announced, digested, HASH, LARGE, large, sha256 } from '../../support/large-core.js'
import type { ServiceCore } from '../../support/service-core.js'
import { end, fail, filled, join, reply } from '../../support/session.js'

/** Bob announces, Carol has handed it to us. */
const announcement = (id: string, data: Uint8Array = announced(), more = {}): Event =>
  message(id, { data, held: true, ...more })

function pieces(id: number, data: Uint8Array, size = 16_000): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let at = 0; at < data.length; at += size) all.push(reply(id, data.subarray(at, at + size)))
  return all
}

/** The peer sends all of it, as far as it may at once. */
function sends(core: ServiceCore, name: string, data: Uint8Array, id = 1): Effect[] {
  return [...pieces(id, data), end(id)].flatMap((frame) => core.run(core.hears(name, frame)))
}

describe('a large message of others', () => {
  it('is fetched from who handed the announcement over, and forwarded and delivered when it is here', () => {
    const core = large()
    expect(core.lines(announcement('a'))).toEqual([])
    expect(core.asked('carol')).toEqual([{ id: 1, request: { kind: 'blob', hash: HASH } }])
    const effects = sends(core, 'carol', LARGE)
    expect(told(effects)).toEqual(['digest 1 150000'])
    expect(digested(core, effects)).toEqual(['accept a of carol', 'deliver a'])
    expect([core.state.fetching.open.size, core.state.fetching.byPeer.used]).toEqual([0, 0])
    // From now on others have it from us.
    expect(blobOf(core.state, toHex(HASH))).toEqual(LARGE)
    expect(core.state.topics.joined.get('block')!.history).toEqual([])
  })

  it('is delivered whole, and not as it was announced', () => {
    const core = large()
    core.run(announcement('a'))
    const [digest] = sends(core, 'carol', LARGE)
    const { digest: number } = digest as Extract<Effect, { type: 'digest' }>
    const delivered = core.run({ type: 'digested', digest: number, hash: HASH }).find(({ type }) => type === 'deliver')
    expect(delivered).toMatchObject({ topic: 'block', from: 'bob', via: 'carol', id: 'a' })
    expect(Buffer.compare((delivered as { data: Uint8Array }).data, LARGE)).toBe(0)
  })

  it.each<[string, (core: ServiceCore) => Effect[], string[]]>([
    ['refuses', (core) => core.run(core.hears('carol', fail(1, 'NotHere'))), []],
    ['sends too little', (core) => sends(core, 'carol', LARGE.subarray(1)), []],
    ['sends too much', (core) => sends(core, 'carol', join(LARGE, LARGE)), ['penalize carol 1']],
    [
      'sends empty pieces without end',
      (core) => core.run(core.hears('carol', ...Array.from({ length: 9 }, () => reply(1, new Uint8Array())))),
      ['penalize carol 1'],
    ],
    [
      'sends something else',
      (core) => {
        const [digest] = sends(core, 'carol', filled(LARGE.length, 1))
        const { digest: number } = digest as Extract<Effect, { type: 'digest' }>
        return core.run({ type: 'digested', digest: number, hash: sha256(filled(LARGE.length, 1)) })
      },
      ['penalize carol 1'],
    ],
    [
      'has begun and says nothing more',
      (core) => {
        core.run(core.hears('carol', reply(1, LARGE.subarray(0, 9))))
        core.now = 1_000
        return core.run({ type: 'woken' })
      },
      [],
    ],
    ['is gone', (core) => core.run({ type: 'connectionClosed', connection: 2 }), []],
  ])('is fetched from its signer when who handed it over %s', (_what, happens, lines) => {
    const core = large()
    core.run(announcement('a'))
    expect(told(happens(core))).toEqual(lines)
    expect(core.asked('bob')).toEqual([{ id: 1, request: { kind: 'blob', hash: HASH } }])
    expect(digested(core, sends(core, 'bob', LARGE))).toEqual(['accept a of carol', 'deliver a'])
  })

  it('that nobody has goes no further, and nobody is punished for what he does not have', () => {
    const core = large()
    core.run(announcement('a'))
    core.run(core.hears('carol', fail(1, 'NotHere')))
    expect(core.lines(core.hears('bob', fail(1, 'NotHere')))).toEqual([])
    expect(core.linesAt(8_000)).toEqual(['ignore a of carol'])
    expect(core.state.counts.topics.get('block')!.dropped).toEqual({ fetchFailed: 1 })
    expect([core.state.fetching.open.size, core.state.fetching.byPeer.used]).toEqual([0, 0])
  })

  it('whose peers have gone is not dialled for', () => {
    const core = large()
    const far = { from: 'far', via: 'farther' }
    expect(core.lines(announcement('a', announced(), far))).toEqual([])
    expect(core.linesAt(8_000)).toEqual(['ignore a of farther'])
  })

  it('is judged by the validator when it is here, all of it', () => {
    const core = large({ guardedTopics: ['block'] })
    core.run(announcement('a'))
    const effects = sends(core, 'carol', LARGE)
    expect(digested(core, effects)).toEqual(['validate 1: a'])
    const rejected: Event = { type: 'validated', validation: 1, verdict: 'reject', failed: false }
    expect(core.lines(rejected)).toEqual(['reject a of carol'])
  })

  it.each<[string, Uint8Array, string]>([
    ['that is broken', announced().subarray(1, 40), 'accept'],
    ['with a byte too much', join(announced(), new Uint8Array(1)), 'reject'],
    ['of more than the limit', announced(LARGE, 1_000_001), 'reject'],
  ])('with an announcement %s is not fetched', (_what, data, verdict) => {
    const core = large()
    expect(core.lines(announcement('a', data))[0]).toBe(`${verdict} a of carol`)
    expect(core.asked('carol')).toEqual([])
  })

  it('that is here already is not fetched again, and a wrong size for it is a lie', () => {
    const core = large()
    digested(core, core.run(broadcast(1, { data: LARGE })))
    expect(core.lines(announcement('a'))).toEqual(['accept a of carol', 'deliver a'])
    expect(core.lines(announcement('b', announced(LARGE, 7)))).toEqual(['reject b of carol'])
    expect(core.asked('carol')).toEqual([])
  })

  describe('beyond what is fetched at once', () => {
    const small = () => large({ limits: limitsOf({ largeBytes: 200_000 }) })
    const next = announced(filled(150_000, 3))

    it('waits, and is fetched when there is room', () => {
      const core = small()
      core.run(announcement('a'))
      expect(core.lines(announcement('b', next))).toEqual([])
      expect(core.asked('carol').length).toBe(1)
      digested(core, sends(core, 'carol', LARGE))
      expect(core.asked('carol')).toMatchObject([{ request: { kind: 'blob', hash: sha256(filled(150_000, 3)) } }])
    })

    it('waits as long as a fetch may take', () => {
      const core = small()
      core.run(announcement('a'), announcement('b', next))
      for (core.now of [5_000, 8_000, 8_001]) core.run({ type: 'woken' })
      expect(core.state.counts.topics.get('block')!.dropped).toEqual({ fetchFailed: 1, busy: 1 })
      expect([core.state.fetching.open.size, core.state.fetching.waiting.size]).toEqual([0, 0])
    })

    it('is one too many when many of its peer wait', () => {
      const core = small()
      core.run(announcement('a'))
      for (let seed = 10; seed < 42; seed++) {
        expect(core.lines(announcement(`${seed}`, announced(filled(150_000, seed))))).toEqual([])
      }
      expect(core.lines(announcement('b', next))).toEqual(['ignore b of carol'])
      expect(core.state.counts.topics.get('block')!.dropped).toEqual({ busy: 1 })
    })

    it('has a place to wait, though eight peers have taken all places, and one of theirs makes room', () => {
      const core = small()
      core.run(announcement('a'))
      const { waiting } = core.state.fetching
      for (let seed = 0; seed < 256; seed++) {
        const via = `hog ${seed >> 5}`
        core.run(announcement(`${seed}`, announced(filled(150_000, seed + 10)), { via, from: via }))
      }
      expect(waiting.size).toBe(256)
      expect(core.lines(announcement('b', next))).toEqual(['ignore 31 of hog 0'])
      expect([waiting.has('b'), waiting.has('31'), waiting.size]).toEqual([true, false, 256])
      // But nobody gets one who has as many as others.
      expect(core.lines(announcement('c', announced(filled(150_000, 9)), { via: 'hog 0' }))).toEqual([
        'ignore c of hog 0',
      ])
    })

    it('is fetched at once from another peer', () => {
      const core = large({ limits: limitsOf({ largeBytes: 1_000_000 }) })
      for (let seed = 10; seed < 30; seed++)
        core.run(announcement(`${seed}`, announced(filled(150_000, seed)), { from: 'dave' }))
      const { open, waiting } = core.state.fetching
      expect([open.size, waiting.size]).toEqual([3, 17])
      core.run(announcement('b', next, { via: 'bob' }))
      expect([open.has('b'), open.size]).toEqual([true, 4])
    })

    it('has the reserve when a peer announces it that was of use for a minute', () => {
      const core = large({ limits: limitsOf({ largeBytes: 500_000 }), pingInterval: 1e9 })
      core.peer('dave')
      core.now = 60_000
      const from = (via: string, seed: number): Event =>
        announcement(`${seed}`, announced(filled(150_000, seed)), { via })
      core.run(from('bob', 10), from('carol', 11), from('dave', 12))
      const { open } = core.state.fetching
      expect(open.size).toBe(2)
      noteAnswered({ account: accountOf(core.state, 'dave') })
      core.run(from('dave', 13))
      expect([...open.keys()]).toEqual(['10', '11', '13'])
    })

    it('is fetched at once when it is alone, however large', () => {
      const core = large({ limits: limitsOf({ largeBytes: 100_000 }) })
      core.run(announcement('a'))
      expect(core.state.fetching.open.size).toBe(1)
    })
  })

  it('is asked for from its signer a moment later when who handed it over says nothing', () => {
    const core = large()
    core.run(announcement('a'))
    core.linesAt(1_000)
    expect(core.asked('bob')).toMatchObject([{ request: { kind: 'blob', hash: HASH } }])
    expect(digested(core, sends(core, 'bob', LARGE))).toEqual(['accept a of carol', 'deliver a'])
  })

  describe('that another peer hands on as well', () => {
    const again = (via: string, id = 'a'): Event => ({ type: 'announcedAgain', id, via })
    /** Eve is first to hand on what Zoe has signed, who is not connected. */
    const raced = (id: string, data = LARGE): Event => announcement(id, announced(data), { from: 'zoe', via: 'eve' })
    const peers = (...names: string[]): ServiceCore => {
      const core = large()
      for (const name of names) core.peer(name)
      return core
    }

    it('is fetched from that one when the first hands over nothing for a moment', () => {
      const core = peers('eve')
      core.run(raced('a'))
      core.run(again('carol'))
      expect(core.asked('carol')).toEqual([])
      core.linesAt(1_000)
      expect(core.asked('carol')).toMatchObject([{ request: { kind: 'blob', hash: HASH } }])
      expect(digested(core, sends(core, 'carol', LARGE))).toEqual(['accept a of eve', 'deliver a'])
      expect([
        core.state.fetching.open.size,
        core.state.fetching.byPeer.used,
        core.state.services.purposes.size,
      ]).toEqual([0, 0, 0])
    })

    it('is fetched from that one when the first has said that it has it not, however late that one comes', () => {
      const core = peers('eve')
      core.run(raced('a'))
      core.run(core.hears('eve', fail(1, 'NotHere')))
      core.linesAt(7_900)
      core.run(again('carol'))
      core.linesAt(12_000)
      expect(digested(core, sends(core, 'carol', LARGE))).toEqual(['accept a of eve', 'deliver a'])
    })

    it('is fetched from one alone while that one hands over what it should', () => {
      const core = peers('dave')
      core.run(announcement('a'), again('dave'))
      const [first, second, third] = pieces(1, LARGE)
      core.run(core.hears('carol', first!))
      core.linesAt(1_000)
      core.run(core.hears('carol', second!, third!))
      core.linesAt(2_000)
      expect([core.asked('dave'), core.asked('bob')]).toEqual([[], []])
    })

    it('is fetched from another one too when the first gives so little that it will be late', () => {
      const core = peers('eve')
      core.run(raced('a'), again('carol'))
      for (let second = 1; second <= 4; second++) {
        expect(core.asked('carol')).toEqual([])
        core.run(core.hears('eve', reply(1, LARGE.subarray(second * 6_000, second * 6_000 + 6_000))))
        core.linesAt(second * 1_000)
      }
      expect(core.asked('carol')).toHaveLength(1)
    })

    it('is fetched from two at once, however many say that they have it, and is had after some moments', () => {
      const liars = Array.from({ length: 6 }, (_, i) => `liar ${i}`)
      const core = peers('eve', ...liars)
      core.run(raced('a'), ...liars.map((peer) => again(peer)), again('carol'))
      for (let second = 1; second <= 4; second++) {
        core.linesAt(second * 1_000)
        expect(core.state.fetching.open.get('a')!.asked.length).toBeLessThanOrEqual(2)
        expect(core.state.fetching.byPeer.used).toBeLessThanOrEqual(2 * LARGE.length)
      }
      expect(digested(core, sends(core, 'carol', LARGE))).toEqual(['accept a of eve', 'deliver a'])
    })

    it('is asked for at once from another one, when the first has not kept its word lately', () => {
      const core = peers('eve')
      core.run(raced('a'), again('carol'))
      core.linesAt(1_000)
      digested(core, sends(core, 'carol', LARGE))
      const next = filled(150_000, 5)
      core.run(raced('b', next))
      core.asked('carol')
      core.run(again('carol', 'b'))
      expect(core.asked('carol')).toMatchObject([{ request: { hash: sha256(next) } }])
      expect(digested(core, sends(core, 'carol', next, 2))).toEqual(['accept b of eve', 'deliver b'])
    })

    it('is asked for from a few of them, not more than one of a range at first', () => {
      const core = large()
      const crowd = Array.from({ length: 20 }, (_, i) => `crowd ${i}`)
      crowd.forEach((peer, i) => {
        const address = `/ip4/80.1.1.${i}/tcp/1`
        core.in({ type: 'connectionOpened', connection: 50 + i, peer, address, inbound: true })
      })
      core.in(announcement('a', announced(), { from: 'zoe', via: 'crowd 0' }))
      core.in(...crowd.map((peer) => again(peer)))
      const fetch = core.state.fetching.open.get('a')!
      expect(fetch.sources).toHaveLength(8)
      core.in(again('carol'))
      expect(fetch.sources).toHaveLength(8)
      core.at(1_000)
      expect(fetch.asked.map(({ peer }) => peer)).toEqual(['crowd 0', 'carol'])
    })

    it('and waits for room, has it from the share of that one', () => {
      const core = large({ limits: limitsOf({ largeBytes: 1_000_000 }) })
      core.peer('eve')
      for (let seed = 10; seed < 30; seed++) core.run(raced(`${seed}`, filled(150_000, seed)))
      core.run(raced('a'))
      expect(core.state.fetching.waiting.has('a')).toBe(true)
      core.run(again('carol'))
      expect(core.asked('carol')).toMatchObject([{ request: { hash: HASH } }])
    })

    it('has a place to wait when its signer is known, though who hands it on has announced much of its own', () => {
      const core = peers('eve')
      core.run(raced('a'), again('carol'))
      core.linesAt(1_000)
      digested(core, sends(core, 'carol', LARGE))
      for (let seed = 10; seed < 300; seed++)
        core.run(announcement(`${seed}`, announced(filled(900, seed), 900_000), { from: `fake ${seed}`, via: 'eve' }))
      expect(
        core.lines(announcement('x', announced(filled(901), 900_000), { from: 'eve 2', via: 'eve' })),
      ).toHaveLength(1)
      expect(core.lines(raced('b', filled(150_000, 7)))).toEqual([])
    })

    it('and was judged already, says nothing new', () => {
      const core = large()
      core.run(announcement('a'))
      digested(core, sends(core, 'carol', LARGE))
      expect(core.lines(again('bob'), again('nobody', 'b'))).toEqual([])
    })
  })
})
