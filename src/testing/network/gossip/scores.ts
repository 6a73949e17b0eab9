/**
 * What counts against a peer in pub/sub: messages that were invalid (P4) and misbehaviours (P7), in gossipsub's terms. Both
 * counts are squared, and decay once a second. They are brought up to date when they are read: no timer runs for them.
 */
import { SCORE } from '../../../core/parameters.js'
import type { Scoring } from '../../../core/pubsub.js'
import type { Clock } from '../clock.js'

interface Counts {
  invalid: number
  behaviour: number
  /** The second up to which they have decayed. */
  second: number
  /** Since when the peer is away; `undefined`: it is here. */
  awaySince: number | undefined
}

export class Scores {
  /** By peer. A peer without an offence has none. */
  private readonly counts = new Map<string, Counts>()

  constructor(
    private readonly clock: Clock,
    private readonly scoring: Scoring,
  ) {}

  of(peer: string): number {
    if (this.counts.size === 0) return 0
    const counts = this.counts.get(peer)
    if (counts === undefined) return 0
    this.decay(counts)
    const { invalid, behaviour } = counts
    if (invalid === 0 && behaviour === 0) {
      this.counts.delete(peer)
      return 0
    }
    const { invalidMessageWeight, behaviourWeight } = this.scoring
    return invalidMessageWeight * invalid * invalid + behaviourWeight * behaviour * behaviour
  }

  invalidMessage(peer: string): void {
    this.countsOf(peer).invalid++
  }

  misbehaved(peer: string, times: number): void {
    this.countsOf(peer).behaviour += times
  }

  /** A peer that goes away and comes back at once keeps its counts. */
  onGone(peer: string): void {
    const counts = this.counts.get(peer)
    if (counts === undefined) return
    this.decay(counts)
    counts.awaySince = this.clock.time
  }

  onCome(peer: string): void {
    const counts = this.counts.get(peer)
    if (counts?.awaySince === undefined) return
    if (this.clock.time - counts.awaySince > SCORE.retention) this.counts.delete(peer)
    counts.awaySince = undefined
    counts.second = this.second
  }

  private get second(): number {
    return Math.floor(this.clock.time / SCORE.decayInterval)
  }

  private countsOf(peer: string): Counts {
    let counts = this.counts.get(peer)
    if (counts === undefined) {
      counts = { invalid: 0, behaviour: 0, second: this.second, awaySince: undefined }
      this.counts.set(peer, counts)
    } else this.decay(counts)
    return counts
  }

  /** Multiplied second by second: `Math.pow` need not give the same bits on each version of Node. */
  private decay(counts: Counts): void {
    if (counts.awaySince !== undefined) return
    const { second } = this
    const { invalidMessageDecay, behaviourDecay } = this.scoring
    for (; counts.second < second && counts.invalid + counts.behaviour > 0; counts.second++) {
      counts.invalid = atLeast(counts.invalid * invalidMessageDecay)
      counts.behaviour = atLeast(counts.behaviour * behaviourDecay)
    }
    counts.second = second
  }
}

function atLeast(count: number): number {
  return count < SCORE.decayToZero ? 0 : count
}
