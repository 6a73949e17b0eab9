/**
 * What waits to be sent to each peer, and a report once that has become less. Where bandwidth is limited the line's own queue
 * counts, with all that the connection carries. Where the network is cut, what pub/sub has sent counts until it arrives: TCP
 * would keep it, because it is not acknowledged. Otherwise nothing waits, because what is sent is on its way.
 */
import type { Side } from '../link.js'
import type { Wire } from '../wire.js'

interface Watch {
  /** It is being looked at again after a while. */
  armed: boolean
}

export class SendQueues {
  /** Peers whose queues are waited for. */
  private readonly watched = new Map<string, Watch>()

  constructor(
    private readonly wire: Wire,
    private readonly limit: number,
    private readonly sideTo: (peer: string) => Side | undefined,
    private readonly drained: (peer: string) => void,
  ) {}

  /** Bytes. */
  waitingFor(side: Side | undefined): number {
    if (side === undefined) return 0
    return Math.max(this.onLine(side), side.unsent === undefined ? 0 : side.gossiping)
  }

  isFull(side: Side | undefined): boolean {
    return this.waitingFor(side) > this.limit
  }

  isHalfFull(side: Side | undefined): boolean {
    return this.waitingFor(side) > this.limit / 2
  }

  /** `drained` is called once half of the limit is free: never in this instant. */
  watch(peer: string): void {
    if (!this.watched.has(peer)) this.watched.set(peer, { armed: false })
    this.look(peer)
  }

  /** Something that was sent to the peer has arrived, or goes over another connection now. */
  onProgress(peer: string): void {
    if (this.watched.size > 0) this.look(peer)
  }

  onGone(peer: string): void {
    this.watched.delete(peer)
  }

  private look(peer: string): void {
    const watch = this.watched.get(peer)
    const side = this.sideTo(peer)
    if (watch === undefined || watch.armed || side === undefined) return
    const tooMuch = this.onLine(side) - this.limit / 2
    if (tooMuch > 0) {
      watch.armed = true
      this.wire.clock.after((tooMuch * 1_000) / this.bandwidthOf(side), () => {
        watch.armed = false
        this.look(peer)
      })
    } else if (this.waitingFor(side) <= this.limit / 2) {
      this.watched.delete(peer)
      this.drained(peer)
    }
    // Else the network is cut: what arrives after that, or the end of the connection, comes here.
  }

  private onLine(side: Side): number {
    const bandwidth = this.bandwidthOf(side)
    if (bandwidth === Infinity) return 0
    // Rounded: a sum of times is not exact.
    return Math.round((Math.max(0, side.busyUntil - this.wire.clock.time) * bandwidth) / 1_000)
  }

  private bandwidthOf({ host, peer }: Side): number {
    return this.wire.bandwidthBetween(host.peerId, peer)
  }
}
