/** Whom kad-dht dials, how often, and how it finds out that a peer is there. */
import '../../../src/platform/polyfill.js'
import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Connection, PeerId } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { HEARSAY } from '../../../src/core/parameters.js'
import { Gater } from '../../../src/libp2p/gater.js'
import { KadClient } from '../../../src/libp2p/kad/client.js'
import type { KadServer } from '../../../src/libp2p/kad/server.js'
import { KADEMLIA, PING_PROTOCOL } from '../../../src/wire/protocols.js'
import { connectionOf, SaidStream } from '../../fuzz/tools/stream.js'
import { SIGNED } from '../../fuzz/tools/signed.js'

const [us, them] = ['Ed25519', 'secp256k1'].map((type) =>
  peerIdFromString(SIGNED.find((one) => one.type === type)!.peer),
) as [PeerId, PeerId]

describe('a peer that kad-dht asks', () => {
  let now: number
  let dials: number
  let isThere: boolean
  let ask: () => Promise<string>

  beforeEach(() => {
    now = 0
    dials = 0
    isThere = false
    const components = {
      peerId: us,
      connectionManager: {
        getConnections: () => [],
        openConnection: async (): Promise<Connection> => {
          dials++
          if (!isThere) throw new Error('nobody is there')
          return connectionOf(them)
        },
      },
      ping: { ping: () => Promise.resolve(0) },
      registrar: { handle: () => Promise.resolve() },
      peerStore: { getInfo: async () => ({ multiaddrs: [multiaddr('/ip4/1.1.1.1/tcp/4001')] }) },
    } as unknown as KadDHTComponents
    const server = {} as KadServer
    const client = new KadClient(
      components,
      new Gater(us.toString()),
      server,
      () => undefined,
      () => now,
    )
    const { openStream } = client.guarded().connectionManager
    ask = () =>
      openStream(them, KADEMLIA).then(
        () => 'reached',
        (error: Error) => error.message,
      )
  })

  it('is dialled once by all who ask it at the same time', async () => {
    isThere = true
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['reached', 'reached', 'reached'])
    expect(dials).toBe(1)
    await ask()
    expect(dials).toBe(2)
  })

  it('and was not there is dialled again after a pause, however often it was asked for meanwhile', async () => {
    const answers = [await ask(), await ask(), await ask()]
    expect(answers).toEqual(['nobody is there', 'nobody was there a moment ago', 'nobody was there a moment ago'])
    expect(dials).toBe(1)
    now += HEARSAY.pause
    isThere = true
    expect(await ask()).toBe('reached')
    expect(dials).toBe(2)
  })
})

describe('a peer that kad-dht visits', () => {
  /** What it says to a ping. */
  let answer: (ping: Uint8Array) => Uint8Array[]
  let stream: SaidStream
  let visit: () => Promise<number>

  beforeEach(() => {
    stream = new SaidStream('outbound', PING_PROTOCOL)
    const send = stream.send.bind(stream)
    stream.send = (data) => {
      stream.say(...answer(data.subarray()))
      return send(data)
    }
    const components = {
      peerId: us,
      connectionManager: { getConnections: () => [connectionOf(them, () => stream)] },
      ping: { ping: () => Promise.reject(new Error('not by the stock service')) },
      registrar: { handle: () => Promise.resolve() },
    } as unknown as KadDHTComponents
    const client = new KadClient(components, new Gater(us.toString()), {} as KadServer, () => undefined)
    const { ping } = client.guarded().ping
    visit = () => ping(them, { signal: AbortSignal.timeout(1_000) })
  })

  it('is there when it answers, in whatever pieces', async () => {
    answer = (ping) => [ping.slice(0, 5), ping.slice(5)]
    expect(await visit()).toBeGreaterThan(0)
  })

  it('and says more than the answer is not read on', async () => {
    answer = (ping) => [Uint8Array.from([...ping, 0])]
    await expect(visit()).rejects.toThrow('the answer to our ping was wrong')
    expect(stream.status).toBe('aborted')
  })
})
