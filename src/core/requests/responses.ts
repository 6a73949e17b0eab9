/**
 * What answers to our own requests hold while they come in parts: a peer that sends almost all of an answer, and stops, keeps no more than
 * its share (limits/shares.ts). Each has the room for all of it before more of it is asked for, so whatever has room can be completed.
 * The others wait at whoever sends them; what may come of these meanwhile has a second budget of the same size.
 */
import { shareOf } from '../limits/shares.js'
import type { State } from '../state.js'
import { accountOf, dropAccount } from './accounts.js'
import { hasShare } from './budget.js'
import type { AskingSession } from './session/state.js'
import type { Account, Arriving, RangeUse, RequestAsk, SessionCall } from './state.js'

/** The largest answer of late falls by this part of itself with each that is smaller. */
const DECAY = 8

/**
 * An answer, or a value of it, has begun, and comes in parts. `early`: bytes that may come of it before more is asked for. False: it has to
 * wait for room.
 */
export function beginArriving(state: State, ask: RequestAsk, size: number, early: number): boolean {
  const { responses, settings } = state
  const { responseBytes, responseBytesPerPeer } = settings.limits
  const account = accountOf(state, ask.peer)
  // One that is larger than a share takes the whole share, or it would wait for ever.
  const most = shareOf(responseBytes, responseBytesPerPeer)
  const arriving: Arriving = { account, size: Math.min(size, most), hasRoom: false, bytes: 0 }
  ask.arriving = arriving
  // Those of the peer that wait come first.
  if (account.early === 0 && hasRoomFor(state, arriving)) {
    take(state, arriving)
    return true
  }
  arriving.bytes = Math.min(size, early)
  addEarly(state, account, arriving.bytes)
  responses.waiting.add(ask.id)
  responses.due ||= isOver(state)
  return false
}

function hasRoomFor(state: State, { account, size }: Arriving): boolean {
  const { responseBytes, responseBytesPerPeer } = state.settings.limits
  return hasShare(state, account, 'responses', size, responseBytes, responseBytesPerPeer)
}

function take(state: State, arriving: Arriving): void {
  arriving.hasRoom = true
  arriving.bytes = arriving.size
  addResponses(state, arriving.account, arriving.size)
}

function addResponses({ budget }: State, account: Account, bytes: number): void {
  account.responses += bytes
  account.range.responses += bytes
  budget.all.responses += bytes
}

function addEarly({ budget }: State, account: Account, bytes: number): void {
  account.early += bytes
  account.range.early += bytes
  budget.all.early += bytes
}

/** All of it has come, or nothing more will. */
export function endArriving(state: State, ask: RequestAsk): void {
  const { arriving } = ask
  if (arriving === undefined) return
  const { responses } = state
  const { account, hasRoom, bytes } = arriving
  ask.arriving = undefined
  if (hasRoom) addResponses(state, account, -bytes)
  else {
    addEarly(state, account, -bytes)
    responses.waiting.delete(ask.id)
  }
  if (responses.waiting.size > 0) responses.due = true
  dropAccount(state, account)
}

/** More has come of answers that wait than is allowed. One alone may be larger. */
function isOver({ budget, responses, settings }: State): boolean {
  return budget.all.early > settings.limits.responseBytes && responses.waiting.size > 1
}

/** The request to end because of that: the newest one to whoever has most of them. */
export function oneTooMany(state: State): RequestAsk | undefined {
  if (!isOver(state)) return undefined
  const { budget, responses } = state
  const range = largest(budget.ranges.values())
  const account = largest([...budget.accounts.values()].filter((one) => one.range === range))
  let newest: RequestAsk | undefined
  for (const id of responses.waiting) {
    const ask = state.asks.open.get(id) as RequestAsk
    if (ask.arriving!.account === account) newest = ask
  }
  return newest
}

function largest<One extends Account | RangeUse>(all: Iterable<One>): One {
  return [...all].reduce((most, one) => (one.early > most.early ? one : most))
}

/** Those that have waited and have room now, in their order. */
export function placeWaiting(state: State): RequestAsk[] {
  const { responses } = state
  responses.due = false
  const placed: RequestAsk[] = []
  const full = new Set<Account>()
  for (const id of responses.waiting) {
    const ask = state.asks.open.get(id) as RequestAsk
    const arriving = ask.arriving!
    if (full.has(arriving.account)) continue
    if (!hasRoomFor(state, arriving)) {
      full.add(arriving.account)
      continue
    }
    addEarly(state, arriving.account, -arriving.bytes)
    take(state, arriving)
    responses.waiting.delete(id)
    placed.push(ask)
  }
  return placed
}

/**
 * So much more than the first frame may come of an answer over the session before anything is known of it, of the `most` that the line
 * carries: where many requests are open, as much as answers have taken of late, or nothing.
 */
export function lend(state: State, session: AskingSession<SessionCall>, most: number, first: number): number {
  const { responses, settings } = state
  const { responseBytes, responseBytesPerPeer } = settings.limits
  const free = Math.min(responseBytes / 2 - responses.lent, responseBytesPerPeer) - session.lent
  const more = most <= free ? most : Math.max(0, Math.min(most, session.largest - first))
  if (more > free) return 0
  session.lent += more
  responses.lent += more
  return more
}

export function endLoan({ responses }: State, session: AskingSession<SessionCall>, lent: number): void {
  session.lent -= lent
  responses.lent -= lent
}

/** An answer over the session has taken several frames. */
export function noteLargest(session: AskingSession<SessionCall>, bytes: number): void {
  session.largest = Math.max(bytes, session.largest - Math.floor(session.largest / DECAY))
}
