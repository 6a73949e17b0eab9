/**
 * How fast peers may gossip: what each says is counted as work and as bytes, and whoever has said more than its rate, or its range of
 * addresses more than all in it may, is read later. So its own queue fills, and nothing is lost that it does not drop itself.
 * It is no offence: who waits heeds the rate, and much of what a peer says it hands on for others.
 */
import type { Connection } from '@libp2p/interface'
import type { Limits } from '../../core/limits/limits.js'
import { Buckets, createBucket, spend } from '../../core/limits/rate.js'
import type { Bucket } from '../../core/limits/state.js'
import type { RefusedKind } from '../../core/port.js'
import { GOSSIP_OF_NAMED, GOSSIP_OF_RANGE, GOSSIP_PACED } from '../defaults.js'
import { rangeOfConnection } from '../guards/admission.js'

interface Pacing {
  readonly work: Bucket
  readonly bytes: Bucket
  /** How many times the rate it has. */
  readonly times: number
  range: string
  /** Nothing more is read before. */
  until: number
  /** It has a connection. What it has said before it went is read at once, because nobody waits for it. */
  here: boolean
  /** Ends the waits. */
  wake: Set<() => void>
}

export class Pace {
  private readonly peers = new Map<string, Pacing>()
  private readonly ranges: { work: Buckets; bytes: Buckets }

  constructor(
    private readonly limits: Limits,
    private readonly isNamed: (peer: string) => boolean,
    private readonly refused: (peer: string, what: RefusedKind) => void,
    private readonly now = () => performance.now(),
  ) {
    this.ranges = {
      work: new Buckets(limits.gossipRate * GOSSIP_OF_RANGE, GOSSIP_PACED),
      bytes: new Buckets(limits.gossipByteRate * GOSSIP_OF_RANGE, GOSSIP_PACED),
    }
  }

  meet(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void {
    const peer = connection.remotePeer.toString()
    const pacing = this.peers.get(peer) ?? this.add(peer)
    pacing.range = rangeOfConnection(connection)
    pacing.here = true
  }

  /** It is gone, or we are. */
  leave(peer: string): void {
    const pacing = this.peers.get(peer)
    if (pacing === undefined) return
    pacing.here = false
    for (const wake of [...pacing.wake]) wake()
  }

  /** The peer has made so much work. */
  work(peer: string, amount: number): void {
    const pacing = this.peers.get(peer) ?? this.add(peer)
    const { limits, ranges } = this
    const now = this.now()
    this.delay(pacing, now, spend(pacing.work, limits.gossipRate * pacing.times, now, amount))
    if (pacing.times === 1) this.delay(pacing, now, ranges.work.spend(pacing.range, now, amount))
  }

  /** … and has sent so many bytes. */
  bytes(peer: string, amount: number): void {
    const pacing = this.peers.get(peer) ?? this.add(peer)
    const { limits, ranges } = this
    const now = this.now()
    this.delay(pacing, now, spend(pacing.bytes, limits.gossipByteRate * pacing.times, now, amount))
    if (pacing.times === 1) this.delay(pacing, now, ranges.bytes.spend(pacing.range, now, amount))
  }

  /** It has said more than its rate, and has not waited for that yet. */
  owes(peer: string): boolean {
    const { until = 0 } = this.peers.get(peer) ?? {}
    return until !== 0 && until > this.now()
  }

  /** To be asked before anything of the peer is looked at. `undefined`: it may go on; otherwise it resolves when it may. */
  pause(peer: string): Promise<void> | undefined {
    const pacing = this.peers.get(peer)
    if (pacing === undefined || pacing.until === 0 || !pacing.here) return undefined
    const wait = pacing.until - this.now()
    if (wait <= 0) {
      pacing.until = 0
      return undefined
    }
    this.refused(peer, 'gossipRate')
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        pacing.wake.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, wait).unref()
      pacing.wake.add(wake)
    })
  }

  private delay(pacing: Pacing, now: number, wait: number): void {
    if (wait > 0) pacing.until = Math.max(pacing.until, now + wait)
  }

  /** It is not here yet, or not any more: what it said before it went is counted late. */
  private add(peer: string): Pacing {
    for (const [oldest, { here }] of this.peers) {
      if (this.peers.size < GOSSIP_PACED) break
      if (!here) this.peers.delete(oldest)
    }
    const pacing: Pacing = {
      ...{ work: createBucket(), bytes: createBucket(), until: 0, here: false, wake: new Set() },
      times: this.isNamed(peer) ? GOSSIP_OF_NAMED : 1,
      range: peer,
    }
    this.peers.set(peer, pacing)
    return pacing
  }
}
