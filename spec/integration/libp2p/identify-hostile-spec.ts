/** Strangers that say too much of themselves, too often, and that ping without end: bounded, and honest peers do not notice. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Connection, Stream } from '@libp2p/interface'
import { HEARSAY } from '../../../src/core/parameters.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { IDENTIFIED } from '../../../src/libp2p/defaults.js'
import { framed } from '../../../src/libp2p/gossip/frames.js'
import { Strangers } from '../../../src/libp2p/guards/strangers.js'
import { PING_PROTOCOL } from '../../../src/wire/protocols.js'
import { startHost, stopHosts } from '../../support/hosts.js'
import { Peer, stopPeers } from '../../support/port-peer.js'
import { bytesOf, RawKad, stopRawKad } from '../../support/raw-kad.js'

const PUSH = '/ipfs/id/push/1.0.0'

afterEach(async () => {
  await stopRawKad()
  await stopPeers()
  await stopHosts()
})

const ports = (amount: number): Uint8Array[] =>
  bytesOf(...Array.from({ length: amount }, (_, i) => `/ip4/127.0.0.1/tcp/${i + 1}`))

const closed = (stream: Stream): Promise<unknown[]> => once(stream as unknown as EventTarget, 'close')

interface Said {
  listenAddrs?: Uint8Array[]
  protocols?: string[]
  agentVersion?: string
}

/** https://github.com/libp2p/specs/blob/master/identify/README.md#the-identify-message */
function encode({ listenAddrs = [], protocols = [], agentVersion }: Said): Uint8Array {
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.of((number << 3) | 2), framed(bytes)])
  const texts = protocols.map((name) => field(3, Buffer.from(name)))
  const agent = agentVersion === undefined ? [] : [field(6, Buffer.from(agentVersion))]
  return Buffer.concat([...listenAddrs.map((address) => field(2, address)), ...texts, ...agent])
}

/** Tells by a push. */
async function push(connection: Connection, said: Said): Promise<Stream> {
  const stream = await connection.newStream(PUSH, { maxOutboundStreams: 1_000 })
  try {
    stream.send(framed(encode(said)))
    await stream.close()
  } catch {
    // It is reset already.
  }
  return stream
}

describe('what a peer says of itself', () => {
  it('is kept in part, and is text', async () => {
    const peer = await Peer.listening()
    const raw = await RawKad.start()
    const connection = await raw.connect(peer)
    await peer.next('identified')
    await push(connection, {
      listenAddrs: ports(300),
      agentVersion: `\u001b[2J\nhello${'x'.repeat(500)}`,
      protocols: ['y'.repeat(300), '/\u001b[1m', ...Array.from({ length: 300 }, (_, i) => `/${i}`)],
    })
    const { addresses, agent, protocols } = await peer.next('identified')
    expect(addresses).toHaveLength(HEARSAY.perPeer)
    expect(agent).toMatch(/^\ufffd\[2J\ufffdhellox+…$/)
    expect(agent).toHaveLength(IDENTIFIED.agentLength)
    expect([protocols.length, protocols[0]]).toEqual([IDENTIFIED.protocols, '/0'])
  })

  it('is in the peer store as far as it is kept', async () => {
    const { host, gater } = await startHost()
    const raw = await RawKad.start()
    const connection = await raw.host.dial(host.getMultiaddrs())
    gater.connected(raw.id, '/ip4/127.0.0.1/tcp/1')
    const heard = new Promise((resolve) => host.addEventListener('peer:identify', ({ detail }) => void (detail.agentVersion === 'pushed' && resolve(detail)))) // prettier-ignore
    await push(connection, { listenAddrs: ports(600), agentVersion: 'pushed', protocols: ['y'.repeat(300), '/ok'] })
    await heard
    const { addresses, protocols, peerRecordEnvelope } = await host.peerStore.get(raw.host.peerId)
    expect(addresses.length).toBeLessThanOrEqual(HEARSAY.perPeer + 1)
    expect([protocols.filter((name) => name.startsWith('y')), peerRecordEnvelope]).toEqual([[], undefined])
  })

  it('said again and again is not read', async () => {
    const peer = await Peer.listening({ limits: limitsOf({ identifyRate: 3 }) })
    const raw = await RawKad.start()
    const connection = await raw.connect(peer)
    await peer.next('identified')
    for (let i = 0; i < 100; i++) await push(connection, { agentVersion: `${i}` })
    expect(await peer.next('refused')).toMatchObject({ peer: raw.id, what: 'identifyRate', own: true })
    expect(peer.all('identified').length).toBeLessThan(50)
  })

  it('is forgotten when it is gone', async () => {
    const { host } = await startHost()
    const [stranger, member] = [await RawKad.start(), await RawKad.start()]
    const failures: unknown[] = []
    const isMember = (peer: string): boolean => peer === member.id
    new Strangers(host, isMember, (error) => failures.push(error))
    const isKnown = ({ host: { peerId } }: RawKad): Promise<boolean> => host.peerStore.has(peerId)
    for (const raw of [stranger, member]) {
      const connection = await raw.host.dial(host.getMultiaddrs())
      for (let i = 0; i < 100 && !(await isKnown(raw)); i++) await pause(20)
      await connection.close()
    }
    for (let i = 0; i < 250 && (await isKnown(stranger)); i++) await pause(20)
    expect([await isKnown(stranger), await isKnown(member), failures]).toEqual([false, true, []])
  })
})

describe('pings', () => {
  it('are answered, in pieces too, and nothing else is', async () => {
    const peer = await Peer.listening()
    const raw = await RawKad.start()
    const stream = await (await raw.connect(peer)).newStream(PING_PROTOCOL)
    const heard: number[] = []
    const all = new Promise<void>((resolve) => {
      stream.addEventListener('message', ({ data }) => {
        heard.push(...data.subarray())
        if (heard.length === 64) resolve()
      })
    })
    const sent = crypto.getRandomValues(new Uint8Array(70))
    stream.send(sent.slice(0, 10))
    stream.send(sent.slice(10))
    await all
    expect(heard).toEqual([...sent.subarray(0, 64)])
    await stream.close()
  })

  it.each([32, 100_000])('of %i bytes at once, without end, are reset', async (size) => {
    const peer = await Peer.listening()
    const raw = await RawKad.start()
    const stream = await (await raw.connect(peer)).newStream(PING_PROTOCOL)
    const end = closed(stream)
    try {
      for (let i = 0; i < 1_000; i++) stream.send(new Uint8Array(size))
    } catch {
      // It is reset already.
    }
    await end
    expect(await peer.next('refused')).toMatchObject({ peer: raw.id, what: 'pingRate', own: true })
  })
})
