/**
 * Ends of connections, in turns of the event loop. Each is heard by everything that knows of the connection, which takes most of a
 * millisecond, and two hundred may come in one turn, when a process or a network has gone.
 */
import { StreamCloseEvent, type MultiaddrConnection } from '@libp2p/interface'
import { nextTurn } from '../../../platform/timers.js'

/** So many are heard of in a turn, or as many as take so long, ms. */
export const ENDS_AT_ONCE = 8
const TIME = 4

export class Ends {
  /** In this turn. */
  private heard = 0
  private isPlanned = false
  /** In this order. */
  private readonly waiting: (() => void)[] = []

  constructor(
    private readonly next: (work: () => void) => void = nextTurn,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** To be called before others listen. What has come over the connection is heard before its end. */
  follow(connection: Pick<MultiaddrConnection, 'addEventListener' | 'dispatchEvent'>): void {
    let isDue = false
    connection.addEventListener('close', (event) => {
      if (isDue || this.isFree()) return
      event.stopImmediatePropagation()
      this.waiting.push(() => {
        isDue = true
        // An event that was stopped stays so.
        connection.dispatchEvent(new StreamCloseEvent(event.local, event.error))
      })
    })
  }

  /** May one more be heard of in this turn? */
  private isFree(): boolean {
    if (!this.isPlanned) {
      this.isPlanned = true
      this.next(() => this.turn())
    }
    if (this.heard === ENDS_AT_ONCE || this.waiting.length > 0) return false
    this.heard++
    return true
  }

  /** Those of sockets that never became a connection take next to no time: there may be more of these in a turn. */
  private turn(): void {
    this.isPlanned = this.waiting.length > 0
    if (!this.isPlanned) return void (this.heard = 0)
    this.next(() => this.turn())
    this.heard = ENDS_AT_ONCE
    const until = this.now() + TIME
    for (let heard = 0; heard < ENDS_AT_ONCE || this.now() < until; heard++) {
      const end = this.waiting.shift()
      if (end === undefined) return
      end()
    }
  }
}
