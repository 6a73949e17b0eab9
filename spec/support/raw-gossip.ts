/** A peer with the stock parts and no gossipsub: it says on its gossip streams whatever a spec makes it say, and hears what comes. */
import { noise } from '@chainsafe/libp2p-noise'
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { framed, FrameReader } from '../../src/libp2p/gossip/frames.js'
import { nextSequence, Signer, type Signed } from '../../src/libp2p/gossip/signed-message.js'
import { within } from './nodes.js'
import type { Peer } from './port-peer.js'

const MESHSUB = '/meshsub/1.1.0'
/** What it takes before it has read it. Stock windows grow by chance. */
const WINDOW = 256 * 1024

/** What the peer was sent: an RPC, and the bytes of its frame without their length. */
export interface Heard {
  rpc: RPC
  size: number
}

const NONE: RPC.ControlMessage = { graft: [], prune: [], ihave: [], iwant: [], idontwant: [] }

export class RawGossip {
  readonly heard: Heard[] = []
  /** Streams that the other side has opened to gossip to us. */
  readonly inbound: Stream[] = []
  private out: Stream | undefined
  private paused = false
  private readonly waiting = new Set<() => void>()

  private constructor(
    private readonly host: Libp2p,
    private readonly signer: Signer,
  ) {}

  static async start(type: 'Ed25519' | 'secp256k1' = 'Ed25519'): Promise<RawGossip> {
    const privateKey = await generateKeyPair(type)
    const host = await createLibp2p({
      privateKey,
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: WINDOW } })],
      connectionMonitor: { enabled: false },
    })
    const peer = new RawGossip(host, new Signer(host.peerId, privateKey))
    await host.handle(MESHSUB, (stream) => peer.hear(stream))
    all.push(peer)
    return peer
  }

  get id(): string {
    return this.host.peerId.toString()
  }

  /** As nodes call it. */
  get peerId(): string {
    return this.id
  }

  /** On which it sends: that of the last connection. */
  get outbound(): Stream {
    return this.out!
  }

  /** A new connection, also where there is one, and a gossip stream on it. Waits for the other side's stream. */
  async connect(other: { address: string; id: string }): Promise<Connection> {
    const before = this.inbound.length
    const connection = await this.host.dial(multiaddr(`${other.address}/p2p/${other.id}`), { force: true })
    this.out = await connection.newStream(MESHSUB)
    if (before === 0) await this.until(() => this.inbound.length > before)
    return connection
  }

  /** Only the connection, with no stream on it. */
  dial(other: { address: string; id: string }): Promise<Connection> {
    return this.host.dial(multiaddr(`${other.address}/p2p/${other.id}`), { force: true })
  }

  private hear(stream: Stream): void {
    this.inbound.push(stream)
    const frames = new FrameReader(64 * 1024 * 1024)
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) frames.push(chunk)
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        this.heard.push({ rpc: RPC.decode(frame), size: frame.length })
      }
      this.check()
    })
    stream.addEventListener('close', () => this.check())
    if (this.paused) stream.pause()
    this.check()
  }

  private check(): void {
    for (const check of [...this.waiting]) check()
  }

  until(fits: () => boolean): Promise<void> {
    const fitting = new Promise<void>((resolve) => {
      const check = (): void => {
        if (!fits()) return
        this.waiting.delete(check)
        resolve()
      }
      this.waiting.add(check)
      check()
    })
    return within(8_000, fitting, `what it waits for among ${JSON.stringify(this.heard.map(({ size }) => size))}`)
  }

  /** Resets the stream that it sends on, and opens another one when there is a new one of the other side. */
  async restream(): Promise<void> {
    const before = this.inbound.length
    this.out!.abort(new Error('for a test'))
    await this.until(() => this.inbound.length > before)
    this.out = await this.host.getConnections()[0]!.newStream(MESHSUB)
  }

  /** Opens another one in place of the one that it sends on. */
  async reopen(): Promise<void> {
    this.out = await this.host.getConnections()[0]!.newStream(MESHSUB)
  }

  /** All messages that came. */
  get messages(): RPC.Message[] {
    return this.heard.flatMap(({ rpc }) => rpc.messages)
  }

  /** Reads nothing, from now on. */
  pause(): void {
    this.paused = true
    for (const stream of this.inbound) stream.pause()
  }

  resume(): void {
    this.paused = false
    for (const stream of this.inbound) stream.resume()
  }

  sign(topic: string, data: Uint8Array): Promise<Signed> {
    return this.signer.sign(topic, data, nextSequence())
  }

  /** `over`: an earlier one. */
  send(
    { control, ...rest }: Partial<Omit<RPC, 'control'>> & { control?: Partial<RPC.ControlMessage> },
    over = this.outbound,
  ): void {
    const rpc: RPC = { subscriptions: [], messages: [], ...rest }
    if (control !== undefined) rpc.control = { ...NONE, ...control }
    over.send(framed(RPC.encode(rpc)))
  }

  subscribe(...topics: string[]): void {
    this.send({ subscriptions: topics.map((topic) => ({ topic, subscribe: true })) })
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    this.send({ messages: [await this.sign(topic, data)] })
  }

  iwant(...ids: string[]): void {
    this.send({ control: { iwant: [{ messageIDs: ids.map((id) => new TextEncoder().encode(id)) }] } })
  }

  /** Resolves when little waits to be sent, or the stream that it sends on is over: true if that is still open. */
  async drained(): Promise<boolean> {
    const stream = this.out!
    while (stream.status === 'open' && stream.writeBufferLength > 0) await eventOf(stream, 'drain', 'idle', 'close')
    return stream.status === 'open'
  }

  /** Resolves when the stream that it sends on, or an earlier one, is over. */
  async cut(stream = this.outbound): Promise<void> {
    if (stream.status === 'open') await eventOf(stream, 'close')
  }

  /** As they are, with no length before them. */
  sendBytes(bytes: Uint8Array): void {
    this.out!.send(bytes)
  }

  async stop(): Promise<void> {
    await this.host.stop()
  }
}

/** A peer with open gossip streams both ways. */
export async function rawPeer(of: Peer, ...topics: string[]): Promise<RawGossip> {
  const raw = await RawGossip.start()
  await raw.connect(of)
  await of.next('gossipOpened', ({ peer }) => peer === raw.id)
  for (const topic of topics) {
    raw.subscribe(topic)
    await of.next('subscriptionChanged', (event) => event.peer === raw.id && event.topic === topic)
  }
  return raw
}

/** In the topic of the node at this address (with its peer id). `deaf`: it reads nothing of what it is sent. */
export async function rawGossipIn(topic: string, address: string, { deaf = false } = {}): Promise<RawGossip> {
  const peer = await RawGossip.start()
  if (deaf) peer.pause()
  const [bare = '', id = ''] = address.split('/p2p/')
  await peer.connect({ address: bare, id })
  peer.subscribe(topic)
  return peer
}

/** The first of these events. */
function eventOf(stream: Stream, ...types: ('drain' | 'idle' | 'close')[]): Promise<void> {
  return new Promise((resolve) => {
    for (const type of types) stream.addEventListener(type, () => resolve(), { once: true })
  })
}

const all: RawGossip[] = []

/** For `afterEach`. */
export async function stopRaw(): Promise<void> {
  await Promise.all(all.splice(0).map((peer) => peer.stop()))
}
