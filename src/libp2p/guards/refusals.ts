/** Counts what is refused to whom, and reports it once a second at most, so that a flood is no flood of events. */
import type { PortEvent, RefusedKind } from '../../core/port.js'

type Refused = Extract<PortEvent, { type: 'refused' }>

/** Peers and kinds that are told in one second; what is more is not. */
const MOST = 256
const INTERVAL = 1_000

/** For what something is refused: `own`: the peer has used up what is its own; otherwise others have used what it shares with them. */
export interface Blame {
  readonly own: boolean
}

export const OWN: Blame = { own: true }
export const OTHERS: Blame = { own: false }

/** `hungUp`: its connection is closed for that. Without `own` it is not to blame. */
export type Refuse = (
  peer: string,
  what: RefusedKind,
  how?: Partial<Blame> & { hungUp?: boolean; count?: number },
) => void

export class Refusals {
  /** Called with what is reported. For one listener to set. */
  emit: (event: PortEvent) => void = () => undefined
  private readonly pending = new Map<string, Refused>()

  readonly count: Refuse = (peer, what, { own = false, hungUp = false, count = 1 } = {}) => {
    const key = `${what} ${peer}`
    const known = this.pending.get(key)
    if (known !== undefined) {
      known.count += count
      if (own) known.own = true
      if (hungUp) known.hungUp = true
      return
    }
    if (this.pending.size >= MOST) return
    if (this.pending.size === 0) setTimeout(() => this.report(), INTERVAL).unref()
    this.pending.set(key, { type: 'refused', peer, what, count, ...(own && { own }), ...(hungUp && { hungUp }) })
  }

  private report(): void {
    const all = [...this.pending.values()]
    this.pending.clear()
    for (const one of all) this.emit(one)
  }
}
