/**
 * Time limits of answers that nearly always come: one timer for all waits of the same length. A timer for each would be most of
 * what a clock holds, and nearly all of them would do nothing.
 */
import type { Clock } from './clock.js'

export class Timeouts<Wait> {
  /** By length, ms: what is waited for → when that is over, in the order of that time. */
  private readonly groups = new Map<number, Map<Wait, number>>()

  constructor(
    private readonly clock: Clock,
    private readonly over: (wait: Wait) => void,
  ) {}

  /** Calls `over` in `ms`, unless it ends before. */
  begin(wait: Wait, ms: number): void {
    const length = Math.max(1, Math.ceil(ms))
    let group = this.groups.get(length)
    if (group === undefined) {
      this.groups.set(length, (group = new Map<Wait, number>()))
      this.arm(length, length)
    }
    group.set(wait, this.clock.time + length)
  }

  /** The answer has come, or is no longer needed. False: its time was over already. */
  end(wait: Wait, ms: number): boolean {
    return this.groups.get(Math.max(1, Math.ceil(ms)))?.delete(wait) === true
  }

  private arm(length: number, delay: number): void {
    this.clock.after(delay, () => {
      this.expire(length)
    })
  }

  private expire(length: number): void {
    const group = this.groups.get(length)!
    for (const [wait, at] of group) {
      if (at > this.clock.time) return this.arm(length, at - this.clock.time)
      group.delete(wait)
      this.over(wait)
    }
    this.groups.delete(length)
  }
}
