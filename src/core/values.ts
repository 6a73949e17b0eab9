/** What a value of an answer costs, in credit. The protocol's rule (docs/session.md), which the edge counts by too. */

/** Each value costs this beside its bytes, so that empty ones are not free. */
export const VALUE_OVERHEAD = 32

export function valueCost(bytes: number): number {
  return bytes + VALUE_OVERHEAD
}
