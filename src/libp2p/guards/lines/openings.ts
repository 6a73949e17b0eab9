/**
 * How often streams may be opened, and how many frames may come: a rate for each peer, for its range of addresses, and in all. What a
 * stream was taken for is put back when it ends in good order, because then it was a request that was answered, whose limits are others;
 * so the rate bounds what is opened and reset, and what is left half open.
 */
import type { PerSecond } from '../../../core/limits/rate.js'
import { MUXER } from '../../defaults.js'
import { SharedRate, type Owner } from '../shared-rate.js'

/** Of one connection. */
export interface Taking {
  /** 0: one was taken; otherwise how long to wait, ms. */
  take(now: number): number
  /** The last wait was for what the peer itself has used, and not because of what others have. */
  readonly isOwn: boolean
}

export interface Openings extends Taking {
  /** One has ended in good order. */
  putBack(): void
}

export interface Rates {
  openings: Openings
  frames: Taking
}

export interface AllRates extends Rates {
  /** Frames of Noise. */
  sealed: Taking
}

export class LineRates {
  private readonly streams: SharedRate
  private readonly frames = new SharedRate(MUXER.frames, MUXER.leastFrames, MUXER.framesOfAll)
  private readonly sealed = new SharedRate(MUXER.frames, MUXER.leastFrames, MUXER.framesOfAll)

  constructor(streamRate: PerSecond) {
    this.streams = new SharedRate(streamRate, MUXER.leastStreams)
  }

  of(owner: Owner, now: number): AllRates {
    return {
      openings: this.streams.of(owner, now),
      frames: this.frames.of(owner, now),
      sealed: this.sealed.of(owner, now),
    }
  }
}
