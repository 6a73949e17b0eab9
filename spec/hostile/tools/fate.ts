/** What becomes of an attacker, as far as it sees it: what it got done, what was refused it and why, when its lines ended. */

/** As JSON for the runner. */
export interface Outcome {
  /** Pieces of the attack that went out: sockets, streams, requests, messages. */
  done: number
  refused: Record<string, number>
  /** Lines that the other side has ended, by reason. */
  gone: Record<string, number>
  lines: number
  /** Of the time of all lines, how much they waited until they could write on. */
  waited: number
  /** When the first refusal or end came, ms since the attack began. */
  first: number | undefined
  /** The figure of the attack itself, where it has one. */
  figure: number | undefined
}

export class Fate {
  done = 0
  figure: number | undefined
  private lines = 0
  private waited = 0
  /** Waits that are not over. */
  private readonly waiting = new Set<{ since: number }>()
  private first: number | undefined
  private begun = performance.now()
  private readonly refusals = new Map<string, number>()
  private readonly ends = new Map<string, number>()

  /** Now the attack begins: what came before is no part of it. */
  begin(): void {
    this.begun = performance.now()
    this.first = undefined
    this.refusals.clear()
    this.ends.clear()
    this.waited = this.done = 0
    for (const wait of this.waiting) wait.since = this.begun
  }

  did(amount = 1): void {
    this.done += amount
  }

  line(): void {
    this.lines++
  }

  /** It waits from now on, until it calls what this gives. */
  waits(): () => void {
    const wait = { since: performance.now() }
    this.waiting.add(wait)
    return () => {
      if (this.waiting.delete(wait)) this.waited += performance.now() - wait.since
    }
  }

  refused(why: string, amount = 1): void {
    this.first ??= performance.now() - this.begun
    this.refusals.set(why, (this.refusals.get(why) ?? 0) + amount)
  }

  gone(why: string): void {
    this.first ??= performance.now() - this.begun
    this.ends.set(why, (this.ends.get(why) ?? 0) + 1)
  }

  outcome(): Outcome {
    const { done, lines, first, figure } = this
    let waited = this.waited
    for (const { since } of this.waiting) waited += performance.now() - since
    const whole = Math.max(1, lines) * Math.max(1, performance.now() - this.begun)
    return {
      ...{ done, lines, first, figure },
      refused: Object.fromEntries(this.refusals),
      gone: Object.fromEntries(this.ends),
      waited: Math.min(1, waited / whole),
    }
  }
}
