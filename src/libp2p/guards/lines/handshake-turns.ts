/**
 * Beginnings and last words of handshakes, one in each turn of the event loop, because what follows from each takes some milliseconds.
 * Last words come first: whoever only begins, and does that often, keeps nobody waiting who is nearly done, and none of our own dials.
 */
import type { MessageStream } from '@libp2p/interface'
import { nextTurn } from '../../../platform/timers.js'

type Waiting = [connection: Pick<MessageStream, 'status'>, go: () => void]

export class HandshakeTurns {
  private readonly beginnings: Waiting[] = []
  private readonly lastWords: Waiting[] = []
  private isPlanned = false

  constructor(private readonly next: (work: () => void) => void = nextTurn) {}

  /** Calls back in the turn of this one. */
  wait(what: 'beginning' | 'lastWord', connection: Waiting[0], go: () => void): void {
    const queue = what === 'beginning' ? this.beginnings : this.lastWords
    queue.push([connection, go])
    this.plan()
  }

  private plan(): void {
    if (this.isPlanned) return
    this.isPlanned = true
    this.next(this.turn)
  }

  private readonly turn = (): void => {
    this.isPlanned = false
    for (;;) {
      const next = this.lastWords.shift() ?? this.beginnings.shift()
      if (next === undefined) return
      const [{ status }, go] = next
      // One that has ended meanwhile takes no time.
      if (status === 'open') this.plan()
      go()
      if (status === 'open') return
    }
  }
}
