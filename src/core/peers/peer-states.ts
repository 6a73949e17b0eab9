/** The states of peers as a caller sees them: snapshots, made when they are read. */
import { isNamed, namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { withPeer } from './addresses.js'
import { canBeAsked, connectionsOf, servesOf } from './connections.js'
import { candidatesOf } from './dials.js'

/** How the node stands with one peer. */
export interface PeerState {
  /** Its peer id. */
  peer: string
  /**
   * `discovered`: we know where it may be, and are not connected. `dialling`: a dial is under way. `connected`: there is a
   * connection. `identified`: it can be asked, for it has also told its protocols, with one of requests among them, and does not stop. (A
   * node of another make that only answers pings, or takes part in the routing table, stays `connected`.) `unreachable`: the last attempt
   * failed, as `lastError` says, and it is tried again. `forgotten`: nothing is known of it, or no more.
   */
  state: 'discovered' | 'dialling' | 'connected' | 'identified' | 'unreachable' | 'forgotten'
  /** Multiaddrs, each with `/p2p/<peer id>`, so that one can be passed to `dial` or `bootNodes`. */
  addresses: string[]
  /** Number of open connections. */
  connections: number
  /**
   * The round trip of its pings, ms, smoothed as TCP does (SRTT of RFC 6298: each counts an eighth, so after eight of them two thirds
   * of a change are seen); of several connections the shortest. Absent: none was measured yet. The first ping goes out when the peer
   * has told its protocols, the others each `ping.interval`.
   */
  rtt?: number
  /**
   * `true`: it has said that it stops, and answers nothing new, so it is `connected` and not `identified`. Over another connection
   * it may be back already. Absent: it has not.
   */
  stopping?: true
  /** The protocols that it speaks, by identify; absent: it has not told them. */
  protocols?: string[]
  /** Those of applications that it answers (`defineProtocol`, as `name` or `name@version`); absent: it has not told any. */
  serves?: string[]
  /**
   * Why it could not be reached the last time: a dial failed, it did not answer pings, the connection was lost without a goodbye, or
   * it hung up at once. Always there when it
   * is `unreachable`; absent: nothing has failed since it was last connected.
   */
  lastError?: string
  /**
   * How often something was refused to it: requests since it is connected, and what the network refuses; `explain(peer)` says what.
   * A change of this alone is told once a second at most. Absent: nothing was.
   */
  refused?: number
}

/** All peers that are known in any way: connected, being dialled, in the table, remembered, named by the config. */
export function peerStates(state: State): PeerState[] {
  const { connections, dials, discovery, memory, settings } = state
  const peers = namedPeers(settings)
  for (const part of [connections.byPeer, discovery.table, memory.peers, dials]) {
    for (const peer of part.keys()) if (!peer.startsWith('/')) peers.add(peer)
  }
  peers.delete(state.self)
  return [...peers].map((peer) => peerState(state, peer))
}

export function peerState(state: State, peer: string): PeerState {
  const links = connectionsOf(state, peer)
  const trips = links.map(({ roundTrip }) => roundTrip).filter((trip) => trip > 0)
  const stopping = links.length > 0 && links.every((link) => link.stopping)
  const protocols = links.find((link) => link.protocols !== undefined)?.protocols
  const record = state.counts.peers.get(peer)
  const failure = record?.failure
  const refused = sum(record?.refused) + (state.budget.accounts.get(peer)?.shown ?? 0)
  const addresses = addressesOf(state, peer)
  return {
    peer,
    state: phaseOf(
      state,
      peer,
      links.length,
      links.some((link) => canBeAsked(state, link)),
      failure !== undefined,
    ),
    addresses,
    connections: links.length,
    ...(trips.length === 0 ? {} : { rtt: Math.round(Math.min(...trips)) }),
    ...(stopping && { stopping }),
    ...(protocols === undefined ? {} : { protocols: [...protocols] }),
    ...servesOf(protocols),
    ...(failure === undefined ? {} : { lastError: failure.message }),
    ...(refused > 0 && { refused }),
  }
}

function sum(counts: Partial<Record<string, number>> = {}): number {
  return Object.values(counts).reduce<number>((all, count = 0) => all + count, 0)
}

function phaseOf(
  state: State,
  peer: string,
  links: number,
  isAskable: boolean,
  hasFailed: boolean,
): PeerState['state'] {
  if (isAskable) return 'identified'
  if (links > 0) return 'connected'
  if (state.dials.has(peer)) return 'dialling'
  const isKnown = state.memory.peers.has(peer) || isNamed(state.settings, peer)
  if (!isKnown && !state.discovery.table.has(peer)) return 'forgotten'
  return hasFailed ? 'unreachable' : 'discovered'
}

function addressesOf(state: State, peer: string): string[] {
  const table = (state.discovery.table.get(peer) ?? []).map((address) => withPeer(address, peer))
  return [...new Set([...candidatesOf(state, peer), ...table])]
}
