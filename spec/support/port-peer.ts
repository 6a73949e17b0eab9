/** The real network behind the port, driven by hand: no core, no lane. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createLibp2pPort, type Libp2pPortOptions } from '../../src/libp2p/index.js'
import type { GossipPeer, NetworkPort, PortEffect, PortEvent, StreamId } from '../../src/core/port.js'
import { PUBSUB } from './pubsub.js'

export type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

/** An effect that is answered by an event, without its number; and such an event. */
type WithAsk<Type> = Type extends { ask: number } ? Type : never
type WithoutAsk<Type> = Type extends { ask: number } ? Omit<Type, 'ask'> : never
export type Question = WithoutAsk<PortEffect>
export type Answer = WithAsk<PortEvent>

export const PROTOCOL = '/test/1.0.0'
export const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
/** The ids of messages in these specs. */
export const sum = (data: Uint8Array) => data.reduce((total, byte) => (total * 31 + byte) >>> 0, data.length)

/** A port, and everything that it has reported. */
export class Peer {
  readonly events: PortEvent[] = []
  readonly logged: string[] = []
  address = ''
  stopped = false
  private nextStream = 1
  private readonly waiting = new Set<() => void>()
  private readonly taken = new Set<PortEvent>()
  private readonly answers = new Map<number, (event: Answer) => void>()
  private lastAsk = 1_000_000

  private constructor(
    readonly id: string,
    readonly port: NetworkPort,
  ) {}

  static async build(options: Partial<Libp2pPortOptions> = {}): Promise<Peer> {
    const privateKey = options.privateKey ?? (await generateKeyPair('Ed25519'))
    const create = createLibp2pPort({
      privateKey,
      protocols: [PROTOCOL],
      pubsub: { ...PUBSUB, messageIdOf: ({ data }) => `${sum(data)}` },
      log: (line) => peer.logged.push(line),
      ...options,
    })
    const port = create((event) => {
      peer.events.push(event)
      if ('ask' in event) peer.answers.get(event.ask)?.(event)
      for (const check of [...peer.waiting]) check()
    })
    const peer: Peer = new Peer(peerIdFromPrivateKey(privateKey).toString(), port)
    all.push(peer)
    return peer
  }

  static async listening(options: Partial<Libp2pPortOptions> = {}, address = LOOPBACK): Promise<Peer> {
    const peer = await Peer.build(options)
    peer.run({ type: 'listen', addresses: [address] })
    const { addresses } = await peer.next('listening')
    peer.address = addresses[0]!
    return peer
  }

  run(effect: PortEffect): void {
    this.port.run(effect)
  }

  join(topic: string, guarded = false): void {
    this.run({ type: 'join', topic, guarded })
  }

  publish(ask: number, topic: string, data: Uint8Array, except: string[] = []): void {
    this.run({ type: 'publish', ask, topic, data, except })
  }

  /** Asks, and gives whatever event answers that. */
  ask(question: Question): Promise<Answer> {
    const ask = ++this.lastAsk
    const answer = new Promise<Answer>((resolve) => this.answers.set(ask, resolve))
    this.run({ ...question, ask })
    return answer.finally(() => this.answers.delete(ask))
  }

  /** Publishes, and gives the answer. */
  say(topic: string, data: Uint8Array, except: string[] = []): Promise<Answer> {
    return this.ask({ type: 'publish', topic, data, except })
  }

  /** How pub/sub stands with another. */
  async inspect(other: { id: string }): Promise<GossipPeer | undefined> {
    const answer = await this.ask({ type: 'inspect', peers: [other.id] })
    return answer.type === 'inspected' ? answer.peers[other.id] : undefined
  }

  /** The first event of this type that fits and that was not taken before; waits for it. */
  next<Type extends PortEvent['type']>(
    type: Type,
    fits: (event: Of<Type>) => boolean = () => true,
    within = 8_000,
  ): Promise<Of<Type>> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.events.find(
          (event) => event.type === type && !this.taken.has(event) && fits(event as Of<Type>),
        )
        if (found === undefined) return
        this.taken.add(found)
        done()
        resolve(found as Of<Type>)
      }
      const done = () => {
        clearTimeout(timer)
        this.waiting.delete(check)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`no ${type} in ${JSON.stringify(this.events.map((event) => event.type))}`))
      }, within)
      this.waiting.add(check)
      check()
    })
  }

  /** Everything of this type so far. */
  all<Type extends PortEvent['type']>(type: Type): Of<Type>[] {
    return this.events.filter((event): event is Of<Type> => event.type === type)
  }

  /** Dials and gives the numbers of the connection at both ends. */
  async connect(other: Peer): Promise<[number, number]> {
    this.run({ type: 'dial', target: other.id, addresses: [other.address] })
    const { connection } = await this.next('dialled', (event) => event.target === other.id)
    const opened = await other.next('connectionOpened', (event) => event.peer === this.id)
    return [connection, opened.connection]
  }

  open(connection: number, protocols = [PROTOCOL]): StreamId {
    const stream = this.nextStream
    this.nextStream += 2
    this.run({ type: 'open', stream, connection, protocols })
    return stream
  }

  /** Opens a stream, and gives its numbers at both ends. */
  async stream(connection: number, other: Peer): Promise<[StreamId, StreamId]> {
    const stream = this.open(connection)
    await this.next('streamOpened', (event) => event.stream === stream)
    return [stream, (await other.next('streamInbound')).stream]
  }

  dataOf(stream: StreamId): Uint8Array {
    const chunks = this.events.flatMap((event) =>
      event.type === 'data' && event.stream === stream ? event.chunks : [],
    )
    return new Uint8Array(Buffer.concat(chunks))
  }

  typesOf(stream: StreamId): string[] {
    const types = this.events.flatMap((event) => ('stream' in event && event.stream === stream ? [event.type] : []))
    return types.filter((type, index) => type !== types[index - 1])
  }

  async stop(): Promise<void> {
    this.run({ type: 'stop' })
    if (!this.stopped) await this.next('stopped')
    this.stopped = true
  }
}

const all: Peer[] = []

/** For `afterEach`. */
export async function stopPeers(): Promise<void> {
  await Promise.all(all.splice(0).map((peer) => peer.stop()))
}
