/** Counts dropped messages and reports them once a turn of the event loop, so that a flood of them is no flood of events. */
import type { DropReason, PortEvent } from '../../core/port.js'
import { nextTurn } from '../../platform/timers.js'

type Drop = Extract<PortEvent, { type: 'gossipDropped' }>

export class Drops {
  private readonly pending = new Map<string, Drop>()

  constructor(private readonly emit: (event: PortEvent) => void) {}

  /** `topic`: only one of ours. Others are chosen by the sender, in any number and length. */
  count(peer: string, reason: DropReason, topic?: string, count = 1): void {
    const key = `${reason} ${peer} ${topic ?? ''}`
    const known = this.pending.get(key)
    if (known !== undefined) return void (known.count += count)
    if (this.pending.size === 0) nextTurn(() => this.report())
    const about = topic === undefined ? {} : { topic }
    this.pending.set(key, { type: 'gossipDropped', peer, ...about, reason, count })
  }

  private report(): void {
    const drops = [...this.pending.values()]
    this.pending.clear()
    for (const drop of drops) this.emit(drop)
  }
}
