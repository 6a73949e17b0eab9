/**
 * Rules for the values of an answer (docs/session.md), which the edge follows too: what a value costs in credit, and what
 * happens to values for which there is no credit. No state.
 */
import type { Refusal } from '../effects.js'
import type { Overflow } from '../terms.js'

/** Each value costs this much in addition to its bytes, so that empty values are not free. */
export const VALUE_OVERHEAD = 32

export function valueCost(bytes: number): number {
  return bytes + VALUE_OVERHEAD
}

/** The policies. The index of each is its number on the wire. */
export const POLICIES: readonly Overflow[] = ['error', 'dropOldest', 'conflate']

/** How many values may wait if a caller gives a policy without a number. */
export const DEFAULT_BUFFER = 16

/** The refusal of a response over our limit. */
export function responseTooLarge(peer: string, limit: number): Refusal {
  return {
    code: 'ResponseTooLarge',
    message: `the response of ${peer} is larger than ${limit} bytes (maxResponseSize)`,
  }
}
