/**
 * Asks the application whether a peer may come in. The network holds a connection back until it is told, so nothing of the peer
 * counts before that, and nothing of one that is admitted is lost. A peer is asked about once while it is connected.
 */
import { dueAt, removeDeadline, setDeadline, takeExpired } from '../due.js'
import type { Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import { fits } from '../limits/shares.js'
import { rangeOf } from '../peers/addresses.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import { tell } from './audit.js'
import { refuseDial } from './hang-up.js'
import { NOT_AUTHORIZED, textOfBarred } from './lists.js'
import { whyBarred } from './rules.js'
import type { Authorization } from './state.js'

/**
 * Peers that wait for an answer, in all; an eighth of it is for those that the config names. Whoever is in one range of addresses may be as
 * many of them as there are places left.
 */
const MOST_WAITING = 1_024
/** Connections of one peer that wait. */
const MOST_VISITS = 8
/** An answer holds for so long before the peer is connected, ms. */
const GRACE = 10_000

/** Somebody has shown who it is, and waits at the door. */
export function onVisit(state: State, out: Effects, event: EventOf<'visit'>): void {
  const { visit, peer, address, inbound } = event
  const barredBy = whyBarred(state, peer, address)
  if (barredBy !== undefined) return refuse(state, out, event, textOfBarred(barredBy))
  if (!state.settings.access.authorizes || isAuthorized(state, peer)) return answer(out, [visit], true)
  const { authorizing } = state
  const known = authorizing.byPeer.get(peer)
  if (known !== undefined) {
    const { visits } = authorizing.open.get(known)!
    if (visits.length >= MOST_VISITS) return refuse(state, out, event, 'too many connections of it wait for authorize')
    return void visits.push(visit)
  }
  const range = rangeOf(address, peer)
  const bounds = { total: MOST_WAITING, each: MOST_WAITING, trusted: isNamed(state.settings, peer) }
  if (!fits(authorizing.ranges.get(range) ?? 0, 1, authorizing.open.size, bounds))
    return refuse(state, out, event, 'too many wait for authorize')
  const authorization = { id: authorizing.nextId++, peer, address, inbound, range, visits: [visit], asked: false }
  authorizing.open.set(authorization.id, authorization)
  authorizing.byPeer.set(peer, authorization.id)
  authorizing.ranges.set(range, (authorizing.ranges.get(range) ?? 0) + 1)
  setDeadline(state, 'authorizing', authorization.id, state.settings.limits.authorizeTimeout)
  askNext(state, out)
}

/** It is connected, or was admitted a moment ago. */
function isAuthorized({ connections, authorizing, now }: State, peer: string): boolean {
  return connections.byPeer.has(peer) || (authorizing.admitted.get(peer) ?? -Infinity) > now
}

/** So many are asked about at once; the others have their turn when one of them is answered. */
function askNext(state: State, out: Effects): void {
  const { authorizing, settings } = state
  if (authorizing.asked >= settings.limits.authorizing) return
  for (const authorization of authorizing.open.values()) {
    if (authorization.asked) continue
    authorization.asked = true
    authorizing.asked++
    const { id, peer, address, inbound } = authorization
    out.push({ type: 'authorize', authorization: id, peer, address, inbound })
    if (authorizing.asked >= settings.limits.authorizing) return
  }
}

/** The application has answered. */
export function onAuthorized(state: State, out: Effects, command: CommandOf<'authorized'>): void {
  const authorization = state.authorizing.open.get(command.authorization)
  if (authorization === undefined) return
  removeDeadline(state, 'authorizing', authorization.id, state.settings.limits.authorizeTimeout)
  close(state, authorization)
  if (command.admitted) admit(state, out, authorization)
  else decline(state, out, authorization, command.failed ? 'authorize failed' : 'authorize has said no')
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
  const { id } = authorization
  close(state, authorization)
  const { authorizeTimeout } = state.settings.limits
  if (authorization.asked) out.push({ type: 'cancelAuthorization', authorization: id })
  const why = authorization.asked
    ? `authorize has not answered within ${authorizeTimeout} ms`
    : `authorize was busy with others for ${authorizeTimeout} ms`
  decline(state, out, authorization, why)
}

function close({ authorizing }: State, { id, peer, range, asked }: Authorization): void {
  authorizing.open.delete(id)
  authorizing.byPeer.delete(peer)
  if (asked) authorizing.asked--
  const left = authorizing.ranges.get(range)! - 1
  if (left === 0) authorizing.ranges.delete(range)
  else authorizing.ranges.set(range, left)
}

function admit(state: State, out: Effects, { peer, address, inbound, visits }: Authorization): void {
  const { authorizing, now } = state
  // It may have been denied meanwhile.
  const barredBy = whyBarred(state, peer, address)
  if (barredBy !== undefined) {
    tell(state, out, { kind: 'refused', peer, address, inbound, reason: textOfBarred(barredBy) })
    return answer(out, visits, false)
  }
  authorizing.admitted.delete(peer)
  authorizing.admitted.set(peer, now + GRACE)
  dueAt(state, 'admitted', now + GRACE)
  tell(state, out, { kind: 'authorized', peer, address, inbound })
  answer(out, visits, true)
}

function decline(state: State, out: Effects, { peer, address, inbound, visits }: Authorization, reason: string): void {
  tell(state, out, { kind: 'unauthorized', peer, address, inbound, reason })
  answer(out, visits, false)
  const dial = state.dials.get(peer)
  if (dial !== undefined) refuseDial(state, out, dial, `${NOT_AUTHORIZED}: ${reason}`)
}

function refuse(state: State, out: Effects, event: EventOf<'visit'>, reason: string): void {
  const { visit, peer, address, inbound } = event
  tell(state, out, { kind: 'refused', peer, address, inbound, reason })
  answer(out, [visit], false)
}

function answer(out: Effects, visits: readonly number[], admitted: boolean): void {
  for (const visit of visits) out.push({ type: 'admit', visit, admitted })
}

/** When the next answer ends that no connection has used. */
export function nextAdmitted({ authorizing }: State): number {
  for (const until of authorizing.admitted.values()) return until
  return Infinity
}

export function expireAdmitted({ authorizing, now }: State): void {
  for (const [peer, until] of authorizing.admitted) {
    if (until > now) return
    authorizing.admitted.delete(peer)
  }
}
