/** Notices that the machine has slept, or that its clock was set. */

/**
 * Compares the two clocks every `interval` ms, and calls `jumped` when they have moved `jump` ms or more apart: with the ms by which
 * the wall clock has gone further than the monotonic one, negative if it was set back. On Linux the monotonic clock, and so every
 * timer, stands still while the machine sleeps. The returned function ends it.
 */
export function watchClock(
  { interval, jump }: { interval: number; jump: number },
  jumped: (by: number) => void,
): () => void {
  let apart = Date.now() - performance.now()
  const timer = setInterval(() => {
    const now = Date.now() - performance.now()
    const by = Math.round(now - apart)
    apart = now
    if (Math.abs(by) >= jump) jumped(by)
  }, interval).unref()
  return () => {
    clearInterval(timer)
  }
}
