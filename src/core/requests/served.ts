/**
 * Time of handlers that peers have had. Whoever has had least is next (start-time fair queuing: Goyal, Vin and Cheng, SIGCOMM 1996; what a
 * request costs is known afterwards). An identity costs nothing, so it is ranges of addresses that share the time, and the peers of a range
 * share its part. (Where addresses say nothing, each peer is a range.) It is counted in ms of a clock that goes on with whoever waits and
 * has had least, and while nobody waits with time. A range that has had less than that keeps a little of it, so a peer that asks now and
 * then, and for little, comes before those that always ask. Who is new has kept nothing, and is taken for as dear as those were of late
 * that were new.
 */
import type { State } from '../state.js'
import { DEAR, expectedTime } from './dear.js'
import type { Account } from './state.js'

/** What a handler counts that is too quick to be told (`handlerTook`), ms. */
const QUICK = 0.02
/** So much less than others one may have had, and so much more, ms. */
const [KEPT, MOST] = [20, 1_000]

/** What the peer's range has had. */
export function servedOf({ turns }: State, { range }: Account): number {
  return Math.max(range.served, turns.clock - KEPT)
}

/** What the peer has had, by the clock of its range. */
function ownOf({ served, range }: Account): number {
  return Math.max(served, range.clock - KEPT)
}

/**
 * Has the peer's range had less than the other one's? Counted is what it will have had when its next handler has ended, as far as those before
 * tell, up to `DEAR`: those beyond have their time in turns (dear.ts), and whoever had less long ago comes first.
 */
export function isBefore(state: State, account: Account, other: Account): boolean {
  const its = servedOf(state, account) + Math.min(expectedTime(state, account), DEAR)
  const others = servedOf(state, other) + Math.min(expectedTime(state, other), DEAR)
  return its < others || (its === others && account.range.served < other.range.served)
}

/** A handler of the peer begins. */
export function noteServed(state: State, account: Account): void {
  const { range } = account
  const own = ownOf(account)
  range.clock = Math.max(range.clock, own)
  account.served = more(own, QUICK, range.clock)
  range.served = more(servedOf(state, account), QUICK, state.turns.clock)
}

/** One that was to begin has not. */
export function takeBack(account: Account): void {
  account.served -= QUICK
  account.range.served -= QUICK
}

/** One has taken so long, ms. */
export function addServed({ turns }: State, account: Account, ms: number): void {
  const { range } = account
  account.served = more(account.served, ms, range.clock)
  range.served = more(range.served, ms, turns.clock)
}

function more(served: number, ms: number, clock: number): number {
  return Math.max(served, Math.min(served + ms, clock + MOST))
}

/** Has the peer had more than others of its range, by more than some quick handlers? If it is the last one of that: has the range? */
export function owes(state: State, { served, range }: Account): boolean {
  const { turns } = state
  if (range.accounts > 1) return served > range.clock + 1
  if (turns.peers.size === 0) passTime(state)
  return range.served > turns.clock + 1
}

/** Nobody who may have a handler has had less than this. */
export function advanceClock({ turns, now }: State, served: number): void {
  turns.clock = Math.max(turns.clock, served)
  turns.clockAt = now
}

/** Nobody waits: as much time has passed as anybody might have had. */
export function passTime({ turns, now }: State): void {
  if (now > turns.clockAt) turns.clock += now - turns.clockAt
  turns.clockAt = now
}
