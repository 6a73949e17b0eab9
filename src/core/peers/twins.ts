/**
 * Two nodes that live with one secret are one peer to everybody else, who reaches now this one and now that one. Neither of them
 * can see it. A third one can: it is connected to both, both answer, and each says that it is another start of a node (`incarnation`
 * of HELLO) or, if it does not say that, that it is somewhere else. It tells them.
 */
import { SESSION } from '../../wire/protocols.js'
import { statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import { openSession } from '../requests/session/asker/calls.js'
import { askNode } from '../services/own-requests.js'
import type { State } from '../state.js'
import { siteOf } from './addresses.js'
import { connectionsOf, connectionTo, ping } from './connections.js'
import { speaksSession } from './goodbye.js'
import type { Connection, FoundTwins, Suspect } from './state.js'
import { line } from '../terms.js'

/** A process that ends while its replacement begins, or an address that has just changed, is over after that, ms. */
const PATIENCE = 5_000
/** How long a HELLO may take, ms. */
const HELLO_PATIENCE = 3_000
/** Between two looks at pings that are under way, ms. */
const LOOK_AGAIN = 1_000
/** Twins that we remember, and sites whose report we remember: whoever invents them takes no more of our memory. */
const MAX_FOUND = 1_000
const MAX_OURS = 8
/** After this time it is looked again whether twins are still there, ms: then they are told again, because what they were told ends. */
const AGAIN = 1_800_000
/** How long it counts that somebody has told us of a node with our secret, ms. */
const LIFETIME = 3_600_000
/** How long a node may take to hear of it, ms. */
const TELL_TIMEOUT = 10_000

type Pair = [Connection, Connection]

const ADVICE = 'each node needs a secret (or a dataDir) of its own'

/** The peer has said over a connection where it is, and what it speaks. */
export function suspectTwins(state: State, peer: string): void {
  const { suspects, found } = state.twins
  const links = lasting(state, peer)
  const pair = two(links) ?? undecided(state, links)
  if (pair === undefined || suspects.has(peer)) return
  // One that was restarted since has heard of nothing.
  const told = found.get(peer)?.links
  if (told !== undefined && pair.every(({ id }) => told.includes(id))) return
  suspects.set(peer, { at: state.now + PATIENCE, askedAt: Infinity })
  plan(state, state.now + PATIENCE)
}

export function lookAtTwins(state: State, out: Effects): void {
  const { twins, now } = state
  if (now < twins.nextLook) return
  twins.nextLook = Infinity
  for (const [peer, { until }] of twins.found) {
    if (until > now) plan(state, until)
    else if (!twins.suspects.has(peer)) twins.suspects.set(peer, { at: now, askedAt: Infinity })
  }
  for (const [site, { until }] of twins.ours) {
    if (until > now) plan(state, until)
    else if (twins.ours.delete(site)) statusChanged(state)
  }
  for (const [peer, suspect] of twins.suspects) {
    if (suspect.at <= now) suspect.at = look(state, out, peer, suspect)
    if (suspect.at === Infinity) twins.suspects.delete(peer)
    else plan(state, suspect.at)
  }
}

/** When to look again; `Infinity`: it is decided. */
function look(state: State, out: Effects, peer: string, suspect: Suspect): number {
  const links = lasting(state, peer)
  const open = undecided(state, links)
  if (two(links) === undefined && open === undefined) return areNone(state, peer)
  if (suspect.askedAt === Infinity) {
    suspect.askedAt = state.now
    // There is no hurry, and who does not answer in a test's time is closed, with what is under way over it.
    for (const link of links) if (link.pings === 0) ping(state, out, link)
    if (open !== undefined) askBoth(state, out, open)
    return state.now + LOOK_AGAIN
  }
  if (open !== undefined && state.now < suspect.askedAt + HELLO_PATIENCE) {
    askBoth(state, out, open)
    return state.now + LOOK_AGAIN
  }
  const pair = two(links.filter(({ answeredAt }) => answeredAt >= suspect.askedAt))
  if (pair !== undefined) {
    tell(state, out, peer, pair)
    return Infinity
  }
  const mayAnswer = two(links) !== undefined && links.some(({ pings }) => pings > 0)
  return mayAnswer ? state.now + LOOK_AGAIN : areNone(state, peer)
}

/** (And not over all connections at once: whoever opens many costs two sessions at a time.) */
function askBoth(state: State, out: Effects, pair: Pair): void {
  for (const link of pair) {
    if (link.asking === undefined && couldSay(state, link)) openSession(state, out, link, [SESSION])
  }
}

/** Not, or no more. */
function areNone({ twins }: State, peer: string): number {
  twins.found.delete(peer)
  return Infinity
}

function tell(state: State, out: Effects, peer: string, [one, other]: Pair): void {
  const { found } = state.twins
  const places: [string, string] = [placeOf(one, other), placeOf(other, one)]
  const before = (found.get(peer)?.places ?? []).map(siteOf)
  found.delete(peer)
  if (found.size >= MAX_FOUND) found.delete(found.keys().next().value!)
  found.set(peer, { places, links: [one.id, other.id], until: state.now + AGAIN })
  plan(state, state.now + AGAIN)
  if (!places.every((place) => before.includes(siteOf(place))))
    log(out, 'warn', line`two nodes live as ${peer}, at ${places[0]} and at ${places[1]}: ${ADVICE}`)
  const request = (address: string) => ({ kind: 'twin', address }) as const
  askNode(state, out, peer, request(places[1]), TELL_TIMEOUT, { kind: 'twin' }, one)
  askNode(state, out, peer, request(places[0]), TELL_TIMEOUT, { kind: 'twin' }, other)
}

/**
 * A peer says that another node with our secret is there. (It may be wrong, or lie: nothing but a warning follows, and one for each site
 * in an hour.)
 */
export function onTwinTold(state: State, out: Effects, teller: string, address: string): void {
  const { ours } = state.twins
  if (state.lifecycle.addresses.includes(address)) return
  const connection = connectionTo(state, teller)
  const site = connection === undefined ? teller : siteOf(connection.address)
  const last = ours.get(site)?.address
  const isNew = last === undefined && ![...ours.values()].some((known) => known.address === address)
  ours.delete(site)
  if (ours.size >= MAX_OURS) ours.delete(ours.keys().next().value!)
  ours.set(site, { address, until: state.now + LIFETIME })
  plan(state, state.now + LIFETIME)
  if (last !== address) statusChanged(state)
  if (isNew) log(out, 'warn', line`${teller} is connected to another node with our secret, at ${address}: ${ADVICE}`)
}

/** The two nodes that live as this peer, as long as both are connected. */
export function twinsThere({ twins, connections }: State, peer: string): FoundTwins | undefined {
  const found = twins.found.get(peer)
  return found?.links.every((link) => connections.all.has(link)) === true ? found : undefined
}

/** Where the one is and the other is not: as it says itself or, if both say the same, where it comes from. */
function placeOf(one: Connection, other: Connection): string {
  return one.listenAddresses.find((address) => !other.listenAddresses.includes(address)) ?? one.address
}

/** (Of a node that stops another one may take the place, before its work is done.) */
function lasting(state: State, peer: string): Connection[] {
  return connectionsOf(state, peer).filter(({ stopping }) => !stopping)
}

/** Two of them that lead to different nodes. */
function two(links: Connection[]): Pair | undefined {
  return pairOf(links, (one, other) => {
    const [a, b] = [incarnationOf(one), incarnationOf(other)]
    if (a !== undefined && b !== undefined && (a !== 0 || b !== 0)) return a !== b
    // One node tells a change over all.
    const [here, there] = [one.listenAddresses, other.listenAddresses]
    return there.length > 0 && here.length > 0 && !there.some((address) => here.includes(address))
  })
}

/** Two of them that may lead to different nodes, which a HELLO can still tell. */
function undecided(state: State, links: Connection[]): Pair | undefined {
  const canSay = (link: Connection): boolean => incarnationOf(link) !== undefined || couldSay(state, link)
  return pairOf(links, (one, other) => {
    return canSay(one) && canSay(other) && (couldSay(state, one) || couldSay(state, other))
  })
}

function pairOf(links: Connection[], isOne: (one: Connection, other: Connection) => boolean): Pair | undefined {
  for (const [i, one] of links.entries()) {
    const other = links.slice(i + 1).find((candidate) => isOne(one, candidate))
    if (other !== undefined) return [one, other]
  }
  return undefined
}

/** 0: the node does not say. `undefined`: its HELLO has not come, and perhaps there will be none. */
function incarnationOf({ asking, answering }: Connection): number | undefined {
  return [asking, answering].find((session) => session?.greeted)?.hello.incarnation
}

/** (One that is being left has a session that has said it.) */
function couldSay(state: State, link: Connection): boolean {
  return incarnationOf(link) === undefined && speaksSession(state, link) === true
}

function plan(state: State, time: number): void {
  state.twins.nextLook = Math.min(state.twins.nextLook, time)
  dueAt(state, 'twins', state.twins.nextLook)
}
