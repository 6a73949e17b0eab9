/**
 * A core among peers with whom it has sessions: what it asks the other nodes, and what they ask it, as frames that are read
 * and written by hand (`session.ts`).
 */
import type { Effect } from '../../src/core/effects.js'
import type { Event } from '../../src/core/events.js'
import type { Settings } from '../../src/core/settings.js'
import { decodeServiceRequest, encodeServiceRequest, type ServiceRequest } from '../../src/wire/session/service.js'
import { GossipCore, subscription, told } from './broadcasts.js'
import { BOTH } from './session-cores.js'
import { FrameDecoder, hello, join, line, request, SESSION, type Asked, type Seen } from './session.js'

interface Peer {
  connection: number
  /** Over which we ask, and over which we are asked; 0: not open. */
  asking: number
  answering: number
  decoders: Map<number, FrameDecoder>
  /** Frames that it got and that the spec has not looked at. */
  got: Seen[]
  lastId: number
}

export class ServiceCore extends GossipCore {
  private readonly peers = new Map<string, Peer>()

  constructor(settings: Partial<Settings> = {}) {
    super({ protocols: BOTH, gossipPatience: 0, historyPatience: 0, ...settings })
  }

  /** Connected, in the topic, reachable, and with a session over which we ask it, whose HELLO names these features. */
  peer(name: string, features = 1): void {
    const connection = this.peers.size + 1
    const peer: Peer = { connection, asking: 0, answering: 0, decoders: new Map(), got: [], lastId: 0 }
    this.peers.set(name, peer)
    this.connect(name, connection)
    this.run({ type: 'gossipOpened', peer: name }, subscription(name))
    const ask = 1e6 + connection
    this.run({ type: 'request', ask, peer: name, addresses: [], data: new Uint8Array(), timeout: 1_000 })
    this.run({ type: 'cancel', ask })
    this.run({ type: 'streamOpened', stream: peer.asking, protocol: SESSION })
    this.run(this.hears(name, hello({ 0: features })))
    peer.got = []
  }

  /** A batch, and what can be written after it. What the peers get is kept; the other effects are returned. */
  run(...events: Event[]): Effect[] {
    const rest: Effect[] = []
    for (let due = events; due.length > 0;) {
      const effects = this.in(...due)
      due = []
      for (const effect of effects) {
        if (effect.type === 'open') this.of((peer) => peer.connection === effect.connection).asking = effect.stream
        else if (effect.type === 'write') {
          const peer = this.of((one) => one.asking === effect.stream || one.answering === effect.stream)
          let decoder = peer.decoders.get(effect.stream)
          if (decoder === undefined) peer.decoders.set(effect.stream, (decoder = new FrameDecoder()))
          peer.got.push(...decoder.read(...effect.chunks))
          due.push({ type: 'writable', stream: effect.stream })
        } else rest.push(effect)
      }
    }
    return rest
  }

  private of(fits: (peer: Peer) => boolean): Peer {
    return [...this.peers.values()].find(fits)!
  }

  override lines(...events: Event[]): string[] {
    return told(this.run(...events))
  }

  override linesAt(time: number): string[] {
    this.now = time
    return this.lines({ type: 'woken' })
  }

  /** The peer answers, over the session over which we ask it. */
  hears(name: string, ...frames: Uint8Array[]): Event {
    return { type: 'data', stream: this.peers.get(name)!.asking, chunks: [join(...frames)] }
  }

  /** What the peer has got since the last look. */
  got(name: string): Seen[] {
    return this.peers.get(name)!.got.splice(0)
  }

  gotLines(name: string): string[] {
    return this.got(name).map(line)
  }

  /** What we have asked the peer, as node to node, since the last look. */
  asked(name: string): { id: number; request: ServiceRequest | undefined }[] {
    const requests = this.got(name).filter((frame) => frame.name === 'REQUEST' && frame.service === true)
    return requests.map(({ id, payload }) => ({ id, request: decodeServiceRequest(payload!) }))
  }

  /** The peer asks us, as node to node. */
  asks(name: string, service: ServiceRequest | Uint8Array, asked: Asked = {}): Event[] {
    const peer = this.peers.get(name)!
    const events: Event[] = []
    const frames: Uint8Array[] = []
    if (peer.answering === 0) {
      peer.answering = 2 * peer.connection
      events.push({ type: 'streamInbound', stream: peer.answering, connection: peer.connection, protocol: SESSION })
      frames.push(hello({ 0: 1 }))
    }
    const payload = service instanceof Uint8Array ? service : encodeServiceRequest(service)
    frames.push(request(++peer.lastId, payload, { timeout: 5_000, credit: 65_536, service: true, ...asked }))
    events.push({ type: 'data', stream: peer.answering, chunks: [join(...frames)] })
    return events
  }

  /** The peer sends something over the session over which it asks us. */
  sends(name: string, ...frames: Uint8Array[]): Event {
    return { type: 'data', stream: this.peers.get(name)!.answering, chunks: [join(...frames)] }
  }
}
