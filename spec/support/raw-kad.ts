/** A peer with the stock parts of libp2p and no kad-dht: it asks and answers, in Kademlia's protocol, whatever a spec makes it. */
import '../../src/platform/polyfill.js'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { framed, FrameReader } from '../../src/libp2p/gossip/frames.js'
import { encodeAnswer, readQuestion, type KadPeer, type KadQuestion } from '../../src/libp2p/kad/messages.js'
import { KADEMLIA } from '../../src/wire/protocols.js'

const MANY = 10_000
const all: Libp2p[] = []

/** For `afterEach`. */
export async function stopRawKad(): Promise<void> {
  await Promise.all(all.splice(0).map(async (host) => host.stop()))
}

/** What it answers. */
export type Answerer = (question: KadQuestion) => KadPeer[] | Uint8Array

export class RawKad {
  /** What it was asked. */
  readonly asked: KadQuestion[] = []
  private constructor(readonly host: Libp2p) {}

  static async start(answer: Answerer = () => []): Promise<RawKad> {
    const host = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ maxOutboundStreams: MANY, maxInboundStreams: MANY })],
      connectionMonitor: { enabled: false },
      services: { identify: identify(), push: identifyPush(), ping: ping() },
    })
    all.push(host)
    const peer = new RawKad(host)
    await host.handle(KADEMLIA, (stream) => {
      frames(stream, (frame) => {
        const question = readQuestion(frame)
        peer.asked.push({ type: question.type, key: Uint8Array.from(question.key) })
        const said = answer(question)
        stream.send(framed(said instanceof Uint8Array ? said : encodeAnswer(question.type, said)))
      })
    })
    return peer
  }

  get id(): string {
    return this.host.peerId.toString()
  }

  get address(): string {
    return this.host
      .getMultiaddrs()[0]!
      .toString()
      .replace(/\/p2p\/.*/, '')
  }

  connect(to: { address: string; id: string }): Promise<Connection> {
    return this.host.dial(multiaddr(`${to.address}/p2p/${to.id}`))
  }

  /** Sends messages over one stream, and resolves with what came before the end: frames, or how it ended. */
  async send(
    connection: Connection,
    messages: Uint8Array[],
    expected = messages.length,
  ): Promise<Uint8Array[] | 'reset'> {
    const stream = await connection.newStream(KADEMLIA, { maxOutboundStreams: MANY })
    const heard: Uint8Array[] = []
    return new Promise((resolve) => {
      const over = (): void => {
        if (heard.length === expected) {
          resolve(heard)
          stream.close().catch(() => undefined)
        }
      }
      frames(stream, (frame) => {
        heard.push(frame)
        over()
      })
      stream.addEventListener('close', ({ error }) => resolve(error === undefined ? heard : 'reset'))
      try {
        stream.send(Buffer.concat(messages.map((message) => framed(message))))
      } catch {
        resolve('reset')
      }
    })
  }
}

function frames(stream: Stream, heard: (frame: Uint8Array) => void): void {
  const reader = new FrameReader(16 * 1024 * 1024)
  stream.addEventListener('message', ({ data }) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) heard(frame)
  })
}

/** A peer that there is not: the multihash of an Ed25519 key. */
export function nobody(): Uint8Array {
  return Uint8Array.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...crypto.getRandomValues(new Uint8Array(32))])
}

export function bytesOf(...addresses: string[]): Uint8Array[] {
  return addresses.map((address) => multiaddr(address).bytes)
}
