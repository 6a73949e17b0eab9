/**
 * A rate that many share: one for each peer, one for its range of addresses, and one in all. A peer that uses little is served
 * whatever the others do.
 */
import { Buckets, createBucket, putBack, take, waitFor, type PerSecond } from '../../core/limits/rate.js'
import type { Bucket } from '../../core/limits/state.js'

/** What a range, and all together, have: so many times what one peer has. */
const OF_RANGE = 4
const OF_ALL = 20
/** Peers, and ranges, whose use is remembered. */
const MOST = 4_096

/** Who is at the other end of a connection. */
export interface Owner {
  peer: string
  /** What it shares with all who are where it is. */
  range: string
}

export class SharedRate {
  private readonly peers: Buckets
  private readonly ranges: Buckets
  private readonly all = createBucket()
  private readonly leasts: Buckets

  constructor(
    /** Of one peer. */
    private readonly rate: PerSecond,
    /** What each peer has in any case. */
    private readonly least: PerSecond,
    private readonly ofAll = OF_ALL,
  ) {
    this.peers = new Buckets(rate, MOST)
    this.ranges = new Buckets(rate * OF_RANGE, MOST)
    this.leasts = new Buckets(least, MOST)
  }

  of({ peer, range }: Owner, now: number): Part {
    const { rate, least } = this
    return new Part(
      [this.peers.of(peer, now), rate],
      [this.leasts.of(peer, now), least],
      [
        [this.ranges.of(range, now), rate * OF_RANGE],
        [this.all, rate * this.ofAll],
      ],
    )
  }
}

type Metered = [Bucket, PerSecond]

/** The part of one owner. */
export class Part {
  /** The last wait was for what the peer itself has used, and not because of what others have. */
  isOwn = false
  /** What was taken from the others too. */
  private shared = 0

  constructor(
    private readonly own: Metered,
    private readonly least: Metered,
    private readonly others: readonly Metered[],
  ) {}

  /** Takes one. Returns 0 when it was taken, otherwise how long to wait until it would be, ms. */
  take(now: number): number {
    let wait = waitFor(...this.own, now)
    this.isOwn = wait > 0
    if (wait > 0) return wait
    if (take(...this.least, now) > 0) {
      for (const other of this.others) wait = Math.max(wait, waitFor(...other, now))
      if (wait > 0) return wait
      for (const other of this.others) take(...other, now)
      this.shared++
    }
    return this.takeOwn(now)
  }

  /** Of its own rate alone, as when one was asked for in vain. */
  takeOwn(now: number): number {
    return take(...this.own, now)
  }

  /** One that was taken counts for nothing. */
  putBack(): void {
    putBack(...this.own)
    if (this.shared === 0) return
    this.shared--
    for (const other of this.others) putBack(...other)
  }
}
