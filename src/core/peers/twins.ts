/**
 * Two nodes that live with one secret are one peer to everybody else, who reaches now this one and now that one. Neither of them
 * can see it. A third one can: it is connected to both, each says that it is somewhere else, and both answer. It tells them.
 */
import { statusChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import { askNode } from '../services/own-requests.js'
import type { State } from '../state.js'
import { ping, testTime } from './connections.js'
import type { Connection, Suspect } from './state.js'

/** A process that ends while its replacement begins, or an address that has just changed, is over after that, ms. */
const PATIENCE = 5_000
/** Between two looks at pings that are under way, ms. */
const LOOK_AGAIN = 1_000
/** Twins that we remember, of others and of ourselves: whoever invents them takes no more of our memory. */
const MAX_FOUND = 1_000
const MAX_OURS = 8
/** How long a node may take to hear of it, ms. */
const TELL_TIMEOUT = 10_000

const ADVICE = 'each node needs a secret (or a dataDir) of its own'

/** The peer has said over a connection where it is. */
export function suspectTwins(state: State, peer: string): void {
  const { suspects, found } = state.twins
  if (suspects.has(peer) || found.has(peer) || apart(connectionsOf(state, peer)) === undefined) return
  suspects.set(peer, { at: state.now + PATIENCE, askedAt: Infinity })
  plan(state, state.now + PATIENCE)
}

export function lookAtTwins(state: State, out: Effects): void {
  const { twins, now } = state
  if (now < twins.nextLook) return
  twins.nextLook = Infinity
  for (const [peer, suspect] of twins.suspects) {
    if (suspect.at <= now) suspect.at = look(state, out, peer, suspect)
    if (suspect.at === Infinity) twins.suspects.delete(peer)
    else plan(state, suspect.at)
  }
}

/** When to look again; `Infinity`: it is decided. */
function look(state: State, out: Effects, peer: string, suspect: Suspect): number {
  const links = connectionsOf(state, peer)
  if (apart(links) === undefined) return Infinity
  if (suspect.askedAt === Infinity) {
    suspect.askedAt = state.now
    for (const link of links) if (link.pings === 0) ping(state, out, link, testTime(state, link))
    return state.now + LOOK_AGAIN
  }
  const pair = apart(links.filter(({ answeredAt }) => answeredAt >= suspect.askedAt))
  if (pair !== undefined) tell(state, out, peer, pair)
  return pair === undefined && links.some(({ pings }) => pings > 0) ? state.now + LOOK_AGAIN : Infinity
}

function tell(state: State, out: Effects, peer: string, [one, other]: [Connection, Connection]): void {
  const { found } = state.twins
  const places = [one, other].map(({ said }) => said[0]!) as [string, string]
  if (found.size >= MAX_FOUND) found.delete(found.keys().next().value!)
  found.set(peer, places)
  log(out, 'warn', `two nodes live as ${peer}, at ${places[0]} and at ${places[1]}: ${ADVICE}`)
  const request = (address: string) => ({ kind: 'twin', address }) as const
  askNode(state, out, peer, request(places[1]), TELL_TIMEOUT, { kind: 'twin' }, one)
  askNode(state, out, peer, request(places[0]), TELL_TIMEOUT, { kind: 'twin' }, other)
}

/** A peer says that another node with our secret is there. (It may be wrong, or lie: nothing but a warning follows.) */
export function onTwinTold(state: State, out: Effects, teller: string, address: string): void {
  const { ours } = state.twins
  if (state.lifecycle.addresses.includes(address) || ours.includes(address) || ours.length >= MAX_OURS) return
  ours.push(address)
  statusChanged(state)
  log(out, 'warn', `${teller} is connected to another node with our secret, at ${address}: ${ADVICE}`)
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
