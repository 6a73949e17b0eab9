/**
 * The addresses of one dial, and when each of them has its turn (RFC 8305): the best first, the next one when the last began
 * some time ago or when one has failed, and a bounded number at once. Pure: it is told the time. Every port uses it.
 */
import { DIALS } from '../parameters.js'
import type { Attempt } from '../port.js'
import { inOrder, type Candidate } from './addresses.js'

/** Why a dial failed, with each address that was tried; empty: none was. */
export function reasonsOf(tried: readonly Attempt[]): string {
  return tried.map(({ address, reason }) => `${address}: ${reason}`).join('; ')
}

export class Race {
  private waiting: Candidate[] = []
  private readonly offered = new Set<string>()
  private running = 0
  private nextAt = -Infinity
  private begun = 0

  /** Adds addresses, at any time. One that was added before is left out. `own`: the addresses of this node. */
  offer(candidates: Candidate[], own: string[]): void {
    const fresh = candidates.filter(({ address }) => !this.offered.has(address))
    if (fresh.length === 0) return
    for (const { address } of fresh) this.offered.add(address)
    this.waiting = inOrder([...this.waiting, ...fresh], own)
  }

  /** The address to try now, if there is one. */
  take(now: number): string | undefined {
    if (this.due > now) return undefined
    this.running++
    this.begun++
    this.nextAt = now + DIALS.stagger
    return this.waiting.shift()!.address
  }

  /** An attempt has failed: its place is free, and the next one need not wait. */
  failed(): void {
    this.running--
    this.nextAt = -Infinity
  }

  /** When the next address is to be tried; `Infinity`: not before one fails, or is added. */
  get due(): number {
    if (this.waiting.length === 0 || this.running >= DIALS.parallel || this.begun >= DIALS.addresses) return Infinity
    return this.nextAt
  }

  /** Nothing is being tried or waits for its turn. */
  get isOver(): boolean {
    return this.running === 0 && this.due === Infinity
  }
}
