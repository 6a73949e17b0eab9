/**
 * How often strangers may ask us for something: a rate for each peer, for each range of addresses, and in all. A peer that asks
 * little is answered whatever the others do.
 */
import type { Connection } from '@libp2p/interface'
import { Buckets, createBucket, take, type PerSecond } from '../../core/limits/rate.js'
import { rangeOf } from '../../core/peers/addresses.js'
import { OTHERS, OWN, type Blame } from './refusals.js'

/** What a range, and all together, have: so many times what one peer has. */
const OF_RANGE = 4
const OF_ALL = 20
/** What each peer has in any case. */
const LEAST: PerSecond = 2
/** Peers, and ranges, whose use is remembered. */
const MOST = 4_096

export class Admission {
  private readonly peers: Buckets
  private readonly ranges: Buckets
  private readonly least = new Buckets(LEAST, MOST)
  private readonly all = createBucket()

  constructor(
    /** Of one peer. */
    private readonly rate: PerSecond,
    private readonly now = () => performance.now(),
    private readonly ofAll = OF_ALL,
  ) {
    this.peers = new Buckets(rate, MOST)
    this.ranges = new Buckets(rate * OF_RANGE, MOST)
  }

  /** `undefined`: it is admitted. */
  refuses(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): Blame | undefined {
    return this.refusesOf(connection.remotePeer.toString(), rangeOfConnection(connection))
  }

  refusesOf(peer: string, range: string): Blame | undefined {
    const now = this.now()
    if (this.peers.take(peer, now) > 0) return OWN
    if (this.least.take(peer, now) === 0) return undefined
    const isAdmitted = this.ranges.take(range, now) === 0 && take(this.all, this.rate * this.ofAll, now) === 0
    return isAdmitted ? undefined : OTHERS
  }
}

export function rangeOfConnection({ remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>): string {
  return rangeOf(remoteAddr.toString(), remotePeer.toString())
}
