/**
 * How many lines of a log there may be: strangers can cause many kinds of them, and must not fill a disk, nor hide one kind behind
 * another. It knows no clock and no log.
 */

/** Lines of one kind in one minute … */
export const LINES_OF_KIND = 100
const MINUTE = 60_000
/** … and kinds that are told apart. All others are one. */
const MOST_KINDS = 500

interface Kind {
  /** When its minute began, ms. */
  since: number
  lines: number
  untold: number
}

export class LogLines {
  private readonly kinds = new Map<string, Kind>()
  private lookAt = -Infinity

  /** May a line of this kind be told? `undefined`: it may not. Otherwise: how many of the kind before it were not told. */
  admit(name: string, now: number): number | undefined {
    const kind = this.kindOf(name)
    // A clock that was set back begins a minute too.
    if (now - kind.since >= MINUTE || now < kind.since) {
      kind.since = now
      kind.lines = 0
    }
    if (kind.lines >= LINES_OF_KIND) return void kind.untold++
    kind.lines++
    const { untold } = kind
    kind.untold = 0
    return untold
  }

  /** The kinds of which lines were not told, and none has come since: how many. Once for each. */
  takeOver(now: number): { kind: string; untold: number }[] {
    if (now < this.lookAt && this.lookAt - now <= MINUTE) return []
    this.lookAt = now + MINUTE
    const over: { kind: string; untold: number }[] = []
    for (const [name, kind] of this.kinds) {
      if (now - kind.since < MINUTE && now >= kind.since) continue
      if (kind.untold > 0) over.push({ kind: name, untold: kind.untold })
      this.kinds.delete(name)
    }
    return over
  }

  private kindOf(name: string): Kind {
    const known = this.kinds.get(name)
    if (known !== undefined) return known
    if (this.kinds.size >= MOST_KINDS && name !== '') return this.kindOf('')
    const kind = { since: -Infinity, lines: 0, untold: 0 }
    this.kinds.set(name, kind)
    return kind
  }
}
