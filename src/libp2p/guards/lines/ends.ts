/**
 * Ends of connections, in turns of the event loop. Each is heard by everything that knows of the connection, which takes most of a
 * millisecond, and two hundred may come in one turn, when a process or a network has gone.
 */
import type { MultiaddrConnection } from '@libp2p/interface'
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
  follow(connection: Pick<MultiaddrConnection, 'dispatchEvent'>): void {
    const dispatch = connection.dispatchEvent.bind(connection)
    connection.dispatchEvent = (event) => {
      if (event.type !== 'close') return dispatch(event)
      this.waiting.push(() => dispatch(event))
      this.hear()
      return true
    }
  }

  private hear(): void {
    while (this.heard < ENDS_AT_ONCE && this.waiting.length > 0) {
      this.heard++
      this.waiting.shift()!()
    }
    if (this.isPlanned) return
    this.isPlanned = true
    this.next(() => {
      this.isPlanned = false
      this.heard = 0
      if (this.waiting.length > 0) this.hear()
    })
  }
}
