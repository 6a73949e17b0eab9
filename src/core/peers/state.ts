/** The state of peers: connections, the dials under way, and the routing table as the network reports it. */
import { IdMap } from '../id-map.js'
import type { IdSet } from '../id-set.js'
import type { Attempt, ConnectionId } from '../port.js'
import type { Pace } from '../requests/session/pacing.js'
import type { AnsweringSession, AskingSession } from '../requests/session/state.js'
import type { SessionCall, SessionExchange } from '../requests/state.js'
import type { AskId } from '../terms.js'

/** A connection, with its requests in both directions. */
export interface Connection {
  readonly id: ConnectionId
  readonly peer: string
  readonly address: string
  readonly inbound: boolean
  /** The protocols that the peer speaks, by identify; `undefined`: not known yet. */
  protocols: string[] | undefined
  /** The protocol by which we ask the peer, once one was agreed on. */
  requestProtocol: string | undefined
  /** Requests of ours that wait for their turn on this connection, in order. */
  queue: IdSet
  /** Streams of ours that are open, or opening, for a version-1 request. */
  v1Streams: IdSet
  /** The other side has accepted a stream of ours, so it has finished its upgrade of the connection. */
  upgraded: boolean
  /** Version-1 requests of the peer that came over this connection. */
  v1Exchanges: IdSet
  /** The session over which we ask, and the one over which the peer asks. */
  asking: AskingSession<SessionCall> | undefined
  answering: AnsweringSession<SessionExchange> | undefined
  /** How large values make way for small requests, in both sessions. */
  readonly pace: Pace
  /** Sessions that the peer has opened so far. */
  sessionsOpened: number
  /** A ping is under way. */
  pinging: boolean
  readonly openedAt: number
}

/** connections.ts changes it. */
export interface Connections {
  all: Map<ConnectionId, Connection>
  /** Peer id → its connections, oldest first. */
  byPeer: Map<string, ConnectionId[]>
  /** Connections that nothing uses → since when. In the order of these times. */
  idle: IdMap<number>
  /** When all connections are pinged next; `Infinity`: there are none. */
  nextPing: number
}

/** A dial under way. */
export interface Dial {
  readonly target: string
  /** Addresses that the port was asked to try. */
  readonly addresses: Set<string>
  /** The port was asked to try what the table knows, and to look the peer up. */
  looksUp: boolean
  /** How often the port was asked, less its answers that have come: the dial has failed with the last of them. */
  unanswered: number
  /** What has failed so far. */
  tried: Attempt[]
  /** Questions that wait for the dial. */
  readonly waiting: IdSet
}

/** A caller's `dial`. */
export interface DialAsk {
  readonly kind: 'dial'
  readonly id: AskId
  readonly target: string
}

/** Why the last dial of a peer failed. */
export interface DialFailure {
  at: number
  message: string
  tried: Attempt[]
  /** What the first one of a row of failures said, if that was something else. */
  earlier?: { at: number; message: string }
}

/** discovery.ts changes it. */
export interface Discovery {
  /** The routing table as the network last reported it: peer id → multiaddrs. */
  table: Map<string, string[]>
  /** A table query is under way. */
  querying: boolean
  /** Where the next tick goes on with its probes. */
  probeCursor: number
  /** When the next probe begins; `Infinity`: not before the next tick. */
  nextProbe: number
  /** Members of the table that are still to be probed until the next tick, and those that are being dialled for it. */
  probes: Set<string>
  probing: Set<string>
}

export interface PeersState {
  connections: Connections
  /** Target → its dial. dials.ts changes it. */
  dials: Map<string, Dial>
  discovery: Discovery
}

export function createPeersState(): PeersState {
  return {
    connections: { all: new Map(), byPeer: new Map(), idle: new IdMap(), nextPing: Infinity },
    dials: new Map(),
    discovery: {
      table: new Map(),
      querying: false,
      probeCursor: 0,
      nextProbe: Infinity,
      probes: new Set(),
      probing: new Set(),
    },
  }
}
