/**
 * Ends of connections, in turns of the event loop. Each is heard by everything that knows of the connection, which takes most of a
 * millisecond, and two hundred may come in one turn, when a process or a network has gone.
 */
import { StreamCloseEvent, type MultiaddrConnection } from '@libp2p/interface'
import { nextTurn } from '../../../platform/timers.js'

/** So many are heard of in a turn. */
export const ENDS_AT_ONCE = 8

export class Ends {
  /** In this turn. */
  private heard = 0
  private isPlanned = false
  /** In this order. */
  private readonly waiting: (() => void)[] = []

  constructor(private readonly next: (work: () => void) => void = nextTurn) {}

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

  private turn(): void {
    this.isPlanned = this.waiting.length > 0
    if (this.isPlanned) this.next(() => this.turn())
    const ends = this.waiting.splice(0, ENDS_AT_ONCE)
    this.heard = ends.length
    for (const end of ends) end()
  }
}
