/**
 * What a peer has done against our protocols, in points that fade away. Who has too many is banned at the end of the step (bans.ts): an
 * offence is found deep inside of what a ban ends.
 */
import { isLoopback } from '../peers/addresses.js'
import { connectionsOf } from '../peers/connections.js'
import type { Connection } from '../peers/state.js'
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import type { Entry } from './lists.js'
import { hostPrefix } from './ranges.js'
import type { Due, Offender } from './state.js'

/** Points of an offence: a protocol that is broken, and a second in which a rate was exceeded. */
export const OFFENCES = { violation: 10, excess: 1 } as const

/** A peer with so many points is banned. They fade by one in so many ms. */
const MOST_POINTS = 100
const FADES = 5_000
/** A place at which so many peers were banned within so many ms is banned. */
const MOST_BANNED = 3
const WITHIN = 600_000
/** Who has done nothing for so long begins anew, ms. */
const FORGIVEN = 172_800_000
/** Peers of which is remembered what they have done, and places. */
const MOST = 4_096

/** The peer has done what it must not, as `what` says. Who is named by the config is not banned. */
export function offend(state: State, peer: string, points: number, what: string): void {
  if (isNamed(state.settings, peer) || peer === state.self) return
  const offender = offenderOf(state.offenders.peers, peer, state.now, FADES)
  offender.points += points
  if (offender.points >= MOST_POINTS) state.offenders.due.set(peer, { what, places: placesOf(state, peer) })
}

/** Where it is now: what it has done may end its connections before it is banned. Whom we have dialled is where we wanted to be. */
function placesOf(state: State, peer: string): Set<string> {
  const isAway = ({ inbound, place }: Connection): boolean => inbound && !isLoopback(place)
  return new Set(connectionsOf(state, peer).flatMap((one) => (isAway(one) && hostPrefix(one.place)) || []))
}

/** One more peer of this place was banned. True: it is time to ban the place. Of the first one some is left until the time is over. */
export function offendAt({ offenders, now }: State, place: string): boolean {
  const offender = offenderOf(offenders.places, place, now, WITHIN)
  offender.points++
  return offender.points > MOST_BANNED - 1
}

/** Those who have too many points. */
export function takeOffenders({ offenders }: State): [string, Due][] {
  const due = [...offenders.due]
  offenders.due.clear()
  return due
}

/** It is banned now. Returns how often it was before. (So many may have offended since that it is forgotten.) */
export function noteBan({ offenders, now }: State, entry: Entry): number {
  const offender =
    'peer' in entry
      ? offenderOf(offenders.peers, entry.peer, now, FADES)
      : offenderOf(offenders.places, entry.range, now, WITHIN)
  offender.points = 0
  return offender.bans++
}

/** It is welcome again, also when it was about to be banned. */
export function forgive({ offenders }: State, name: string): void {
  offenders.due.delete(name)
  offenders.peers.delete(name)
  offenders.places.delete(name)
}

function offenderOf(all: Map<string, Offender>, name: string, now: number, fades: number): Offender {
  const known = all.get(name)
  const age = known === undefined ? 0 : now - known.at
  const offender: Offender =
    known === undefined || age > FORGIVEN
      ? { points: 0, at: now, bans: 0 }
      : { points: Math.max(0, known.points - age / fades), at: now, bans: known.bans }
  // The one that offended last is the last.
  all.delete(name)
  all.set(name, offender)
  if (all.size > MOST) all.delete(all.keys().next().value!)
  return offender
}
