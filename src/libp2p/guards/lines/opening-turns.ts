/** Streams are opened in turns of the event loop, so that many at once do not keep all others waiting. */
import { nextTurn } from '../../../platform/timers.js'
import { MUXER } from '../../defaults.js'

/** Of a turn, the part of one connection. */
export interface OpeningTurn {
  isFree(): boolean
  use(): void
}

export class OpeningTurns {
  private number = 0
  private used = 0
  private isPlanned = false
  private waiting: (() => void)[] = []

  of(): OpeningTurn {
    let [last, mine] = [-1, 0]
    return {
      isFree: () => this.used < MUXER.streamsPerTurn && (last !== this.number || mine < MUXER.streamsPerTurnEach),
      use: () => {
        mine = last === this.number ? mine + 1 : 1
        last = this.number
        this.used++
        this.plan()
      },
    }
  }

  /** Calls back when there is room again: who has waited longest is the first. */
  wait(go: () => void): void {
    this.waiting.push(go)
    this.plan()
  }

  private plan(): void {
    if (this.isPlanned) return
    this.isPlanned = true
    nextTurn(() => this.next())
  }

  private next(): void {
    this.isPlanned = false
    this.number++
    this.used = 0
    const all = this.waiting
    this.waiting = []
    let at = 0
    while (at < all.length && this.used < MUXER.streamsPerTurn) all[at++]!()
    // Whoever was not served to the end waits again, behind the others.
    this.waiting = [...all.slice(at), ...this.waiting]
    if (this.waiting.length > 0) this.plan()
  }
}
