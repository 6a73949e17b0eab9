/**
 * What waits to be sent to each peer, and who is to hear when that has become less. Where bandwidth is limited the line's own
 * queue counts, with all that the connection carries. Where the network is cut, what pub/sub has sent counts until it arrives:
 * TCP would keep it, as nobody acknowledges it. Otherwise nothing waits, for what is sent is on its way.
 */
import type { Side } from '../link.js'
import type { Wire } from '../wire.js'

interface Watch {
  /** Bytes down to which the queue must have gone. */
  enough: number
  /** It is being looked at again after a while. */
  armed: boolean
}

export class SendQueues {
  /** Peers for whom somebody waits. */
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
    return Math.max(this.onLine(side), side.held === undefined ? 0 : side.gossiping)
  }

  /** Would this be too much? One message always goes into an empty queue. */
  isFullFor(side: Side | undefined, size: number): boolean {
    const waiting = this.waitingFor(side)
    return waiting > 0 && waiting + size > this.limit
  }

  /** `drained` is called once there is room for so many bytes and half of the limit is free: never in this instant. */
  watch(peer: string, size: number): void {
    const enough = Math.max(0, Math.min(this.limit / 2, this.limit - size))
    const watch = this.watched.get(peer)
    if (watch === undefined) this.watched.set(peer, { enough, armed: false })
    else watch.enough = Math.min(enough, watch.enough)
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
    const tooMuch = this.onLine(side) - watch.enough
    if (tooMuch > 0) {
      watch.armed = true
      this.wire.clock.after((tooMuch * 1_000) / this.wire.options.bandwidth, () => {
        watch.armed = false
        this.look(peer)
      })
    } else if (this.waitingFor(side) <= watch.enough) {
      this.watched.delete(peer)
      this.drained(peer)
    }
    // Else the network is cut: what arrives after that, or the end of the connection, comes here.
  }

  private onLine(side: Side): number {
    const { clock, options } = this.wire
    if (options.bandwidth === Infinity) return 0
    // Rounded: a sum of times is not exact.
    return Math.round((Math.max(0, side.busyUntil - clock.time) * options.bandwidth) / 1_000)
  }
}
