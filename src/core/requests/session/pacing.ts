/**
 * How much of a large value may be under way to us. Bytes that are under way are encrypted, carried and decrypted before
 * anything that is sent behind them, whatever order the sender chooses. So the receiver of a large value gives credit for no
 * more than what the line has shown to carry in a moment, and for less while small requests use the same connection. Pure
 * rules on `Pace`.
 */
import { FIRST_FLIGHT } from '../../../wire/session/format.js'

/** What both sessions of a connection know of its traffic. Plain data. */
export interface Pace {
  /** When a small request was last answered, in either direction, ms. */
  smallAt: number
  /** The shortest round trip so far, ms; 0: none was measured. */
  roundTrip: number
  /** With how many bytes per ms a large value comes; 0: that is not known yet. */
  rate: number
  /** The most of one that was given credit at once and came so fast, bytes: a line's buffers take the first bytes faster. */
  carried: number
}

/** What a session knows of a large value that is coming. */
export interface Arrival {
  /** What may still come without more credit, bytes. */
  readonly credit: number
  /** The size of the value, bytes. */
  readonly total: number
  readonly gathered: { readonly received: number } | undefined
  /** A measurement of the line that is under way. */
  round: Round | undefined
}

/** What may be under way at a moment comes in how long? If credit was given then, there is a whole round trip in it. */
export interface Round {
  readonly at: number
  readonly credited: boolean
  readonly bytes: number
  /** Its end: so much of the value has come. */
  readonly until: number
}

/** A request is small if neither its payload nor its answer is larger than a frame, bytes. */
const SMALL = 16_384
/** After this time without a small request, large values have the time of a calm line, ms. */
const CALM_AFTER = 1_000
/** Beside small requests no more than these bytes of a large value may be under way … */
const WINDOW = 32_768
/** … or so many per ms of the round trip, if that is more, because a longer round trip hides a longer wait. */
const WINDOW_PER_MS = 8_192
/** So long may what is sent behind a large value have to wait on the line, ms: while small requests come and go, and otherwise. */
const QUEUE = 300
const CALM_QUEUE = 500
/** Less would cost more in frames than it gains, bytes. */
const LEAST = 8_192
/** More credit is given at once only in steps of this factor, as long as it comes as fast. */
const GROWTH = 4
/** What took so long has shown the rate of a line, also if it is lower than before; else it was perhaps a pause of ours, ms. */
const LONG = 1_000
/** Otherwise a lower rate is believed bit by bit. */
const DECAY = 7 / 8

export function createPace(): Pace {
  return { smallAt: -Infinity, roundTrip: 0, rate: 0, carried: 0 }
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

/** Bytes of one value that may be under way. */
export function windowOf(pace: Pace, now: number): number {
  const { roundTrip, rate, carried } = pace
  if (rate === 0) return FIRST_FLIGHT
  const paced = isPaced(pace, now)
  // Twice the round trip, because credit is given in halves: with less the line would stand still in between.
  const shown = Math.min(rate * (2 * roundTrip + (paced ? QUEUE : CALM_QUEUE)), GROWTH * carried)
  const most = paced ? Math.max(WINDOW, WINDOW_PER_MS * roundTrip) : Infinity
  return Math.floor(Math.min(most, Math.max(LEAST, shown)))
}

/** So much of a large value has come. */
export function onPiece(pace: Pace, now: number, arrival: Arrival, received: number): void {
  const { round } = arrival
  if (round === undefined || received < round.until) return
  arrival.round = undefined
  learn(pace, round, Math.max(1, now - round.at))
}

/** The round has ended after so many ms. */
function learn(pace: Pace, { bytes, credited }: Round, elapsed: number): void {
  const rate = bytes / elapsed
  if (elapsed >= LONG && rate < pace.rate) {
    pace.rate = rate
    pace.carried = bytes
  } else if (credited) {
    // Without a round trip in it, it may have lain here when its first byte was seen.
    pace.rate = Math.max(rate, pace.rate * DECAY)
    pace.carried = Math.max(pace.carried, bytes)
  }
}

/** The credit to give now to a value that is coming, bytes; 0: none. `spare`: of its credit, what its sender keeps back. */
export function nextCredit(pace: Pace, now: number, arrival: Arrival, spare = 0): number {
  const received = arrival.gathered?.received ?? 0
  const credit = Math.max(0, arrival.credit - spare)
  const window = windowOf(pace, now)
  // Small amounts are saved up, because each costs a frame.
  const missing = Math.max(0, arrival.total - received - credit)
  const amount = credit > window / 2 ? 0 : Math.min(missing, window - credit)
  const credited = amount > 0
  if (arrival.round === undefined || (credited && !arrival.round.credited)) {
    const bytes = Math.min(credit + amount, arrival.total - received)
    arrival.round = { at: now, credited, bytes, until: received + bytes }
  }
  return amount
}
