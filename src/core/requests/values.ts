/**
 * What a value of an answer costs, in credit, and what becomes of values for which there is none: the protocol's rules
 * (docs/session.md), which the edge goes by too.
 */
import type { Refusal } from '../effects.js'
import type { Overflow } from '../terms.js'

/** Each value costs this beside its bytes, so that empty ones are not free. */
export const VALUE_OVERHEAD = 32

export function valueCost(bytes: number): number {
  return bytes + VALUE_OVERHEAD
}

/** The policies; their places are their numbers on the wire. */
export const POLICIES: readonly Overflow[] = ['error', 'dropOldest', 'conflate']

/** How many values may wait if a caller names a policy and no number. */
export const DEFAULT_BUFFER = 16

/** A response over our own limit. */
export function responseTooLarge(peer: string, limit: number): Refusal {
  return {
    code: 'ResponseTooLarge',
    message: `the response of ${peer} is larger than ${limit} bytes (maxResponseSize)`,
  }
}
