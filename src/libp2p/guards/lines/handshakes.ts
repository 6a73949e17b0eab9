/**
 * Handshakes of others: how many may be under way, and begin in a second, in all and of each range of addresses. Nobody is known yet, and
 * each costs two signatures. When there is no place, the oldest one of whoever has most makes room, as in a cache of half-open TCP
 * connections (RFC 4987, 3.4 and 3.5): it has had the most time. They take no places of connections.
 */
import type { Limits } from '../../../core/limits/limits.js'
import { createShares, giveBack, hold, largestHolder, mayHold } from '../../../core/limits/shares.js'
import { rangeOf } from '../../../core/peers/addresses.js'
import { Admission } from '../admission.js'

/** What all ranges together may begin in a second, × what one may. */
const OF_ALL = 4
/** One that is younger makes no room for its own range, ms: whoever comes again and again must not push out all who are near it. */
const YOUNG = 1_000

interface Pending {
  address: string
  range: string
  since: number
  abort: () => void
}

export class Handshakes {
  private readonly pending = new Set<Pending>()
  private readonly shares = createShares()
  private readonly rate: Admission

  constructor(
    private readonly limits: Pick<Limits, 'handshakes' | 'handshakesPerRange' | 'handshakeRate'>,
    /** Is told the address. */
    private readonly refused: (address: string) => void,
    private readonly now = () => performance.now(),
  ) {
    this.rate = new Admission(limits.handshakeRate, now, OF_ALL)
  }

  /** One begins. `abort` breaks it off. Returns what is to be called at its end; `undefined`: it may not begin. */
  begin(address: string, abort: () => void): (() => void) | undefined {
    const range = rangeOf(address)
    if (this.rate.refusesOf(range, range) !== undefined || !this.hasRoom(range)) {
      this.refused(address)
      return undefined
    }
    const one: Pending = { address, range, since: this.now(), abort }
    this.pending.add(one)
    hold(this.shares, range, 1)
    return () => this.end(one)
  }

  private hasRoom(range: string): boolean {
    const { handshakes: total, handshakesPerRange: each } = this.limits
    if (mayHold(this.shares, range, 1, { total, each, trusted: true })) return true
    const largest = largestHolder(this.shares)!
    const own = this.shares.held.get(range) ?? 0
    const isOwn = own > 0 && (own >= each || own + 1 >= this.shares.held.get(largest)!)
    const oldest = this.oldestOf(isOwn ? range : largest)!
    if (isOwn && this.now() - oldest.since < YOUNG) return false
    this.end(oldest)
    oldest.abort()
    this.refused(oldest.address)
    return true
  }

  private oldestOf(range: string): Pending | undefined {
    for (const one of this.pending) if (one.range === range) return one
    return undefined
  }

  private end(one: Pending): void {
    if (this.pending.delete(one)) giveBack(this.shares, one.range, 1)
  }
}
