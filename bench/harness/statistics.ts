/** The arithmetic of a benchmark: medians, percentiles, and ratios that are paired by their rounds. */

/** The middle of the values; of an even number of them, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values)
  const half = sorted.length >> 1
  const upper = at(sorted, half)
  return sorted.length % 2 === 1 ? upper : (at(sorted, half - 1) + upper) / 2
}

/** The smallest of the values that at least `share` (above 0, up to 1) of them do not exceed: the nearest rank. */
export function percentile(values: ArrayLike<number>, share: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError(`a share is above 0 and at most 1, not ${share}`)
  const sorted = ascending(values)
  // The small term: 0.07 * 100 is a little more than 7.
  return at(sorted, Math.ceil(share * sorted.length - 1e-9) - 1)
}

/**
 * How many times `value` is `base`: the median of the ratios of the same round. The machine's speed drifts, and what ran
 * one after the other drifts together.
 */
export function pairedRatio(value: readonly number[], base: readonly number[]): number {
  if (value.length !== base.length) throw new RangeError('ratios need the same rounds on both sides')
  return median(value.map((one, round) => one / at(base, round)))
}

function ascending(values: ArrayLike<number>): Float64Array {
  if (values.length === 0) throw new RangeError('there is nothing to take the middle of')
  return Float64Array.from(values).sort()
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index]
  if (value === undefined) throw new RangeError(`there is no value ${index}`)
  return value
}
