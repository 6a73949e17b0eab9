/**
 * How often streams may be opened: a rate for each peer, for its range of addresses, and in all, and a number for each turn of the event
 * loop. What a stream was taken for is put back when it ends in good order, because then it was a request that was answered, whose
 * limits are others; so the rate bounds what is opened and reset, and what is left half open.
 */
import { Buckets, createBucket, putBack, take, waitFor, type PerSecond } from '../../../core/limits/rate.js'
import type { Bucket } from '../../../core/limits/state.js'
import { nextTurn } from '../../../platform/timers.js'
import { MUXER } from '../../defaults.js'

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

/** Of one connection. */
export interface Openings {
  /** 0: one was taken; otherwise how long to wait, ms; negative: until others have had their turn. */
  take(now: number): number
  /** The last wait was for what the peer itself has used, and not because of what others have. */
  isOwn: boolean
  /** One has ended in good order. */
  putBack(): void
}

export class StreamRate {
  private readonly peers: Buckets
  private readonly ranges: Buckets
  private readonly all = createBucket()
  private readonly least: Buckets
  readonly turns = new Turns()

  constructor(private readonly rate: PerSecond) {
    this.peers = new Buckets(rate, MOST)
    this.ranges = new Buckets(rate * OF_RANGE, MOST)
    this.least = new Buckets(MUXER.leastStreams, MOST)
  }

  of({ peer, range }: Owner, now: number): Openings {
    const own = this.peers.of(peer, now)
    const least = this.least.of(peer, now)
    const others: [Bucket, PerSecond][] = [
      [this.ranges.of(range, now), this.rate * OF_RANGE],
      [this.all, this.rate * OF_ALL],
    ]
    const { rate } = this
    const turn = this.turns.of()
    // Streams that were taken from the others too.
    let shared = 0
    return {
      isOwn: false,
      take(at) {
        if (!turn.isFree()) return -1
        let wait = waitFor(own, rate, at)
        this.isOwn = wait > 0
        if (wait === 0 && take(least, MUXER.leastStreams, at) > 0) {
          for (const [bucket, its] of others) wait = Math.max(wait, waitFor(bucket, its, at))
          if (wait > 0) return wait
          for (const [bucket, its] of others) take(bucket, its, at)
          shared++
        }
        if (wait > 0) return wait
        turn.use()
        return take(own, rate, at)
      },
      putBack() {
        putBack(own, rate)
        if (shared === 0) return
        shared--
        for (const [bucket, its] of others) putBack(bucket, its)
      },
    }
  }
}

/** Of a turn, the part of one connection. */
interface Turn {
  isFree(): boolean
  use(): void
}

/** Streams that are opened in one turn of the event loop, so that many at once do not keep all others waiting. */
export class Turns {
  private number = 0
  private used = 0
  private isPlanned = false
  private waiting: (() => void)[] = []

  of(): Turn {
    let [last, mine] = [-1, 0]
    return {
      isFree: () => this.used < MUXER.streamsPerTurn && (last !== this.number || mine < MUXER.streamsPerTurnEach),
      use: () => {
        mine = last === this.number ? mine + 1 : 1
        last = this.number
        this.used++
        this.plan()
      },
    }
  }

  /** Calls back when there is room again: who has waited longest is the first. */
  wait(go: () => void): void {
    this.waiting.push(go)
    this.plan()
  }

  private plan(): void {
    if (this.isPlanned) return
    this.isPlanned = true
    nextTurn(() => this.next())
  }

  private next(): void {
    this.isPlanned = false
    this.number++
    this.used = 0
    const all = this.waiting
    this.waiting = []
    let at = 0
    while (at < all.length && this.used < MUXER.streamsPerTurn) all[at++]!()
    // Whoever was not served to the end waits again, behind the others.
    this.waiting = [...all.slice(at), ...this.waiting]
    if (this.waiting.length > 0) this.plan()
  }
}
