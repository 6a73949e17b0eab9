/** What a node knows of other nodes: its connections, the dials under way, and the routing table as the port tells it. */
import { IdMap } from '../id-map.js'
import type { IdSet } from '../id-set.js'
import type { Attempt, ConnectionId } from '../port.js'
import type { Pace } from '../requests/session/pacing.js'
import type { AnsweringSession, AskingSession } from '../requests/session/state.js'
import type { SessionCall, SessionExchange } from '../requests/state.js'
import type { AskId } from '../terms.js'

export interface Connection {
  readonly id: ConnectionId
  readonly peer: string
  readonly address: string
  readonly inbound: boolean
  /** What identify said that the peer speaks. */
  protocols: string[] | undefined
  /** The protocol by which the peer is asked, once one was agreed on. */
  asksBy: string | undefined
  /** Requests of ours that wait for their turn on this connection, in order. */
  queue: IdSet
  /** Streams of ours that are open, or opening, for a version-1 request. */
  calls: IdSet
  /** The other side has accepted a stream of ours, so its upgrade is over. */
  proven: boolean
  /** Version-1 requests of the peer that came over this connection. */
  exchanges: IdSet
  /** The session over which we ask, and the one over which we are asked. */
  session: AskingSession<SessionCall> | undefined
  answering: AnsweringSession<SessionExchange> | undefined
  /** How large values are held back for small requests, in both sessions. */
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
  /** Connections that nothing uses → since when. In the order of that time. */
  idle: IdMap<number>
  nextPing: number
}

/** A dial under way. All that want the same target wait for the same dial. */
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
  readonly waiting: IdSet
}

/** A caller's dial. */
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
  /** The routing table as the port last told it: peer id → multiaddrs. */
  known: Map<string, string[]>
  /** A table query is under way. */
  querying: boolean
  /** Where the next tick goes on probing. */
  probeCursor: number
  /** When the next probe begins; `Infinity`: none is left to do until the next tick. */
  nextProbe: number
  /** Members of the table that this tick wants probed, and those that are being dialled for it. */
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
      known: new Map(),
      querying: false,
      probeCursor: 0,
      nextProbe: Infinity,
      probes: new Set(),
      probing: new Set(),
    },
  }
}
