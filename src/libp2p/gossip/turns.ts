/**
 * The time of gossip. Messages are verified in one long chain of microtasks, and sockets and timers need a turn too: all peers together
 * have so much of a turn of the event loop, and whoever finds it used goes on in a later one, peer after peer.
 */
import { nextTurn } from '../../platform/timers.js'
import { GOSSIP_TURN } from '../defaults.js'

export class GossipTurns {
  /** In this order. */
  private readonly waiting: (() => void)[] = []
  /** When the time of this turn is over; `undefined`: it was not begun. */
  private until: number | undefined

  constructor(private readonly next: (work: () => void) => void = nextTurn) {}

  /** Those who wait. */
  get length(): number {
    return this.waiting.length
  }

  /** To be asked before each piece of work. `undefined`: there is time now; otherwise it resolves when there is. */
  pause(): Promise<void> | undefined {
    if (this.until === undefined) this.begin()
    else if (performance.now() >= this.until) return new Promise((resolve) => this.waiting.push(resolve))
    return undefined
  }

  private begin(): void {
    this.until = performance.now() + GOSSIP_TURN
    this.next(() => this.over())
  }

  /** One goes on in each turn, and has all the time of it if it needs that. */
  private over(): void {
    this.until = undefined
    const first = this.waiting.shift()
    if (first === undefined) return
    this.begin()
    first()
  }
}
