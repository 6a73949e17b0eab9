/**
 * One connection between two hosts, as TCP with Noise gives it: what is sent arrives in order and unchanged, or the
 * connection dies. Loss is delay by retransmission; a partition holds everything back until it heals or patience ends.
 */
import { Line, PROOFS } from '../../core/peers/line.js'
import type { ConnectionId } from '../../core/port.js'
import type { Clock } from './clock.js'

/** What a link needs from the hosts at its ends. */
export interface LinkHost {
  readonly peerId: string
  nextConnection: ConnectionId
  /** Its process does not run: nothing is read or sent, but its sockets are there. */
  readonly frozen?: boolean
  /** The other side closes the link in good order: its streams have ended, and it ends in a moment. */
  onLinkEnding(side: Side): void
  /** The host's end of a link has closed. Called once per link. */
  onLinkClosed(side: Side): void
  /** Of so much that was sent from this end it is not known whether it has arrived that a ping is worth it. */
  onUnproven(side: Side): void
}

/** What a link needs from the network between its hosts. */
export interface Medium {
  readonly clock: Clock
  readonly links: Set<Link>
  /** Is everything that one side sends in one instant one packet? */
  readonly joinsPackets: boolean
  /** No packet is lost, and none waits for another. */
  readonly isSound: boolean
  /** Packets sent so far. */
  packets: number
  /** How long a packet of this size takes from this side to the other, ms; `undefined`: it is never acknowledged. */
  delay(from: Side, size: number): number | undefined
  /** How long a packet of this size is arriving, from its first byte to its last, ms. */
  passing(from: Side, size: number): number
  /** How long after its streams a connection ends that the other side closes, ms. */
  ending(): number
  /** Can nothing pass from the one to the other? */
  isCut(from: LinkHost, to: LinkHost): boolean
}

/**
 * A connection that nothing passes for so long is dead, ms. Only the model has this number, because no protocol says it. It is in
 * the order of TCP's user timeout in practice.
 */
export const CONNECTION_TIMEOUT = 20_000
/** Of a packet that is arriving something is heard so often, ms. */
const TRICKLE = 200
/** Bytes of the end of a connection, about. */
const END_SIZE = 12

/** What one side sends to the other at once. */
class Packet {
  private more: (() => void)[] | undefined

  constructor(
    private readonly from: Side,
    private readonly arrive: () => void,
    readonly sent: number,
  ) {}

  add(arrive: () => void): void {
    if (this.more === undefined) this.more = [arrive]
    else this.more.push(arrive)
  }

  /** It has come through the network. */
  run(): void {
    this.from.link.arrived(this.from, this)
  }

  /** Its contents happen at the other side. The first of them may be the end of all. */
  open(): void {
    this.from.link.heard(this.from.other)
    this.arrive()
    if (this.more === undefined) return
    for (const arrive of this.more) if (this.from.link.isOpenFor(this.from)) arrive()
  }
}

/** One host's end of a link. */
export class Side {
  /** When the last packet that was sent from here arrives: nothing overtakes it. */
  lastArrival = 0
  /** When the line is free again for packets from here. */
  busyUntil = 0
  /** The last packet that was sent from here, while it is under way. */
  last: Packet | undefined = undefined
  /** Packets that reached the place where the network is cut, in order; `undefined`: none. */
  unsent: Packet[] | undefined = undefined
  /** What is sent from here waits at the other side's door. */
  held = false
  /** The cut has ended, and what was held back is being sent again. */
  healing = false
  /** Since when what is sent from here arrives, and no acknowledgement comes back, ms; `undefined`: that is not so. */
  unacknowledgedSince: number | undefined = undefined
  /** Bytes that were sent from here, and what is known of their way. */
  sent = 0
  readonly line: Line
  /** The line is looked at in a moment. */
  looking = false
  /** Pings that are not answered yet. */
  proving = 0
  /** The other side has not answered a test in the time that it has when nothing is ahead of it. */
  silent = false
  /** When something last arrived here, ms. */
  heardAt = -1
  /** Bytes of pub/sub messages that were sent from here and have not arrived. */
  gossiping = 0
  /** The host has closed its end: what still arrives is lost. */
  closed = false
  other!: Side

  constructor(
    readonly host: LinkHost,
    readonly id: ConnectionId,
    readonly link: Link,
    now: number,
  ) {
    this.line = new Line(now)
  }

  get peer(): string {
    return this.other.host.peerId
  }

  /** Did the host of this side open the connection? */
  get isOutbound(): boolean {
    return this === this.link.dialler
  }
}

export class Link {
  readonly dialler: Side
  readonly listener: Side
  open = true
  /** The next packet comes damaged, which Noise answers with the end of the connection. */
  corrupted = false

  constructor(
    private readonly wire: Medium,
    dialler: LinkHost,
    listener: LinkHost,
    /** Where each reached the other. */
    readonly listenerAddress: string,
    readonly diallerAddress: string,
  ) {
    const { time } = wire.clock
    this.dialler = new Side(dialler, dialler.nextConnection++, this, time)
    this.listener = new Side(listener, listener.nextConnection++, this, time)
    this.dialler.other = this.listener
    this.listener.other = this.dialler
  }

