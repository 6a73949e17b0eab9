/** What is kept of identities that came, spoke and went: nothing but what has a bound, in our parts of the port and in libp2p's. */
import { afterEach, expect, it } from '@jest/globals'
import { setTimeout as pause } from 'node:timers/promises'
import { defaultScoring } from '../../../src/core/pubsub.js'
import type { Host } from '../../../src/libp2p/host.js'
import { scoringOptions } from '../../../src/libp2p/gossip/scores.js'
import { KADEMLIA } from '../../../src/wire/protocols.js'
import { bytes } from '../../support/nodes.js'
import { Peer, stopPeers } from '../../support/port-peer.js'
import { rawPeer, stopRaw } from '../../support/raw-gossip.js'
import { RawKad, stopRawKad } from '../../support/raw-kad.js'
import { mentionsOf } from '../../support/reachable.js'

const TOPIC = 'block'

afterEach(async () => {
  await stopRaw()
  await stopRawKad()
  await stopPeers()
})

/** It came to the peer, and has said what it had to. */
interface Stranger {
  id: string
  stop(): Promise<void>
}

async function gossiping(peer: Peer): Promise<Stranger> {
  const raw = await rawPeer(peer, TOPIC, 'another')
  await raw.publish(TOPIC, bytes('hello'))
  await peer.next('message')
  return raw
}

async function identified(peer: Peer): Promise<Stranger> {
  const raw = await RawKad.start()
  // With it, it would be a member of the table.
  await raw.host.unhandle(KADEMLIA)
  await raw.connect(peer)
  await peer.next('identified')
  return { id: raw.id, stop: async () => raw.host.stop() }
}

/** What remembers peers by name that are gone, each so many of them at most. (A score is kept for a minute: here for 0.1 s.) */
const BOUNDED = ['pubsub.pace', 'pubsub.streams.streams.buckets', 'gater.reached', 'gater.selfReports']
const isBounded = (path: string): boolean => BOUNDED.some((name) => path.startsWith(`.parts.${name}`))

it.each([
  ['gossips', gossiping],
  ['says who it is', identified],
])(
  'nothing of one that %s is left for long',
  async (_, come) => {
    const { scoreParams } = scoringOptions(defaultScoring)
    const soon = { ...scoreParams, decayInterval: 1_000, retainScore: 100 }
    const peer = await Peer.listening({ gossipsub: { heartbeatInterval: 100, scoreParams: soon } })
    const { host } = (peer.port as unknown as { parts: { host: Host } }).parts
    peer.join(TOPIC)
    const stranger = await come(peer)
    const left = async (): Promise<string[]> => {
      const stored = await host.peerStore.all()
      const paths = mentionsOf(stranger.id, peer.port, 100).filter((path) => !isBounded(path))
      return [...stored.map(({ id }) => `the peer store: ${id.toString()}`), ...paths]
    }
    expect((await left()).length).toBeGreaterThan(2)
    await stranger.stop()
    await peer.next('connectionClosed')
    for (let i = 0; i < 50 && (await left()).length > 0; i++) await pause(200)
    expect(await left()).toEqual([])
  },
  20_000,
)
