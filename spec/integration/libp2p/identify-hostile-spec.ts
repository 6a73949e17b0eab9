/** Strangers that say too much of themselves, too often, and that ping without end: bounded, and honest peers do not notice. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { HEARSAY } from '../../../src/core/parameters.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { IDENTIFIED } from '../../../src/libp2p/defaults.js'
import { framed } from '../../../src/libp2p/gossip/frames.js'
import { Strangers } from '../../../src/libp2p/guards/strangers.js'
import { pingOver } from '../../../src/libp2p/ping.js'
import { IDENTIFY_PROTOCOL, IDENTIFY_PUSH_PROTOCOL, PING_PROTOCOL } from '../../../src/wire/protocols.js'
import { startHost, stopHosts } from '../../support/hosts.js'
import { within } from '../../support/nodes.js'
import { Peer, stopPeers } from '../../support/port-peer.js'
import { bytesOf, RawKad, stopRawKad } from '../../support/raw-kad.js'

afterEach(async () => {
  await stopRawKad()
  await stopPeers()
  await stopHosts()
})

const ports = (amount: number): Uint8Array[] =>
  bytesOf(...Array.from({ length: amount }, (_, i) => `/ip4/127.0.0.1/tcp/${i + 1}`))

const closed = (stream: Stream): Promise<unknown[]> => once(stream as unknown as EventTarget, 'close')

interface Said {
  publicKey?: Uint8Array
  listenAddrs?: Uint8Array[]
  protocols?: string[]
  agentVersion?: string
}

/** https://github.com/libp2p/specs/blob/master/identify/README.md#the-identify-message */
function encode({ publicKey, listenAddrs = [], protocols = [], agentVersion }: Said): Uint8Array {
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.of((number << 3) | 2), framed(bytes)])
  const texts = protocols.map((name) => field(3, Buffer.from(name)))
  const agent = agentVersion === undefined ? [] : [field(6, Buffer.from(agentVersion))]
  const key = publicKey === undefined ? [] : [field(1, publicKey)]
  return Buffer.concat([...key, ...listenAddrs.map((address) => field(2, address)), ...texts, ...agent])
}

/** Tells by a push. */
async function push(connection: Connection, said: Said): Promise<Stream> {
  const stream = await connection.newStream(IDENTIFY_PUSH_PROTOCOL, { maxOutboundStreams: 1_000 })
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
      for (let i = 0; i < 500 && !(await isKnown(raw)); i++) await pause(20)
      await connection.close()
    }
    for (let i = 0; i < 500 && (await isKnown(stranger)); i++) await pause(20)
    expect([await isKnown(stranger), await isKnown(member), failures]).toEqual([false, true, []])
  })
})

describe('a stream of which no more is wanted', () => {
  /** What libp2p would gather of one before it resets it. */
  const GATHERED = 4 * 1024 * 1024
  const PIECE = new Uint8Array(64 * 1024)

  /** Goes on to send, for as long as that is taken. Gives the bytes that were. */
  async function goOn(stream: Stream): Promise<number> {
    let sent = 0
    const end = closed(stream)
    try {
      for (; sent < GATHERED; sent += PIECE.length) {
        if (!stream.send(PIECE)) await Promise.race([once(stream as unknown as EventTarget, 'drain'), end])
      }
      // Without a reset it would stay.
      await Promise.race([end, pause(1_000, undefined, { ref: false })])
    } catch {
      // It is reset.
    }
    expect(stream.status).toBe('reset')
    return sent
  }

  /** Answers on each stream of this protocol in place of the stock handler, and goes on. */
  function goingOn(raw: RawKad, protocol: string, answer?: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const handler = (stream: Stream): void => {
        if (answer !== undefined) stream.send(answer)
        goOn(stream).then(resolve, reject)
      }
      raw.host
        .unhandle(protocol)
        .then(() => raw.host.handle(protocol, handler))
        .catch(reject)
    })
  }

  const few = (sent: Promise<number>): Promise<void> =>
    within(8_000, sent, 'the end of the stream').then((bytes) => expect(bytes).toBeLessThan(GATHERED / 4))

  it.each([true, false])('is reset: that by which we ask who a peer is, who tells it: %p', async (tells) => {
    const { host } = await startHost()
    const raw = await RawKad.start()
    const publicKey = publicKeyToProtobuf(raw.host.peerId.publicKey!)
    const answer = framed(encode({ ...(tells && { publicKey }), agentVersion: 'talker' }))
    const identified: unknown[] = []
    host.addEventListener('peer:identify', ({ detail }) => identified.push(detail.agentVersion))
    const sent = goingOn(raw, IDENTIFY_PROTOCOL, answer)
    await host.dial(raw.host.getMultiaddrs())
    await few(sent)
    expect(identified).toEqual(tells ? ['talker'] : [])
  })

  it('is reset: that by which a peer tells more than it may', async () => {
    const { host } = await startHost()
    const raw = await RawKad.start()
    const connection = await raw.host.dial(host.getMultiaddrs())
    const stream = await connection.newStream(IDENTIFY_PUSH_PROTOCOL)
    stream.send(framed(encode({ agentVersion: 'pushed' })))
    await few(goOn(stream))
  })

  it('is reset: that by which a peer asks who we are', async () => {
    const { host } = await startHost()
    const raw = await RawKad.start()
    const identified = once(raw.host as unknown as EventTarget, 'peer:identify')
    const connection = await raw.host.dial(host.getMultiaddrs())
    await identified
    await few(goOn(await connection.newStream(IDENTIFY_PROTOCOL)))
  })

  it('is reset: that by which we tell something new', async () => {
    const { host } = await startHost()
    const raw = await RawKad.start()
    const sent = goingOn(raw, IDENTIFY_PUSH_PROTOCOL)
    const identified = once(host as unknown as EventTarget, 'peer:identify')
    await host.dial(raw.host.getMultiaddrs())
    await identified
    await host.services.identifyPush.push()
    await few(sent)
  })

  it('is reset: that by which we have pinged', async () => {
    const { host } = await startHost()
    const raw = await RawKad.start()
    const answered = new Promise<Stream>((resolve) => {
      const echo = (stream: Stream): void =>
        stream.addEventListener('message', ({ data }) => {
          stream.send(data)
          resolve(stream)
        })
      void raw.host.unhandle(PING_PROTOCOL).then(() => raw.host.handle(PING_PROTOCOL, echo))
    })
    await pingOver(await host.dial(raw.host.getMultiaddrs()), 5_000)
    await few(goOn(await answered))
  })

  it('ends in good order when the peer ends it too', async () => {
    const [{ host: one }, { host: other }] = [await startHost(), await startHost()]
    const ends: unknown[] = []
    const both = [one, other].map((host) => once(host as unknown as EventTarget, 'peer:identify'))
    for (const host of [one, other]) {
      host.addEventListener('connection:open', ({ detail: connection }) => {
        const look = setInterval(() => {
          for (const stream of connection.streams) {
            if (stream.protocol !== IDENTIFY_PROTOCOL) continue
            clearInterval(look)
            stream.addEventListener('close', ({ error }) => ends.push(error))
          }
        }, 1)
      })
    }
    const connection = await one.dial(other.getMultiaddrs())
    await Promise.all(both)
    await connection.close()
    expect(ends).toEqual([undefined, undefined])
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
