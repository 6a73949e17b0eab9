/**
 * What comes over connections is handed on in turns of the event loop, so that whoever says much at once does not keep all others waiting: a
 * socket is read up to 32 times in a turn, and its 2 MiB may be a hundred thousand frames.
 */
import { nextTurn } from '../../../platform/timers.js'
import { MUXER } from '../../defaults.js'

/** Of a turn, the part of one connection. */
export interface Turn {
  isFree(): boolean
  use(work: number): void
}

export class Turns {
  private number = 0
  private used = 0
  private isPlanned = false
  private waiting: (() => void)[] = []

  of(): Turn {
    let [last, mine] = [-1, 0]
    return {
      isFree: () => {
        const its = last === this.number ? mine : 0
        // Whoever says little does not wait behind those who say much.
        return its < (this.used < MUXER.perTurn ? MUXER.perTurnEach : MUXER.leastPerTurn)
      },
      use: (work) => {
        mine = last === this.number ? mine + work : work
        last = this.number
        this.used += work
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
    while (at < all.length && this.used < MUXER.perTurn) all[at++]!()
    // Whoever was not served to the end waits again, behind the others.
    this.waiting = [...all.slice(at), ...this.waiting]
    if (this.waiting.length > 0) this.plan()
  }
}
