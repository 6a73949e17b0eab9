/** Hosts of a simulated network without nodes: the spec is the lane. It runs effects and looks at the events, with their times. */
import { Clock } from '../../../src/testing/network/clock.js'
import { Host } from '../../../src/testing/network/host.js'
import { Random } from '../../../src/testing/network/random.js'
import { Wire, type WireOptions } from '../../../src/testing/network/wire.js'
import type { PortEffect, PortEvent } from '../../../src/core/port.js'
import { SESSION } from '../../../src/wire/protocols.js'
import { defaultScoring, type PubsubOptions } from '../../../src/core/pubsub.js'

export type Heard = PortEvent & { at: number }
type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }> & { at: number }

export const PROTOCOL = '/spec/1'

/** Ids that can be read, and limits that nothing reaches by chance. */
export const labPubsub: PubsubOptions = {
  messageIdOf: ({ data }) => data.join(),
  maxMessageSize: 65_536,
  maxQueueSize: 1_000_000,
  scoring: defaultScoring,
}

export class Member {
  readonly host: Host
  readonly events: Heard[] = []
  /** Is called with each event as it comes, as a lane would. */
  react: (event: PortEvent) => void = () => {}

  constructor(
    readonly lab: Lab,
    readonly peerId: string,
    index: number,
    pubsub: Partial<PubsubOptions> = {},
  ) {
    const options = { peerId, protocols: [PROTOCOL, SESSION], pubsub: { ...labPubsub, ...pubsub }, index }
    this.host = new Host(lab.wire, options, (event) => {
      this.events.push({ ...event, at: lab.clock.time })
      this.react(event)
    })
    this.run({ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/0'] })
  }

  get address(): string {
    return this.host.addresses[0]!
  }

  run(effect: PortEffect): void {
    this.host.run(effect)
  }

  heard<Type extends PortEvent['type']>(type: Type): Of<Type>[] {
    return this.events.filter((event): event is Of<Type> => event.type === type)
  }

  /** The last event of this type. */
  last<Type extends PortEvent['type']>(type: Type): Of<Type> {
    const found = this.heard(type).at(-1)
    if (found === undefined)
      throw new Error(`${this.peerId} has heard no ${type}: ${this.events.map((event) => event.type).join()}`)
    return found
  }

  /** All bytes of a stream so far. */
  bytesOf(stream: number): Uint8Array {
    return Buffer.concat(
      this.heard('data')
        .filter((event) => event.stream === stream)
        .flatMap((event) => event.chunks),
    )
  }

  meshOf(topic: string): string[] {
    return (
      this.heard('meshChanged')
        .filter((event) => event.topic === topic)
        .at(-1)?.peers ?? []
    )
  }

  /** Where there is one topic. */
  get mesh(): string[] {
    return this.heard('meshChanged').at(-1)?.peers ?? []
  }
}

export class Lab {
  readonly clock = new Clock()
  readonly random: Random
  readonly wire: Wire<Host>
  private members = 0

  constructor(options: Partial<WireOptions> = {}, seed: number | string = 1) {
    this.random = new Random(seed)
    this.wire = new Wire(this.clock, this.random, { latency: 10, jitter: 0, loss: 0, bandwidth: Infinity, ...options })
  }

  get now(): number {
    return this.clock.time
  }

  /** A host that listens. */
  member(peerId?: string, pubsub: Partial<PubsubOptions> = {}): Member {
    this.members++
    return new Member(this, peerId ?? `peer${this.members}`, this.members, pubsub)
  }

  membersOf(amount: number): Member[] {
    return Array.from({ length: amount }, () => this.member())
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const end = this.clock.time + ms
    while (this.clock.next() <= end) this.clock.runInstant()
    this.clock.skipTo(end)
  }

  /** A connection of the two that is open on both sides. */
  connect(a: Member, b: Member): void {
    a.run({ type: 'dial', target: b.peerId, addresses: [b.address] })
    this.run(5_000)
    a.last('dialled')
  }

  /** A stream that a has opened to b: its numbers there and here. */
  stream(a: Member, b: Member, number = 1, protocol = PROTOCOL): [number, number] {
    const { connection } = a.last('connectionOpened')
    a.run({ type: 'open', stream: number, connection, protocols: [protocol] })
    this.run(5_000)
    return [a.last('streamOpened').stream, b.last('streamInbound').stream]
  }
}

/** Two members that are not connected. */
export function pair(options: Partial<WireOptions> = {}): [Lab, Member, Member] {
  const lab = new Lab(options)
  return [lab, lab.member(), lab.member()]
}

export function dial(from: Member, target: string, ...addresses: string[]): void {
  from.run({ type: 'dial', target, addresses })
}

/** The first has the second in its table. */
export function know(a: Member, b: Member): void {
  a.run({ type: 'tableAdd', peer: b.peerId, addresses: [b.address] })
}
