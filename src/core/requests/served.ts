/**
 * Time of handlers that peers have had. Whoever has had least is next (start-time fair queuing: Goyal, Vin and Cheng, SIGCOMM 1996; what a
 * request costs is known afterwards). It is counted in ms of a clock that goes on with whoever waits and has had least, and while nobody waits
 * with time. A peer that has had less than that keeps a little of it, so one that asks now and then, and for little, comes before those
 * that always ask; and before those of whose handlers nothing is known, or that they take longer. Who is new has kept nothing. A range of
 * addresses has its time too, because an identity costs nothing.
 */
import type { State } from '../state.js'
import type { Account } from './state.js'

/** What a handler counts that is too quick to be told (`handlerTook`), ms. */
const QUICK = 0.02
/** What the first handler of a peer is taken to cost, ms. */
const FIRST = 4
/** So much a peer may have had less than others, and so much more, ms. */
const [KEPT, MOST] = [20, 1_000]

/** What the peer has had. */
export function servedOf({ turns }: State, { served, range }: Account): number {
  return Math.max(served, range.served, turns.clock - KEPT)
}

/** What it will have had when its next handler has ended, as far as those before tell: whoever has least is next. */
export function servedNext(state: State, account: Account): number {
  return servedOf(state, account) + (account.answered === 0 ? FIRST : account.cost)
}

/** A handler of the peer begins. */
export function noteServed(state: State, account: Account): void {
  const least = state.turns.clock - KEPT
  const { range } = account
  account.served = Math.max(account.served, least) + QUICK
  range.served = Math.max(range.served, least) + QUICK
}

/** One that was to begin has not. */
export function takeBack(account: Account): void {
  account.served -= QUICK
  account.range.served -= QUICK
}

/** One has taken so long, ms. */
export function addServed({ turns }: State, account: Account, ms: number): void {
  const { range } = account
  account.served = Math.min(account.served + ms, turns.clock + MOST)
  range.served = Math.min(range.served + ms, turns.clock + MOST)
}

/** Has the peer had more than others, by more than some quick handlers? */
export function owes({ turns }: State, { served }: Account): boolean {
  return served > turns.clock + 1
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
