/** kad-dht's table with more peers than it has room for: it knows its own neighbourhood all the same. */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { PeerId } from '@libp2p/interface'
import { withOwnBucket } from '../../../src/libp2p/patches/kad-buckets.js'
import { internalsOf } from '../../../src/libp2p/patches/kad-table.js'
import { kadTable, somePeer, type KadTable } from '../../support/kad-table.js'

const PEERS = 4_000
const BUCKET = 20
/** Of the stock table, in bits: 64 buckets. */
const DEPTH = 6

const keyOf = (peer: PeerId): Buffer => createHash('sha256').update(peer.toMultihash().bytes).digest()

/** Bits that two keys begin with alike. */
function alike(a: Buffer, b: Buffer): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return 8 * i + Math.clz32(a[i]! ^ b[i]!) - 24
  return 8 * a.length
}

describe('the routing table of a node in a large network', () => {
  let table: KadTable

  afterEach(() => table.stop())

  it('holds the peers that are closest to us, and of all others as many as ever', async () => {
    const { host, table: kad } = await kadTable()
    table = kad
    // Nobody has to be kept in the peer store.
    table.onAdd = () => Promise.resolve()
    const own = keyOf(host.peerId)
    const peers = await Promise.all(Array.from({ length: PEERS }, somePeer))
    for (const peer of peers) await table.add(peer)

    const members = [...table.toIterable()].map(({ peerId }) => peerId)
    const closest = peers
      .map((peer) => ({ peer: peer.toString(), shared: alike(keyOf(peer), own) }))
      .sort((a, b) => b.shared - a.shared)
    const known = new Set(members.map(String))
    const near = closest.filter(({ shared }) => shared >= DEPTH)
    // More than the one bucket that the stock table has for them.
    expect(near.length).toBeGreaterThan(BUCKET)
    // Who is missing shares its distance with a full bucket; so nobody closer is missing either.
    for (const { shared } of near.filter(({ peer }) => !known.has(peer))) {
      expect(near.filter((one) => one.shared === shared && known.has(one.peer)).length).toBe(BUCKET)
    }
    expect(near.filter(({ peer }) => known.has(peer)).length).toBeGreaterThan(BUCKET)
    expect(known).toContain(closest[0]!.peer)

    const perBucket = new Map<number, number>()
    for (const peer of members) {
      const prefix = keyOf(peer)[0]! >> 2
      perBucket.set(prefix, (perBucket.get(prefix) ?? 0) + 1)
    }
    perBucket.delete(own[0]! >> 2)
    expect(Math.max(...perBucket.values())).toBe(BUCKET)
    expect(perBucket.size).toBe(2 ** DEPTH - 1)
  }, 60_000)
})

describe('another version of kad-dht', () => {
  it.each([{}, { routingTable: {} }, { routingTable: { add: () => undefined } }])('%j is refused', (kad) => {
    expect(() => internalsOf(kad as never)).toThrow('this version of @libp2p/kad-dht is not supported, tinyp2p needs')
  })

  it.each([{}, { routingTable: { kb: {} } }, { routingTable: { kb: { _determineBucket: () => ({}) } } }])(
    'with a trie like that of %j has the stock depth for all of its buckets',
    async (other) => {
      jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
      const depths: number[] = []
      const create = (depth: number): never => {
        depths.push(depth)
        return other as never
      }
      expect(withOwnBucket(create, await somePeer(), DEPTH)).toBe(other)
      expect(depths.at(-1)).toBe(DEPTH)
      jest.restoreAllMocks()
    },
  )
})
