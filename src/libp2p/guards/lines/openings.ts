/**
 * How often streams may be opened: a rate for each peer, for its range of addresses, and in all, and a number for each turn of the event
 * loop. What a stream was taken for is put back when it ends in good order, because then it was a request that was answered, whose
 * limits are others; so the rate bounds what is opened and reset, and what is left half open.
 */
import type { PerSecond } from '../../../core/limits/rate.js'
import { MUXER } from '../../defaults.js'
import { SharedRate, type Owner } from '../shared-rate.js'
import { OpeningTurns } from './opening-turns.js'

/** Of one connection. */
export interface Openings {
  /** 0: one was taken; otherwise how long to wait, ms; negative: until others have had their turn. */
  take(now: number): number
  /** The last wait was for what the peer itself has used, and not because of what others have. */
  readonly isOwn: boolean
  /** One has ended in good order. */
  putBack(): void
}

export class StreamRate {
  private readonly rate: SharedRate
  readonly turns = new OpeningTurns()

  constructor(rate: PerSecond) {
    this.rate = new SharedRate(rate, MUXER.leastStreams)
  }

  of(owner: Owner, now: number): Openings {
    const part = this.rate.of(owner, now)
    const turn = this.turns.of()
    return {
      take(at) {
        if (!turn.isFree()) return -1
        const wait = part.take(at)
        if (wait === 0) turn.use()
        return wait
      },
      get isOwn() {
        return part.isOwn
      },
      putBack: () => part.putBack(),
    }
  }
}
