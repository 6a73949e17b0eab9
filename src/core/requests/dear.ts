/**
 * Peers whose handlers compute: each keeps the process from everything else for as long as it takes. While peers ask whose handlers are
 * quick, those of all dear peers together have a quarter of the time.
 */
import { dueAt } from '../due.js'
import type { State } from '../state.js'
import type { Account } from './state.js'

/** A handler that takes so long is dear, ms … */
const DEAR = 5
/** … and so is its peer for so long, ms. */
const STAYS_DEAR = 10_000
/** A dear handler is followed by so many times as much time without one, while others ask … */
const REST = 3
/** … or have asked within this time, ms. */
const ASKS = 1_000
/** Of what a dear handler takes, the newest figure counts for this part. */
const NEWEST = 1 / 4

/** A handler of the peer has taken so long, ms. */
export function noteTime({ turns, now }: State, account: Account, ms: number): void {
  if (ms < DEAR) return
  account.cost = account.cost === 0 ? ms : account.cost + (ms - account.cost) * NEWEST
  account.dearUntil = now + STAYS_DEAR
  turns.restUntil = Math.max(turns.restUntil, now) + REST * ms
}

/** A handler of the peer begins to work. */
export function noteBegin({ turns, now }: State, { peer, dearUntil }: Account): void {
  if (now < dearUntil) return
  turns.quickPeer = peer
  turns.quickAt = now
}

/** Has the peer to leave the time to others? */
export function isResting(state: State, account: Account): boolean {
  const { turns, now } = state
  return now < turns.restUntil && now < account.dearUntil && doOthersAsk(state, account)
}

function doOthersAsk({ turns, now }: State, { peer }: Account): boolean {
  return now - turns.quickAt < ASKS && turns.quickPeer !== peer
}

/** The requests of a peer wait until it has rested. */
export function restLater(state: State): void {
  dueAt(state, 'handlers', state.turns.restUntil)
}

/** When peers have rested whose requests wait; `Infinity`: none do. */
export function nextRested({ turns, now }: State): number {
  return turns.peers.size > 0 && turns.restUntil > now ? turns.restUntil : Infinity
}

/** How long a request would wait behind those of its peer that wait, ms. Of a peer that is not dear nobody knows. */
export function expectedWait(state: State, account: Account): number {
  const { queue, cost, dearUntil } = account
  if (state.now >= dearUntil) return 0
  return queue.size * cost * (doOthersAsk(state, account) ? 1 + REST : 1)
}

/** What its handlers cost, and for how long it counts as dear, ms; `undefined`: it is not dear. */
export function dearness({ now }: State, account: Account | undefined): { cost: number; for: number } | undefined {
  if (account === undefined || now >= account.dearUntil) return undefined
  return { cost: Math.round(account.cost), for: account.dearUntil - now }
}

/** Of a request that waits, as the end of a sentence. */
export function whyDear(state: State, account: Account): string {
  const dear = dearness(state, account)
  return dear === undefined ? '' : `: its handlers keep the event loop for ${dear.cost} ms each`
}
