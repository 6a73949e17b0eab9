/**
 * What a peer has done against our protocols, in points that fade away. Who has too many is banned at the end of the step (bans.ts): an
 * offence is found deep inside of what a ban ends.
 */
import { isNamed } from '../settings.js'
import type { State } from '../state.js'
import type { Offender } from './state.js'

/** Points of an offence: a protocol that is broken, and a second in which a rate was exceeded. */
export const OFFENCES = { violation: 10, excess: 1 } as const

/** A peer with so many points is banned. They fade by one in so many ms. */
const MOST_POINTS = 100
const FADES = 5_000
/** A place with so many banned peers is banned; one of them fades in so many ms. */
const MOST_BANNED = 3
const FADES_OF_PLACE = 600_000
/** Who has done nothing for so long begins anew, ms. */
const FORGIVEN = 172_800_000
/** Peers, and places, of which is remembered what they have done. */
const MOST = 4_096

/** The peer has done what it must not, as `what` says. Who is named by the config is not banned. */
export function offend(state: State, peer: string, points: number, what: string): void {
  if (isNamed(state.settings, peer) || peer === state.self) return
  const offender = offenderOf(state.offenders.peers, peer, state.now, FADES)
  offender.points += points
  if (offender.points >= MOST_POINTS) state.offenders.due.set(peer, what)
}

/** One more peer of this place was banned. True: it is time to ban the place. */
export function offendAt({ offenders, now }: State, place: string): boolean {
  const offender = offenderOf(offenders.places, place, now, FADES_OF_PLACE)
  offender.points++
  return offender.points >= MOST_BANNED
}

/** Those who have too many points, and what they did last. */
export function takeOffenders({ offenders }: State): [string, string][] {
  const due = [...offenders.due]
  offenders.due.clear()
  return due
}

/** It is banned now. Returns how often it was before. */
export function noteBan({ offenders }: State, name: string): number {
  const offender = (offenders.peers.get(name) ?? offenders.places.get(name))!
  offender.points = 0
  return offender.bans++
}

/** It is welcome again. */
export function forgive({ offenders }: State, name: string): void {
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
