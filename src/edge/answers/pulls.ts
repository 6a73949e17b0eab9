/**
 * Producers that are pulled take turns: all of them together have some of each turn of the event loop, so that sockets, timers and other
 * requests come between, however much they produce without a pause. Those that wait are served by peer, one value each.
 */

/** Pulls may take so long together in one turn of the event loop, with what is done for their values, ms … */
const SHARE = 5
/** … and so many of those that have waited begin in one. */
const MOST = 128

export class Pulls {
  /** When this turn's time is used up; `undefined`: nothing was pulled in it. */
  private endsAt: number | undefined
  /** Peer id → its pulls that wait. The first peer is the next. */
  private readonly waiting = new Map<string, (() => void)[]>()

  /** `now`: in ms, of a clock that goes on while users' code runs. `later`: runs work when sockets have been read since. */
  constructor(
    private readonly now: () => number,
    private readonly later: (work: () => void) => void,
  ) {}

  /** Pulls at once or, if this turn's time is used up, in a later one. */
  run(peer: string, pull: () => void): void {
    const endsAt = this.endsAt ?? this.begin()
    if (this.waiting.size === 0 && this.now() < endsAt) return pull()
    const own = this.waiting.get(peer)
    if (own === undefined) this.waiting.set(peer, [pull])
    else own.push(pull)
  }

  private begin(): number {
    this.later(this.onTurn)
    return (this.endsAt = this.now() + SHARE)
  }

  private readonly onTurn = (): void => {
    this.endsAt = undefined
    if (this.waiting.size === 0) return
    const endsAt = this.begin()
    let begun = 0
    // A peer that still waits goes to the end of the map, where this loop meets it again.
    for (const [peer, pulls] of this.waiting) {
      const pull = pulls.shift()!
      this.waiting.delete(peer)
      if (pulls.length > 0) this.waiting.set(peer, pulls)
      pull()
      if (++begun >= MOST || this.now() >= endsAt) return
    }
  }
}
