/** The states of peers as a caller sees them: snapshots, made when they are read. */
import { isNamed, namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { withPeer } from './addresses.js'
import { candidatesOf } from './dials.js'

/** How the node stands with one peer. */
export interface PeerState {
  /** Its peer id. */
  peer: string
  /**
   * `discovered`: we know where it may be, and are not connected. `dialling`: a dial is under way. `connected`: there is a
   * connection. `identified`: it has also told its protocols, so it can be asked. `unreachable`: the last attempt failed,
   * as `lastError` says, and it is tried again. `forgotten`: nothing is known of it, or no more.
   */
  state: 'discovered' | 'dialling' | 'connected' | 'identified' | 'unreachable' | 'forgotten'
  /** Multiaddrs, each with `/p2p/<peer id>`, so that one can be passed to `dial` or `bootNodes`. */
  addresses: string[]
  /** Number of open connections. */
  connections: number
  /**
   * The shortest round trip that a ping has measured on a connection that is open, ms; absent: none was measured yet. The first
   * ping goes out when the peer is identified.
   */
  rtt?: number
  /** The protocols that it speaks, by identify; absent: it is not identified. */
  protocols?: string[]
  /**
   * Why it could not be reached the last time: a dial failed, it did not answer pings, or it hung up at once. Always there when it
   * is `unreachable`; absent: nothing has failed since it was last connected.
   */
  lastError?: string
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
  const links = (state.connections.byPeer.get(peer) ?? []).map((id) => state.connections.all.get(id)!)
  const trips = links.map(({ pace }) => pace.roundTrip).filter((trip) => trip > 0)
  const protocols = links.find((link) => link.protocols !== undefined)?.protocols
  const failure = state.counts.peers.get(peer)?.failure
  const addresses = addressesOf(state, peer)
  return {
    peer,
    state: phaseOf(state, peer, links.length, protocols !== undefined, failure !== undefined),
    addresses,
    connections: links.length,
    ...(trips.length === 0 ? {} : { rtt: Math.min(...trips) }),
    ...(protocols === undefined ? {} : { protocols: [...protocols] }),
    ...(failure === undefined ? {} : { lastError: failure.message }),
  }
}

function phaseOf(
  state: State,
  peer: string,
  links: number,
  isIdentified: boolean,
  hasFailed: boolean,
): PeerState['state'] {
  if (isIdentified) return 'identified'
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
