/**
 * The addresses of one dial, and when each of them has its turn (RFC 8305): the best first, the next one when the last began
 * some time ago or when one has failed. Of many the next one comes sooner, so that each has its turn in time. Pure: it is told the
 * time. Every port uses it.
 */
import { DIALS } from '../parameters.js'
import type { Attempt } from '../port.js'
import { inOrder, type Candidate } from './addresses.js'

/** So many addresses are named in a message. */
const NAMED = 10

/** Why a dial failed, with the addresses that were tried; empty: none was. `left`: how many were not tried. */
export function reasonsOf(tried: readonly Attempt[], left = 0): string {
  const parts = tried.slice(0, NAMED).map(({ address, reason }) => `${address}: ${reason}`)
  const others = tried.slice(NAMED).map(({ reason }) => reason)
  if (others.length > 0) parts.push(`${others.length} other addresses: ${[...new Set(others)].join(', ')}`)
  if (left > 0) parts.push(`${left} more were not tried`)
  return parts.join('; ')
}

export class Race {
  private waiting: Candidate[] = []
  private readonly offered = new Set<string>()
  private running = 0
  private nextAt = -Infinity
  private begun = 0
  private beganAt: number | undefined

  /** Adds addresses, at any time. One that was added before is left out. `own`: the addresses of this node. */
  offer(candidates: Candidate[], own: string[]): void {
    this.waiting = inOrder([...this.waiting, ...this.fresh(candidates)], own)
  }

  /** An address that has had its turn, a name, stands for these: they are next. `isFirst`: none of them was known before. */
  replace(candidates: Candidate[], own: string[], isFirst: boolean): void {
    this.waiting = [...inOrder(this.fresh(candidates), own), ...this.waiting]
    if (isFirst) this.nextAt = -Infinity
  }

  private fresh(candidates: Candidate[]): Candidate[] {
    const fresh = candidates.filter(({ address }) => !this.offered.has(address))
    for (const { address } of fresh) this.offered.add(address)
    return fresh
  }

  /** The address to try now, if there is one. */
  take(now: number): string | undefined {
    if (this.due > now) return undefined
    this.running++
    this.begun++
    this.beganAt ??= now
    const { address } = this.waiting.shift()!
    this.nextAt = now + this.stagger(this.beganAt + DIALS.allWithin - now)
    return address
  }

  private stagger(time: number): number {
    const share = Math.floor(time / Math.max(1, this.waiting.length))
    return Math.min(DIALS.stagger, Math.max(DIALS.shortestStagger, share))
  }

  /** An attempt has failed: its place is free, and the next one need not wait. */
  failed(): void {
    this.replaced()
    this.nextAt = -Infinity
  }

  /** All that an address stands for is known. */
  replaced(): void {
    this.running--
  }

  /** When the next address is to be tried; `Infinity`: not before one fails, or is added. */
  get due(): number {
    return this.waiting.length === 0 || this.begun >= DIALS.addresses ? Infinity : this.nextAt
  }

  /** How many have had no turn. */
  get left(): number {
    return this.waiting.length
  }

  /** Nothing is being tried or waits for its turn. */
  get isOver(): boolean {
    return this.running === 0 && this.due === Infinity
  }
}
