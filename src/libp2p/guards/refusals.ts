/** Counts what is refused to whom, and reports it once a second at most, so that a flood is no flood of events. */
import type { PortEvent, RefusedKind } from '../../core/port.js'

type Refused = Extract<PortEvent, { type: 'refused' }>

/** Peers and kinds that are told in one second; what is more is not. */
const MOST = 256
const INTERVAL = 1_000

export class Refusals {
  /** Called with what is reported. For one listener to set. */
  emit: (event: PortEvent) => void = () => undefined
  private readonly pending = new Map<string, Refused>()

  /** `hungUp`: its connection is closed for that. */
  count(peer: string, what: RefusedKind, { amount = 1, hungUp = false } = {}): void {
    const key = `${what} ${peer}`
    const known = this.pending.get(key)
    if (known !== undefined) {
      known.count += amount
      if (hungUp) known.hungUp = true
      return
    }
    if (this.pending.size >= MOST) return
    if (this.pending.size === 0) setTimeout(() => this.report(), INTERVAL).unref()
    this.pending.set(key, { type: 'refused', peer, what, count: amount, ...(hungUp && { hungUp }) })
  }

  private report(): void {
    const all = [...this.pending.values()]
    this.pending.clear()
    for (const one of all) this.emit(one)
  }
}
