/**
 * Peers whose handlers compute: each keeps the process from everything else for as long as it takes. While peers ask whose handlers are
 * quick, those of all dear peers together have a quarter of the time. (What a handler computes after its first `await` nobody sees.)
 */
import { dueAt } from '../due.js'
import type { State } from '../state.js'
import { FIRST, type Account } from './state.js'

/** A handler that takes so long is dear, ms, and so is a peer whose handlers do on average … */
export const DEAR = 5
/** … and no longer than so long after a dear one, ms. */
const STAYS_DEAR = 10_000
/** A dear handler is followed by so many times as much time without one, while others ask … */
const REST = 3
/** … or have asked within this time, ms. */
const ASKS = 1_000
/** Of what the handlers of a peer take on average, the newest one counts for this part: one pause of the process makes nobody dear. */
const NEWEST = 1 / 8

/** A handler of the peer has taken so long, ms. Of those that are quick nothing is told. (It may have ended before that.) */
export function noteTime({ turns, now }: State, account: Account, ms: number): void {
  // Many that have not ended yet are no more than the longest of them on average.
  account.cost = Math.max(account.cost, Math.min(account.cost + ms * NEWEST, ms))
  if (account.ended <= 1) turns.firstCost = Math.min(turns.firstCost + ms * NEWEST, FIRST)
  if (ms < DEAR) return
  account.dearUntil = now + STAYS_DEAR
  turns.restUntil = Math.max(turns.restUntil, now) + REST * ms
}

/** A handler of the peer has ended, dear or quick. */
export function noteRun({ turns }: State, account: Account): void {
  if (account.ended++ === 0) turns.firstCost -= turns.firstCost * NEWEST
  if (account.cost !== 0) account.cost -= account.cost * NEWEST
}

/** What the next handler of the peer will take, as far as those before tell, ms; of who has had none, what the first ones of others took. */
export function expectedTime({ turns }: State, { ended, cost }: Account): number {
  return ended === 0 ? turns.firstCost : cost
}

function isDear({ now }: State, { cost, dearUntil }: Account): boolean {
  return cost >= DEAR && now < dearUntil
}

/** A handler of the peer begins to work. */
export function noteBegin(state: State, account: Account): void {
  if (isDear(state, account)) return
  const { turns, now } = state
  turns.quickPeer = account.peer
  turns.quickAt = now
}

/** Has the peer to leave the time to others? */
export function isResting(state: State, account: Account): boolean {
  const { turns, now } = state
  return now < turns.restUntil && isDear(state, account) && doOthersAsk(state, account)
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

/** How long a request of a dear peer would wait behind those of its peer while others ask, ms. In other cases nobody knows beforehand. */
export function expectedWait(state: State, account: Account): number {
  if (!isDear(state, account) || !doOthersAsk(state, account)) return 0
  return account.queue.size * account.cost * (1 + REST)
}

/** What its handlers cost on average, and for how long it counts as dear at most, ms; `undefined`: it is not dear. */
export function dearness(state: State, account: Account | undefined): { cost: number; for: number } | undefined {
  if (account === undefined || !isDear(state, account)) return undefined
  return { cost: Math.round(account.cost), for: account.dearUntil - state.now }
}

/** Of a request that waits, as the end of a sentence. */
export function whyDear(state: State, account: Account): string {
  const dear = dearness(state, account)
  return dear === undefined ? '' : `: its handlers keep the event loop for ${dear.cost} ms on average`
}
