/**
 * Two nodes that live with one secret are one peer to everybody else, who reaches now this one and now that one. Neither of them
 * can see it. A third one can: it is connected to both, each says that it is somewhere else, and both answer. It tells them.
 */
import { statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import { askNode } from '../services/own-requests.js'
import type { State } from '../state.js'
import { hostOf } from './addresses.js'
import { connectionTo, ping, testTime } from './connections.js'
import type { Connection, Suspect } from './state.js'

/** A process that ends while its replacement begins, or an address that has just changed, is over after that, ms. */
const PATIENCE = 5_000
/** Between two looks at pings that are under way, ms. */
const LOOK_AGAIN = 1_000
/** Twins that we remember, and hosts whose word we remember: whoever invents them takes no more of our memory. */
const MAX_FOUND = 1_000
const MAX_OURS = 8
/** After this time it is looked again whether twins are still there, ms: then they are told again, because what they were told ends. */
const AGAIN = 1_800_000
/** How long it counts that somebody has told us of a node with our secret, ms. */
const LIFETIME = 3_600_000
/** How long a node may take to hear of it, ms. */
const TELL_TIMEOUT = 10_000

const ADVICE = 'each node needs a secret (or a dataDir) of its own'

/** The peer has said over a connection where it is. */
export function suspectTwins(state: State, peer: string): void {
  const { suspects, found } = state.twins
  const pair = apart(connectionsOf(state, peer))
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
  for (const [host, { until }] of twins.ours) {
    if (until > now) plan(state, until)
    else if (twins.ours.delete(host)) statusChanged(state)
  }
  for (const [peer, suspect] of twins.suspects) {
    if (suspect.at <= now) suspect.at = look(state, out, peer, suspect)
    if (suspect.at === Infinity) twins.suspects.delete(peer)
    else plan(state, suspect.at)
  }
}

/** When to look again; `Infinity`: it is decided. */
function look(state: State, out: Effects, peer: string, suspect: Suspect): number {
  const links = connectionsOf(state, peer)
  if (apart(links) === undefined) return areNone(state, peer)
  if (suspect.askedAt === Infinity) {
    suspect.askedAt = state.now
    for (const link of links) if (link.pings === 0) ping(state, out, link, testTime(state, link))
    return state.now + LOOK_AGAIN
  }
  const pair = apart(links.filter(({ answeredAt }) => answeredAt >= suspect.askedAt))
  if (pair === undefined) return links.some(({ pings }) => pings > 0) ? state.now + LOOK_AGAIN : areNone(state, peer)
  tell(state, out, peer, pair)
  return Infinity
}

/** Not, or no more. */
function areNone({ twins }: State, peer: string): number {
  twins.found.delete(peer)
  return Infinity
}

function tell(state: State, out: Effects, peer: string, [one, other]: [Connection, Connection]): void {
  const { found } = state.twins
  const places = [one, other].map(({ said }) => said[0]!) as [string, string]
  const before: readonly string[] = found.get(peer)?.places ?? []
  found.delete(peer)
  if (found.size >= MAX_FOUND) found.delete(found.keys().next().value!)
  found.set(peer, { places, links: [one.id, other.id], until: state.now + AGAIN })
  plan(state, state.now + AGAIN)
  if (!places.every((place) => before.includes(place)))
    log(out, 'warn', `two nodes live as ${peer}, at ${places[0]} and at ${places[1]}: ${ADVICE}`)
  const request = (address: string) => ({ kind: 'twin', address }) as const
  askNode(state, out, peer, request(places[1]), TELL_TIMEOUT, { kind: 'twin' }, one)
  askNode(state, out, peer, request(places[0]), TELL_TIMEOUT, { kind: 'twin' }, other)
}

/**
 * A peer says that another node with our secret is there. (It may be wrong, or lie: nothing but a warning follows, and one for each host
 * in an hour.)
 */
export function onTwinTold(state: State, out: Effects, teller: string, address: string): void {
  const { ours } = state.twins
  if (state.lifecycle.addresses.includes(address)) return
  const connection = connectionTo(state, teller)
  const host = connection === undefined ? teller : hostOf(connection.address)
  const last = ours.get(host)?.address
  const isNew = last === undefined && ![...ours.values()].some((known) => known.address === address)
  ours.delete(host)
  if (ours.size >= MAX_OURS) ours.delete(ours.keys().next().value!)
  ours.set(host, { address, until: state.now + LIFETIME })
  plan(state, state.now + LIFETIME)
  if (last !== address) statusChanged(state)
  if (isNew) log(out, 'warn', `${teller} is connected to another node with our secret, at ${address}: ${ADVICE}`)
}

function connectionsOf({ connections }: State, peer: string): Connection[] {
  return (connections.byPeer.get(peer) ?? []).map((id) => connections.all.get(id)!)
}

/** Two of them over which the peer says that it is at wholly different addresses. (One node tells a change over all.) */
function apart(links: Connection[]): [Connection, Connection] | undefined {
  for (const [i, one] of links.entries()) {
    const other = links.slice(i + 1).find(({ said }) => {
      return said.length > 0 && one.said.length > 0 && !said.some((address) => one.said.includes(address))
    })
    if (other !== undefined) return [one, other]
  }
  return undefined
}

function plan(state: State, time: number): void {
  state.twins.nextLook = Math.min(state.twins.nextLook, time)
  dueAt(state, 'twins', state.twins.nextLook)
}
