/**
 * Time of handlers that peers have had. Whoever has had least is next (start-time fair queuing: Goyal, Vin and Cheng, SIGCOMM 1996; what a
 * request costs is known afterwards). An identity costs nothing, so it is ranges of addresses that share the time, and the peers of a range
 * share its part. (Where addresses say nothing, each peer is a range.) It is counted in ms of a clock that goes on with whoever waits and
 * has had least, and while nobody waits with time. A range that has had less than that keeps a little of it, so a peer that asks now and
 * then, and for little, comes before those that always ask. Who is new has kept nothing, and is taken for as dear as those were of late
 * that were new.
 */
import type { State } from '../state.js'
import { expectedTime, isDear } from './dear.js'
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
 * Is the peer next, and not the other one? Whoever's range will have had less when its next handler has ended, as far as those before tell;
 * of two of one range, whoever has had less. Of two that are dear, which have their time in turns, the one whose range had its last handler
 * before.
 */
export function isBefore(state: State, account: Account, other: Account): boolean {
  const { range } = account
  if (range === other.range) return account.served < other.served
  if (isDear(state, account) && isDear(state, other)) return range.served < other.range.served
  return servedOf(state, account) + expectedTime(state, account) < servedOf(state, other) + expectedTime(state, other)
}

/** A handler of the peer begins. */
export function noteServed(state: State, account: Account): void {
  const { range } = account
  const own = ownOf(account)
  range.clock = Math.max(range.clock, own)
  account.served = own + QUICK
  range.served = servedOf(state, account) + QUICK
}

/** One that was to begin has not. */
export function takeBack(account: Account): void {
  account.served -= QUICK
  account.range.served -= QUICK
}

/** One has taken so long, ms. */
export function addServed({ turns }: State, account: Account, ms: number): void {
  const { range } = account
  account.served = Math.min(account.served + ms, range.clock + MOST)
  range.served = Math.min(range.served + ms, turns.clock + MOST)
}

/** Has the peer had more than others, by more than some quick handlers? If it is the last one of its range: has the range? */
export function owes({ turns }: State, { served, range }: Account): boolean {
  return served > range.clock + 1 || (range.accounts === 1 && range.served > turns.clock + 1)
}

/** Nobody waits who has had less than this. */
export function advanceClock({ turns, now }: State, served: number): void {
  turns.clock = Math.max(turns.clock, served)
  turns.clockAt = now
}

/** Nobody waits: as much time has passed as anybody might have had. */
export function passTime({ turns, now }: State): void {
  if (now > turns.clockAt) turns.clock += now - turns.clockAt
  turns.clockAt = now
}