  /** Sends a packet of `size` bytes; `arrive` happens at the other side, unless the link dies before. */
  send(from: Side, size: number, arrive: () => void): void {
    if (!this.open) return
    from.sent += size
    if (!from.looking && from.line.isUnproven(from.sent)) this.lookAt(from)
    const { wire } = this
    const { time } = wire.clock
    const { last } = from
    if (last !== undefined && last.sent === time && wire.joinsPackets) return last.add(arrive)
    const delay = wire.delay(from, size)
    if (delay === undefined) return this.die()
    from.last = new Packet(from, arrive, time)
    wire.clock.after(delay, from.last)
    this.trickle(from, delay, wire.passing(from, size))
  }

  private lookAt(from: Side): void {
    from.looking = true
    this.wire.clock.after(PROOFS.interval, () => {
      from.looking = false
      if (!this.open || from.closed) return
      from.line.look(from.sent, this.wire.clock.time)
      from.host.onUnproven(from)
    })
  }

  /** On a slow line a large packet comes bit by bit, and its first bytes are heard long before its contents can happen. */
  private trickle(from: Side, delay: number, passing: number): void {
    for (let left = passing - TRICKLE; left > 0; left -= TRICKLE) {
      this.wire.clock.after(Math.max(0, delay - left), () => {
        const isHeld = from.unsent !== undefined || this.wire.isCut(from.host, from.other.host)
        if (this.isOpenFor(from) && !isHeld) this.heard(from.other)
      })
    }
  }

  /**
   * A packet of which nothing comes at the other side. It counts, but it goes only where the connection could die of it or
   * others wait behind it.
   */
  sendIdly(from: Side, size: number): void {
    const { wire } = this
    if (this.corrupted || !wire.isSound || wire.isCut(from.host, from.other.host)) this.send(from, size, nothing)
    else wire.packets++
  }

  heard(side: Side): void {
    side.heardAt = this.wire.clock.time
  }

  arrived(from: Side, packet: Packet): void {
    if (from.last === packet) from.last = undefined
    if (!this.isOpenFor(from)) return
    if (this.corrupted) return this.die()
    if (from.held) from.unsent ??= []
    if (from.unsent !== undefined) return void from.unsent.push(packet)
    if (this.wire.isCut(from.host, from.other.host)) {
      from.unsent = [packet]
      return this.losePatience(from)
    }
    if (from.unacknowledgedSince === undefined && this.wire.isCut(from.other.host, from.host)) this.missAnswer(from)
    packet.open()
  }

  private losePatience(from: Side): void {
    const first = from.unsent?.[0]
    this.wire.clock.after(CONNECTION_TIMEOUT, () => {
      if (!this.open || from.unsent?.[0] !== first || from.healing) return
      // The kernel of a frozen process still answers for it.
      if (from.host.frozen === true || from.other.host.frozen === true) this.losePatience(from)
      else this.die()
    })
  }

  /** Cut one way: what goes the other way arrives, and its sender never learns that. */
  private missAnswer(from: Side): void {
    const since = this.wire.clock.time
    from.unacknowledgedSince = since
    this.wire.clock.after(CONNECTION_TIMEOUT, () => {
      if (from.unacknowledgedSince === since) this.die()
    })
  }

  /** The network is whole again: what was held back is sent again, and what comes meanwhile waits behind it. */
  heal(): void {
    for (const side of [this.dialler, this.listener]) {
      if (!this.wire.isCut(side.other.host, side.host)) side.unacknowledgedSince = undefined
      if (side.unsent === undefined || side.healing || side.held || this.wire.isCut(side.host, side.other.host))
        continue
      const delay = this.wire.delay(side, 0)
      if (delay === undefined) return this.die()
      side.healing = true
      this.wire.clock.after(delay, () => {
        this.release(side)
      })
    }
  }

  private release(side: Side): void {
    side.healing = false
    if (!this.isOpenFor(side)) return
    if (this.corrupted) return this.die()
    if (this.wire.isCut(side.host, side.other.host)) return this.losePatience(side)
    const { unsent = [] } = side
    side.unsent = undefined
    // The first of them may be the end of all.
    for (const packet of unsent) if (this.isOpenFor(side)) packet.open()
  }

  /** What comes from this side waits until it is admitted. */
  hold(from: Side): void {
    from.held = true
  }

  admit(from: Side): void {
    from.held = false
    if (from.unsent !== undefined) this.release(from)
  }

  isOpenFor(from: Side): boolean {
    return this.open && !from.other.closed
  }

  /** Ends the link in good order: here at once, there when the news has arrived, first its streams and then the connection. */
  close(from: Side): void {
    this.leave(from, () => {
      from.other.host.onLinkEnding(from.other)
      this.wire.clock.after(this.wire.ending(), () => {
        this.die()
      })
    })
  }

  /** Ends the link as a kernel does for a process that is gone: here at once, there when the news has arrived. */
  abort(from: Side): void {
    this.leave(from, () => {
      this.die()
    })
  }

  private leave(from: Side, arrive: () => void): void {
    if (!this.open || from.closed) return
    this.send(from, END_SIZE, arrive)
    this.end(from)
  }

  /** Ends the link on both sides, each by its own means: nothing has to be sent for it. */
  die(): void {
    if (!this.open) return
    this.open = false
    this.wire.links.delete(this)
    this.end(this.dialler)
    this.end(this.listener)
  }

  private end(side: Side): void {
    if (side.closed) return
    side.closed = true
    side.host.onLinkClosed(side)
  }
}

function nothing(): void {
  // See `sendIdly`.
}
