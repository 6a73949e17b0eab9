/** Places in meshes, shared by ranges of addresses. */
import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { MESH } from '../../../src/core/parameters.js'
import type { Gossipsub } from '../../../src/libp2p/gossip/gossipsub.js'
import type { Internals } from '../../../src/libp2p/gossip/internals.js'
import { MeshPlaces } from '../../../src/libp2p/gossip/mesh-places.js'

const TOPIC = 'news'
const LOUD = '9.9.9.9'

let mesh: Set<string>
let subscribers: Set<string>
let backoff: Map<string, number>
let bad: Set<string>
/** There is no stream to them yet. */
let unasked: Set<string>
let lost: string[]
let sent: string[]
let inside: Internals
let places: MeshPlaces

function meet(peer: string, host: string): void {
  subscribers.add(peer)
  places.meet({ remotePeer: { toString: () => peer }, remoteAddr: multiaddr(`/ip4/${host}/tcp/1`) } as Connection)
}

/** In the mesh, where so many of one address are, and so many others. */
function fill(loud: number, others: number): void {
  for (let at = 0; at < loud; at++) meet(`loud ${at}`, LOUD)
  for (let at = 0; at < others; at++) meet(`other ${at}`, `1.2.${at}.4`)
  for (const peer of subscribers) mesh.add(peer)
}

const graft = (peer: string, topicID = TOPIC) => inside.handleGraft(peer, [{ topicID }])

beforeEach(() => {
  mesh = new Set()
  subscribers = new Set()
  backoff = new Map()
  bad = new Set()
  unasked = new Set()
  lost = []
  sent = []
  inside = {
    mesh: new Map([[TOPIC, mesh]]),
    backoff: new Map([[TOPIC, backoff]]),
    streamsOutbound: { has: (peer: string) => !unasked.has(peer) },
    score: { score: (peer: string) => (bad.has(peer) ? -1 : 0) },
    // As gossipsub does.
    handleGraft: (peer: string) => {
      if (mesh.size < MESH.Dhi) mesh.add(peer)
      return Promise.resolve([])
    },
    makePrune: (_: string, topicID: string) => Promise.resolve({ topicID, peers: [], backoff: 60 }),
    addToMesh: (peer: string) => mesh.add(peer),
    sendGraft: (peer: string) => sent.push(`graft ${peer}`),
    sendRpc: (peer: string, rpc: { control?: { prune: unknown[] } }) =>
      sent.push(`prune ${peer} ${rpc.control!.prune.length}`),
  } as unknown as Internals
  const pubsub = { getSubscribers: () => [...subscribers] } as unknown as Gossipsub
  places = new MeshPlaces(pubsub, inside, (peer) => lost.push(peer))
})

describe('a full mesh', () => {
  it('has a place for one of another range, and the range with most loses the one that came last', async () => {
    fill(10, 2)
    meet('quiet', '5.5.5.5')
    // A GRAFT may come before there is a stream back.
    unasked.add('quiet')
    await graft('quiet')
    expect([mesh.has('quiet'), mesh.size, lost]).toEqual([true, MESH.Dhi, ['loud 9']])
    expect(sent).toEqual(['prune loud 9 1'])
  })

  it('has none for another one of the range with most', async () => {
    fill(10, 2)
    meet('loud again', LOUD)
    await graft('loud again')
    expect([mesh.has('loud again'), lost]).toEqual([false, []])
  })

  it('is shared, and then nobody takes a place from another', async () => {
    fill(6, 6)
    for (let at = 0; at < 20; at++) {
      meet(`second ${at}`, '8.8.8.8')
      await graft(`second ${at}`)
    }
    expect(lost.length).toBe(3)
    meet('loud again', LOUD)
    await graft('loud again')
    expect(lost.length).toBe(3)
  })

  it('has none for whom gossipsub would refuse', async () => {
    fill(12, 0)
    meet('bad', '5.5.5.5')
    meet('early', '5.5.5.6')
    bad.add('bad')
    backoff.set('early', Date.now() + 60_000)
    for (const peer of ['bad', 'early', 'loud 1']) await graft(peer)
    await graft('early', 'nowhere')
    expect(lost).toEqual([])
  })
})

it('tells the loopback addresses of one machine apart', async () => {
  for (let at = 0; at < 12; at++) meet(`loud ${at}`, '127.0.0.9')
  for (const peer of subscribers) mesh.add(peer)
  meet('quiet', '127.0.0.1')
  await graft('quiet')
  expect([mesh.has('quiet'), lost]).toEqual([true, ['loud 11']])
})

describe('a heartbeat', () => {
  it('brings one of another range in where one range has more than half, until it has not', () => {
    fill(12, 0)
    for (let at = 0; at < 12; at++) meet(`other ${at}`, `1.2.${at}.4`)
    for (let beat = 0; beat < 20; beat++) places.spread()
    expect(lost.length).toBe(6)
    expect([...mesh].filter((peer) => peer.startsWith('other')).length).toBe(6)
    expect(mesh.size).toBe(12)
  })

  it('adds, and takes nobody out, while the mesh is small', () => {
    fill(5, 0)
    meet('other', '1.2.3.4')
    places.spread()
    expect([mesh.size, lost, sent]).toEqual([6, [], ['graft other']])
  })

  it('changes nothing where all are of one range, or one has a few', () => {
    fill(12, 0)
    meet('loud again', LOUD)
    places.spread()
    mesh.clear()
    fill(2, 0)
    for (const peer of [...mesh].slice(2)) mesh.delete(peer)
    meet('other', '1.2.3.4')
    places.spread()
    expect([lost, sent]).toEqual([[], []])
  })
})
