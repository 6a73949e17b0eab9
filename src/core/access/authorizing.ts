/**
 * Asks the application whether a peer may come in. The network holds a connection back until it is told, so nothing of the peer
 * counts before that, and nothing of one that is admitted is lost. A peer is asked about once for each of its addresses, as long as it is
 * connected from there, for applications judge by both. When more want to come in than can be asked about, ranges of addresses have turns, and
 * of each the newest goes first: the oldest have least time left.
 */
import { removeDeadline, setDeadline, takeExpired } from '../due.js'
import type { Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import { fits } from '../limits/shares.js'
import { DIALS } from '../parameters.js'
import { rangeOf } from '../peers/addresses.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { isAuthorized, nameOf, noteYes, revokeYeses } from './answers.js'
import { tell } from './audit.js'
import { refuseDial } from './hang-up.js'
import { NOT_AUTHORIZED, textOfBar } from './lists.js'
import { whyBarred } from './rules.js'
import type { Authorization } from './state.js'

/**
 * Peers that wait for an answer, in all; an eighth of it is for those that the config names. A range of addresses may be as many of them as
 * there are places left.
 */
const MOST_WAITING = 1_024
/** Whoever waits has so long, ms: a dial of an address has 6 s, and has spent some of it on the handshake. */
const PATIENCE = DIALS.addressTimeout - 500
/** Each answer has so much weight in the mean of how long answers take. */
const WEIGHT = 1 / 8
/** Connections of one peer that wait. */
const MOST_VISITS = 8
/** Why somebody is not asked about. */
const TOO_MANY = 'too many wait for authorize'
const TOO_LATE = 'authorize was busy with others until it was too late for it'
/** A no holds for so long, ms: a peer that dials several addresses, or tries again at once, is one question. */
const FIRM = 1_000

/** Somebody has shown who it is, and waits at the door. */
export function onVisit(state: State, out: Effects, event: EventOf<'visit'>): void {
  const { visit, peer, address, inbound } = event
  const barredBy = whyBarred(state, peer, address)
  if (barredBy !== undefined) return refuse(state, out, event, textOfBar(barredBy))
  if (!state.settings.access.authorizes || isAuthorized(state, peer, address)) return answer(out, [visit], true)
  const { authorizing, now } = state
  const who = nameOf(peer, address)
  const known = authorizing.byName.get(who)
  if (known !== undefined) {
    const { visits } = authorizing.open.get(known)!
    if (visits.length >= MOST_VISITS) return refuse(state, out, event, 'too many connections of it wait for authorize')
    return void visits.push(visit)
  }
  if ((authorizing.declined.get(who) ?? -Infinity) > now) return refuse(state, out, event, NOT_AUTHORIZED)
  const range = rangeOf(address)
  if (!makeRoom(state, out, range, peer)) return refuse(state, out, event, TOO_MANY)
  const id = authorizing.nextId++
  const timeout = patienceOf(state)
  const rest = { since: now, askedAt: undefined, timeout }
  authorizing.open.set(id, { id, peer, address, inbound, range, visits: [visit], ...rest })
  authorizing.byName.set(who, id)
  authorizing.ranges.set(range, (authorizing.ranges.get(range) ?? 0) + 1)
  const turns = authorizing.turns.get(range)
  if (turns === undefined) authorizing.turns.set(range, [id])
  else turns.push(id)
  setDeadline(state, 'authorizing', id, timeout)
  askNext(state, out)
}

/** How long a visit may take in all, ms. */
function patienceOf({ settings }: State): number {
  return Math.max(PATIENCE, settings.limits.authorizeTimeout)
}

/** As long as the range has no room, the oldest one of the range of which most wait loses its place. False: nobody waits. */
function makeRoom(state: State, out: Effects, range: string, peer: string): boolean {
  const { open, ranges, turns } = state.authorizing
  const bounds = { total: MOST_WAITING, each: MOST_WAITING, trusted: isNamed(state.settings, peer) }
  while (!fits(ranges.get(range) ?? 0, 1, open.size, bounds)) {
    const crowd = [...turns.values()].reduce<number[]>((most, ids) => (ids.length > most.length ? ids : most), [])
    const [oldest] = crowd
    if (oldest === undefined) return false
    drop(state, out, open.get(oldest)!, TOO_MANY)
  }
  return true
}

/** Whoever may not come in any more is asked about anew when it may again. */
export function revokeAnswers(state: State, out: Effects): void {
  const { authorizing } = state
  revokeYeses(state)
  for (const one of [...authorizing.open.values()]) {
    const { id, peer, address, inbound, askedAt, visits } = one
    const why = whyBarred(state, peer, address)
    if (why === undefined) continue
    close(state, one)
    if (askedAt !== undefined) out.push({ type: 'cancelAuthorization', authorization: id, denied: true })
    tell(state, out, { kind: 'refused', peer, address, inbound, reason: textOfBar(why) })
    answer(out, visits, false)
  }
  askNext(state, out)
}

/** So many are asked about at once; the others have their turn when one of them is answered. */
function askNext(state: State, out: Effects): void {
  const { authorizing, settings } = state
  while (authorizing.asked < settings.limits.authorizing) {
    const authorization = takeTurn(state, out)
    if (authorization === undefined) return
    const { id, peer, address, inbound } = authorization
    removeDeadline(state, 'authorizing', id, authorization.timeout)
    authorization.timeout = Math.min(settings.limits.authorizeTimeout, timeLeft(state, authorization))
    setDeadline(state, 'authorizing', id, authorization.timeout)
    authorization.askedAt = state.now
    authorizing.asked++
    out.push({ type: 'authorize', authorization: id, peer, address, inbound })
  }
}

/**
 * The newest one of the range whose turn it is. If it is too late for that one, it is for all of the range. Questions are held by shares too: or
 * somebody of a range that asks for nothing else would wait until those of others are answered.
 */
function takeTurn(state: State, out: Effects): Authorization | undefined {
  const { turns, ranges, open, asked, answersTake } = state.authorizing
  const { authorizing: total } = state.settings.limits
  // An application that answers nobody must not make all but the very newest too late.
  const needed = Math.min(answersTake, patienceOf(state) / 2)
  for (const [range, ids] of turns) {
    const newest = open.get(ids[ids.length - 1]!)!
    const bounds = { total, each: total, trusted: isNamed(state.settings, newest.peer) }
    if (!fits(ranges.get(range)! - ids.length, 1, asked, bounds)) continue
    if (timeLeft(state, newest) > needed) {
      ids.pop()
      turns.delete(range)
      if (ids.length > 0) turns.set(range, ids)
      return newest
    }
    for (const id of [...ids]) drop(state, out, open.get(id)!, TOO_LATE)
  }
  return undefined
}

function timeLeft(state: State, { since }: Authorization): number {
  return since + patienceOf(state) - state.now
}

/** The application has answered. */
export function onAuthorized(state: State, out: Effects, command: CommandOf<'authorized'>): void {
  const authorization = state.authorizing.open.get(command.authorization)
  if (authorization === undefined) return
  close(state, authorization)
  if (command.admitted) admit(state, out, authorization)
  else decline(state, out, authorization, 'unauthorized', command.failed ? 'authorize failed' : 'authorize has said no')
  askNext(state, out)
}

/** Those whose time is over. Only then the next ones have their turn. */
export function expireAuthorizations(state: State, out: Effects): void {
  const expired = takeExpired(state, 'authorizing')
  for (const id of expired) expireOne(state, out, state.authorizing.open.get(id)!)
  if (expired.length > 0) askNext(state, out)
}

/** It has not answered in time: that is a no. */
function expireOne(state: State, out: Effects, authorization: Authorization): void {
  if (authorization.askedAt === undefined) return drop(state, out, authorization, TOO_LATE)
  close(state, authorization)
  out.push({ type: 'cancelAuthorization', authorization: authorization.id, denied: false })
  decline(state, out, authorization, 'unauthorized', `authorize has not answered within ${authorization.timeout} ms`)
}

/** It is not asked about. */
function drop(state: State, out: Effects, authorization: Authorization, reason: string): void {
  close(state, authorization)
  decline(state, out, authorization, 'refused', reason)
}

function close(state: State, { id, peer, address, range, askedAt, timeout }: Authorization): void {
  const { authorizing, now } = state
  removeDeadline(state, 'authorizing', id, timeout)
  authorizing.open.delete(id)
  authorizing.byName.delete(nameOf(peer, address))
  if (askedAt === undefined) leaveTurns(state, id, range)
  else {
    authorizing.asked--
    authorizing.answersTake += (now - askedAt - authorizing.answersTake) * WEIGHT
  }
  const left = authorizing.ranges.get(range)! - 1
  if (left === 0) authorizing.ranges.delete(range)
  else authorizing.ranges.set(range, left)
}

function leaveTurns({ authorizing: { turns } }: State, id: number, range: string): void {
  const ids = turns.get(range)!
  ids.splice(ids.indexOf(id), 1)
  if (ids.length === 0) turns.delete(range)
}

function admit(state: State, out: Effects, { peer, address, inbound, visits }: Authorization): void {
  noteYes(state, peer, address)
  tell(state, out, { kind: 'authorized', peer, address, inbound })
  answer(out, visits, true)
}

function decline(
  state: State,
  out: Effects,
  { peer, address, inbound, visits }: Authorization,
  kind: 'unauthorized' | 'refused',
  reason: string,
): void {
  tell(state, out, { kind, peer, address, inbound, reason })
  answer(out, visits, false)
  if (kind === 'unauthorized') noteDeclined(state, nameOf(peer, address))
  const dial = state.dials.get(peer)
  if (dial !== undefined) refuseDial(state, out, dial, `${NOT_AUTHORIZED}: ${reason}`)
}

function noteDeclined({ authorizing: { declined }, now }: State, name: string): void {
  for (const [other, until] of declined) {
    if (until > now) break
    declined.delete(other)
  }
  declined.delete(name)
  declined.set(name, now + FIRM)
}

function refuse(state: State, out: Effects, event: EventOf<'visit'>, reason: string): void {
  const { visit, peer, address, inbound } = event
  tell(state, out, { kind: 'refused', peer, address, inbound, reason })
  answer(out, [visit], false)
}

function answer(out: Effects, visits: readonly number[], admitted: boolean): void {
  for (const visit of visits) out.push({ type: 'admit', visit, admitted })
}
