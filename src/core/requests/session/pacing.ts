/**
 * How much of a large value may be in flight to us while small requests use the same connection. Bytes in flight are
 * encrypted, carried and decrypted before anything that is sent behind them, whatever order the sender chooses. So the
 * receiver of a large value gives credit for a small part of it at a time, and for all of it if no small request has
 * passed for a while. Pure rules on `Pace`.
 */

/** What both sessions of a connection know of its traffic. Plain data. */
export interface Pace {
  /** When a small request was last answered, in either direction, ms. */
  smallAt: number
  /** The shortest round trip so far, ms; 0: none was measured. */
  roundTrip: number
}

/** A request is small if neither its payload nor its answer is larger than a frame, bytes. */
const SMALL = 16_384
/** After this time without a small request, large values are not paced, ms. */
const CALM_AFTER = 1_000
/** Bytes of a large value that may be in flight beside small requests … */
const WINDOW = 32_768
/** … and per ms of the round trip, if that is more, because a longer round trip hides a longer wait. */
const WINDOW_PER_MS = 8_192

export function createPace(): Pace {
  return { smallAt: -Infinity, roundTrip: 0 }
}

/** A request was answered by one value; both sizes in bytes. */
export function onAnswered(pace: Pace, now: number, request: number, answer: number): void {
  if (request <= SMALL && answer <= SMALL) pace.smallAt = now
}

export function onRoundTrip(pace: Pace, ms: number): void {
  pace.roundTrip = pace.roundTrip === 0 ? ms : Math.min(pace.roundTrip, ms)
}

/** Have small requests passed lately? */
export function isPaced({ smallAt }: Pace, now: number): boolean {
  return now - smallAt < CALM_AFTER
}

/** Bytes of one value that may be in flight. */
export function windowOf(pace: Pace, now: number): number {
  return isPaced(pace, now) ? Math.max(WINDOW, WINDOW_PER_MS * pace.roundTrip) : Infinity
}

/** Credit to give to a value that has `credit` left and needs `missing` more to be complete; 0: none now. */
export function nextCredit(pace: Pace, now: number, credit: number, missing: number): number {
  const window = windowOf(pace, now)
  // Small amounts are saved up, because each costs a frame.
  return credit > window / 2 ? 0 : Math.max(0, Math.min(missing, window - credit))
}
