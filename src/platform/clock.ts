/** Notices that the machine has slept, or that its clock was set. */

/** How often the two clocks are compared, ms. */
const INTERVAL = 1_000
/** Less than this is the slewing of a time service, or what lies between the two readings, ms. */
const JUMP = 2_000

/**
 * Calls `jumped` with the ms by which the wall clock has gone further than the monotonic one, negative if it was set back. On Linux
 * the monotonic clock, and so every timer, stands still while the machine sleeps. The returned function ends it.
 */
export function watchClock(jumped: (by: number) => void): () => void {
  let apart = Date.now() - performance.now()
  const timer = setInterval(() => {
    const now = Date.now() - performance.now()
    const by = Math.round(now - apart)
    apart = now
    if (Math.abs(by) >= JUMP) jumped(by)
  }, INTERVAL).unref()
  return () => {
    clearInterval(timer)
  }
}
