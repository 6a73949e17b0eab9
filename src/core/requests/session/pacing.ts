/**
 * How much of a large value may be on its way to us while small requests come and go on the same connection. What is on its
 * way has to be encrypted, carried and decrypted before anything that is sent behind it, in whatever order the sender picks:
 * so whoever receives a large value gives credit for a little of it at a time. When nothing small has passed for a while,
 * all of it is given at once.
 */

/** What both sessions of a connection know of its traffic. Plain data. */
export interface Pace {
  /** When a small request was last answered, in either direction. */
  smallAt: number
  /** The shortest round trip that was measured, ms; 0 before the first. */
  roundTrip: number
}

/** A request is small if its payload and its answer fit into a frame each, bytes. */
const SMALL = 16_384
/** So long after the last small request there are none about, ms. */
const CALM_AFTER = 1_000
/** What may be on its way of a large value beside small requests, bytes … */
const WINDOW = 32_768
/** … and for each ms of a round trip, if that is more: who waits for 50 ms anyway has to wait behind more. */
const WINDOW_PER_MS = 8_192

export function createPace(): Pace {
  return { smallAt: -Infinity, roundTrip: 0 }
}

/** A request was answered, by one value; both sizes in bytes. */
export function onAnswered(pace: Pace, now: number, request: number, answer: number): void {
  if (request <= SMALL && answer <= SMALL) pace.smallAt = now
}

export function onRoundTrip(pace: Pace, ms: number): void {
  pace.roundTrip = pace.roundTrip === 0 ? ms : Math.min(pace.roundTrip, ms)
}

/** Are small requests about? */
export function isPaced({ smallAt }: Pace, now: number): boolean {
  return now - smallAt < CALM_AFTER
}

/** What may be on its way of one value, bytes. */
export function windowOf(pace: Pace, now: number): number {
  return isPaced(pace, now) ? Math.max(WINDOW, WINDOW_PER_MS * pace.roundTrip) : Infinity
}

/** What to give to a value that has this credit left, and lacks so much beyond it to be whole; 0: nothing now. */
export function nextCredit(pace: Pace, now: number, credit: number, missing: number): number {
  const window = windowOf(pace, now)
  // Not in crumbs.
  return credit > window / 2 ? 0 : Math.max(0, Math.min(missing, window - credit))
}
