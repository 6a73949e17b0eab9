/** Large broadcasts of ours, and what is kept for others to fetch. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { blobOf, keepBlob } from '../../../src/core/broadcasts/large.js'
import type { Effect } from '../../../src/core/effects.js'
import { decodeAnnouncement, toHex } from '../../../src/wire/gossip/announcement.js'
import { broadcast, published, told } from '../../support/broadcasts.js'
import { announced, digested, HASH, LARGE, large, sha256 } from '../../support/large-core.js'
import { ServiceCore } from '../../support/service-core.js'
import { credit, filled, join } from '../../support/session.js'

describe('a large broadcast of ours', () => {
  it('is announced by its hash, and others can fetch it from then on', () => {
    const core = large()
    const effects = core.run(broadcast(1, { data: LARGE }))
    expect(told(effects)).toEqual(['digest 1 150000'])
    const out = core.run({ type: 'digested', digest: 1, hash: HASH })
    expect(out).toMatchObject([{ type: 'publish', topic: 'block' }])
    const [publish] = out
    expect(decodeAnnouncement((publish as Extract<Effect, { type: 'publish' }>).data)).toEqual({
      hash: HASH,
      size: LARGE.length,
    })
    expect(blobOf(core.state, toHex(HASH))).toEqual(LARGE)
    expect(core.lines(published(1))).toEqual(['settle 1 {"recipients":["bob"]}'])
    // What others would remember of it is an announcement.
    expect(core.state.topics.joined.get('block')!.history).toEqual([])
  })

  it('can be fetched for a while from when it goes, however long it waited before', () => {
    const core = large({ blobLifetime: 1_000 })
    const waiting = { min: 3, timeout: 60_000 }
    digested(core, core.run(broadcast(1, { data: LARGE, waitForPeers: waiting })))
    core.linesAt(5_000)
    core.peer('dave')
    expect(core.state.asks.open.get(1)).toMatchObject({ stage: 'sent' })
    core.linesAt(5_999)
    expect(blobOf(core.state, toHex(HASH))).toEqual(LARGE)
    core.linesAt(6_000)
    expect(blobOf(core.state, toHex(HASH))).toBeUndefined()
  })

  it('can be fetched as it was, whatever the caller does with its bytes', () => {
    const core = large()
    const data = LARGE.slice()
    digested(core, core.run(broadcast(1, { data })))
    core.run(published(1))
    data.fill(0)
    expect(blobOf(core.state, toHex(HASH))).toEqual(LARGE)
  })

  it('is refused above the limit, and large ones are off by default', () => {
    const core = large({ maxLargeMessage: 100_000 })
    expect(core.lines(broadcast(1, { data: LARGE }))).toEqual(['fail 1 MessageTooLarge'])
    expect(new ServiceCore().lines(broadcast(1, { data: LARGE }))).toEqual(['fail 1 MessageTooLarge'])
  })

  it('is not what a caller makes look like one', () => {
    expect(large().lines(broadcast(1, { data: announced() }))).toEqual(['fail 1 InvalidConfig'])
    expect(new ServiceCore().lines(broadcast(1, { data: announced() }))).toEqual(['publish 1'])
  })
})

describe('what is kept for others to fetch', () => {
  const say = (core: ServiceCore, ask: number, data: Uint8Array): void => {
    digested(core, core.run(broadcast(ask, { data })))
    core.run(published(ask))
  }
  const has = (core: ServiceCore, data: Uint8Array): boolean => blobOf(core.state, toHex(sha256(data))) !== undefined

  it('is bounded: the oldest is the first to go', () => {
    const core = large({ limits: limitsOf({ largeBytes: 400_000 }) })
    const all = [1, 2, 3].map((seed) => filled(150_000, seed))
    all.forEach((data, i) => {
      say(core, i + 1, data)
    })
    expect(all.map((data) => has(core, data))).toEqual([false, true, true])
    expect(core.state.large.blobShares.used).toBe(300_000)
  })

  it('is shared: whoever has brought most loses its oldest', () => {
    const core = large({ limits: limitsOf({ largeBytes: 600_000 }) })
    const ours = filled(150_000, 1)
    say(core, 1, ours)
    const theirs = [2, 3, 4, 5].map((seed) => filled(150_000, seed))
    for (const data of theirs) keepBlob(core.state, toHex(sha256(data)), data, 'carol')
    expect([ours, ...theirs].map((data) => has(core, data))).toEqual([true, false, true, true, true])
  })

  it('has its time anew when it is announced again', () => {
    const core = large({ blobLifetime: 1_000 })
    say(core, 1, LARGE)
    core.now = 900
    say(core, 2, LARGE)
    core.linesAt(1_500)
    expect(has(core, LARGE)).toBe(true)
    expect(core.state.large.blobShares.used).toBe(LARGE.length)
  })

  it('is sent in pieces, as far as the asker takes them', () => {
    const core = large()
    say(core, 1, LARGE)
    core.run(...core.asks('bob', { kind: 'blob', hash: HASH }))
    const received: Uint8Array[] = []
    for (let i = 0; i < 20; i++) {
      const got = core.got('bob')
      received.push(...got.filter(({ name }) => name === 'REPLY').map(({ payload }) => payload!))
      if (got.some(({ name }) => name === 'END')) break
      core.run(core.sends('bob', credit(1, 65_568)))
    }
    expect(Buffer.compare(join(...received), LARGE)).toBe(0)
    expect([core.state.services.serving.size, core.state.exchanges.open.size]).toEqual([0, 0])
  })

  it('is refused when it is not here', () => {
    const core = large()
    core.run(...core.asks('bob', { kind: 'blob', hash: HASH }))
    expect(core.gotLines('bob').slice(1)).toEqual(['FAIL 1 NotHere, "we do not have that message"'])
  })
})
