/**
 * The accounts of peers that ask: what each uses is written there by budget.ts, held.ts and slots.ts, with what its range of addresses uses,
 * and here how many requests of it were answered or refused, and how many bytes have passed.
 */
import { peersChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { SLOWEST as SLOWEST_LINE } from '../peers/line.js'
import { rangeOfPeer } from '../peers/connections.js'
import type { State } from '../state.js'
import { owes } from './served.js'
import { nothingUsed, type Account, type Exchange, type RangeUse } from './state.js'

/** The account of a peer that is gone and whose handlers took long is kept for so long, ms: as long as it counts as dear. */
const REMEMBERED = 10_000
/** Handlers of a peer at once, before anything is known of its answers. */
export const FIRST_WINDOW = 4

/** The account of a peer, which is connected. */
export function accountOf(state: State, peer: string): Account {
  const { budget } = state
  let account = budget.accounts.get(peer)
  if (account === undefined) {
    const moved = { received: 0, sent: 0, leftAt: -Infinity }
    const range = joinRange(state, rangeOfPeer(state, peer))
    const none = {
      window: FIRST_WINDOW,
      served: range.clock,
      cost: 0,
      dearUntil: -Infinity,
      ended: 0,
      interval: 0,
      freedAt: -Infinity,
      queue: new Set<number>(),
      answered: 0,
      refused: 0,
      shown: 0,
      moved,
    }
    budget.accounts.set(peer, (account = { peer, range, ...nothingUsed(), ...none }))
  }
  return account
}

function joinRange({ budget: { ranges }, turns }: State, range: string): RangeUse {
  let use = ranges.get(range)
  if (use === undefined)
    ranges.set(range, (use = { range, accounts: 0, served: turns.clock, clock: 0, ...nothingUsed() }))
  use.accounts++
  return use
}

/** A connection of the peer is gone. */
export function onLeft(state: State, peer: string): void {
  const account = state.budget.accounts.get(peer)
  if (account !== undefined) dropAccount(state, account)
}

/**
 * The peer is not connected any more, or uses less: if it uses nothing, nothing is kept of it, unless its handlers took long: who connects
 * anew does not begin anew.
 */
export function dropAccount(state: State, account: Account): void {
  const { budget, connections, now } = state
  const { peer } = account
  if (isInUse(account) || connections.byPeer.has(peer)) return
  if (owes(state, account) || account.dearUntil > now) {
    budget.gone.delete(peer)
    budget.gone.set(peer, now + REMEMBERED)
    dueAt(state, 'accounts', now + REMEMBERED)
    return
  }
  remove(state, account)
}

function remove(state: State, { peer, range, shown }: Account): void {
  const { accounts, ranges } = state.budget
  accounts.delete(peer)
  if (shown > 0) peersChanged(state)
  range.accounts--
  if (range.accounts === 0) ranges.delete(range.range)
}

/** When the next account of a peer that is gone is dropped; `Infinity`: there is none. */
export function nextGone({ budget }: State): number {
  for (const until of budget.gone.values()) return until
  return Infinity
}

export function dropGone(state: State): void {
  const { budget, connections, now } = state
  for (const [peer, until] of budget.gone) {
    if (until > now) return
    budget.gone.delete(peer)
    const account = budget.accounts.get(peer)
    if (account !== undefined && !isInUse(account) && !connections.byPeer.has(peer)) remove(state, account)
  }
}

function isInUse({ exchanges, handlers, responses, early }: Account): boolean {
  return exchanges > 0 || handlers > 0 || responses > 0 || early > 0
}

/** So much more of the request has come. */
export function noteReceived({ account }: Exchange, bytes: number): void {
  account.moved.received += bytes
}

/** So much more of the answer was sent. A slow line is busy with it for long, and meanwhile takes nothing else. */
export function noteSent({ now }: State, { account }: Exchange, bytes: number): void {
  const { moved } = account
  moved.sent += bytes
  moved.leftAt = Math.max(moved.leftAt, now) + (bytes * 1_000) / SLOWEST_LINE
}

/** Bytes of all requests of this peer that have come or, while the exchange is answered, of all answers to it that have left. */
export function bytesMoved({ now }: State, { account, stage }: Exchange): number {
  const { received, sent, leftAt } = account.moved
  return stage === 'answering' ? sent - (Math.max(0, leftAt - now) * SLOWEST_LINE) / 1_000 : received
}

/** A request of the peer was answered, or refused. */
export function noteAnswered({ account }: Pick<Exchange, 'account'>): void {
  account.answered++
}

/** A request of the peer was refused. */
export function noteRefused(state: State, peer: string): void {
  accountOf(state, peer).refused++
}

/** What was refused by now may be seen. */
export function showRefused({ budget }: State): void {
  for (const account of budget.accounts.values()) account.shown = account.refused
}
