/**
 * What the line under a connection has shown. A ping waits behind our own bytes, so a test of a slow line must not be over before
 * they can have passed; but bytes that have passed, or that a line as fast as this one takes at once, are no reason to wait for a
 * peer that is gone. Both networks count by it.
 */

/** A line of which nothing is known may be as slow as this, bytes a second. */
export const SLOWEST = 25_000
/** When more is not known to have arrived, a ping finds out: a second of the slowest line. */
const UNPROVEN = 25_000
/** Fewer bytes show nothing of the rate: the buffers of any line take so many at once. */
const MEASURED = 65_536
/** What a line has shown counts for so long while little goes, ms. */
const REMEMBERED = 10_000

export const PROOFS = {
  /** So often it is looked whether a line has to be asked, ms. */
  interval: 1_000,
  /** So long its answer is waited for, ms. */
  timeout: 20_000,
} as const

/** The bytes before a ping, and when it was sent, ms. */
export interface Mark {
  sent: number
  at: number
}

export class Line {
  private rate = SLOWEST
  /** Bytes that may be under way, if the line is no slower than `rate`. */
  private underWay = 0
  private last: Mark
  private arrived = 0
  /** From here on its rate is measured, which was done the last time at … */
  private from: Mark
  private measuredAt: number

  constructor(now: number) {
    this.last = { sent: 0, at: now }
    this.from = this.last
    this.measuredAt = now
  }

  /** `sent`: all bytes that were given to it so far. */
  look(sent: number, now: number): Mark {
    // So little shows nothing. What goes now may show more.
    if (rateOf(this.from, this.last.sent, this.last.at) < SLOWEST) this.from = this.last
    const passed = (this.rate * (now - this.last.at)) / 1_000
    this.underWay = Math.max(0, this.underWay - passed) + sent - this.last.sent
    return (this.last = { sent, at: now })
  }

  /** Is so much of what was sent not known to have arrived that a ping is worth it? */
  isUnproven(sent: number): boolean {
    return sent - this.arrived >= UNPROVEN
  }

  /** A ping was answered, so what went before it has arrived. */
  answered(ping: Mark, now: number): void {
    this.arrived = Math.max(this.arrived, ping.sent)
    this.underWay = Math.min(this.underWay, this.last.sent - this.arrived)
    if (ping.sent - this.from.sent >= MEASURED) {
      this.rate = Math.max(SLOWEST, rateOf(this.from, ping.sent, now))
      this.from = ping
      this.measuredAt = now
    } else if (now - this.measuredAt >= REMEMBERED) {
      this.rate = SLOWEST
    }
  }

  /** How long a ping may take that is sent now, ms: its own time, and that of the bytes before it. */
  timeOf({ timeout, longest }: { timeout: number; longest: number }): number {
    return Math.max(timeout, Math.min(longest, timeout + Math.ceil((this.underWay * 1_000) / this.rate)))
  }
}

/** Bytes a second, at least, if all that was sent since then has arrived by now. */
function rateOf(since: Mark, sent: number, now: number): number {
  return ((sent - since.sent) * 1_000) / Math.max(1, now - since.at)
}
