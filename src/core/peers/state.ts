/** The state of peers: connections, the dials under way, and the routing table as the network reports it. */
import { fnvOfText } from '../fnv.js'
import { IdMap } from '../id-map.js'
import { IdSet } from '../id-set.js'
import type { Attempt, ConnectionId, StreamId } from '../port.js'
import type { Pace } from '../requests/session/pacing.js'
import type { AnsweringSession, AskingSession } from '../requests/session/state.js'
import type { SessionCall, SessionExchange } from '../requests/state.js'
import type { AskId } from '../terms.js'

/** A connection, with its requests in both directions. */
export interface Connection {
  readonly id: ConnectionId
  readonly peer: string
  readonly address: string
  /** The address, or the IP address behind its name. */
  readonly place: string
  readonly inbound: boolean
  /** The protocols that the peer speaks, by identify; `undefined`: not known yet. */
  protocols: string[] | undefined
  /** The protocol by which we ask the peer, once one was agreed on. */
  requestProtocol: string | undefined
  /** Requests of ours that wait for their turn on this connection, in order. */
  queue: IdSet
  /** Streams of ours that are open, or opening, for a version-1 request. */
  v1Streams: IdSet
  /** The other side has accepted a stream of ours, so it has finished its upgrade of the connection, and knows us. */
  upgraded: boolean
  /** Callers' dials that wait for that. */
  dials: IdSet
  /** Version-1 requests of the peer that came over this connection. */
  v1Exchanges: IdSet
  /** The session over which we ask, and the one over which the peer asks. */
  asking: AskingSession<SessionCall> | undefined
  answering: AnsweringSession<SessionExchange> | undefined
  /** How large values make way for small requests, in both sessions. */
  readonly pace: Pace
  /** Sessions that the peer has opened so far. */
  sessionsOpened: number
  /** Pings that are under way. */
  pings: number
  /** The peer has opened another connection since, or may be elsewhere, and this one has not answered a ping after that: it may be dead. */
  doubted: boolean
  /** It is tested because we have slept or moved, and nothing has come since: it may have been lost to that. */
  inQuestion: boolean
  /** We have asked the other side whether it may be closed, and wait. */
  goodbye: Goodbye | undefined
  /** How often we have asked. */
  goodbyes: number
  /** The other side would use another one in its place, so our new requests go over that. */
  surplus: boolean
  /** The other side wants to close it and we have agreed: nothing is asked over it any more. */
  leaving: Goodbye | undefined
  /** The other side has said that its node stops: when it closes the connection, nothing has gone wrong. */
  stopping: boolean
  /** The addresses that the peer has last told of itself over it. */
  listenAddresses: string[]
  /** When it last answered a ping; `-Infinity`: never. */
  answeredAt: number
  /** When a stream of it last ended with something under way; `-Infinity`: never. */
  cutAt: number
  /** The round trip of its pings, smoothed, ms; 0: none was measured. */
  roundTrip: number
  readonly openedAt: number
}

/** One side has asked, in its goodbye with this id over this session, and the other one has agreed or not yet answered. */
export interface Goodbye {
  /** 0: it is said when the session is open. */
  readonly id: number
  readonly stream: StreamId
  /** When it was said, or agreed to. */
  readonly at: number
}

/** connections.ts changes it. */
export interface Connections {
  all: Map<ConnectionId, Connection>
  /** Peer id → its connections, oldest first. */
  byPeer: Map<string, ConnectionId[]>
  /** Connections that nothing uses → since when. In the order of these times. */
  idle: IdMap<number>
  /** Connections of which the other side has agreed that they may be closed. */
  released: ConnectionId[]
  /** When it is looked next for connections that are being left and that the other side has not closed; `Infinity`: there are none. */
  nextUnclosed: number
  /** When surplus connections are looked for next; `Infinity`: no peer has several. */
  nextSurplus: number
  /** When all connections are pinged next; `Infinity`: there are none. */
  nextPing: number
}

/** A dial under way. */
export interface Dial {
  readonly target: string
  /** When it began. */
  readonly since: number
  /** Addresses that the port was asked to try. */
  readonly addresses: Set<string>
  /** The addresses are not only those of a caller. */
  isOurs: boolean
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
  /** Once it is there. */
  connection: ConnectionId | undefined
  /** How often it began anew, because the connection was lost before the peer had answered. */
  moves: number
}

/** Why a peer could not be reached: a dial has failed (`tried`: its addresses), it did not answer, or it hung up at once. */
export interface ReachFailure {
  at: number
  message: string
  tried: readonly Attempt[]
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

/** A peer that was good once, or that the config names. */
export interface RememberedPeer {
  /** Where it was: the address that led to it last, those that it told last, and the others of `proven`. */
  addresses: string[]
  /** Addresses at which a dial of ours has reached it, the last one first. */
  proven: string[]
  /** Those that it told last. */
  told: readonly string[]
  /** The site of the address it came from (`siteOf`). It is not called so because its name is part of the digest of a recording. */
  host: string
  /** A dial of ours has reached it, or it has stayed for long. */
  trusted: boolean
  /** When it was last connected and identified; `-Infinity`: never. */
  goodAt: number
  /** … by the clock of `lived`, which makes it older. (Never good: when it first failed.) */
  livedAt: number
  /** Attempts in a row that failed. */
  failures: number
  /** How often in a row it was reached and hung up on us before anything went on; only of peers of the config. */
  hangUps: number
  /** When it was last looked up because it is away; `-Infinity`: not since it was good. */
  lookedUpAt: number
}

/** memory.ts changes it. */
export interface Memory {
  /** By peer id; the one that was good longest ago first. */
  peers: Map<string, RememberedPeer>
  /** Peers that are away → when they are dialled again. */
  retries: Map<string, number>
  /** When the next of them is. */
  nextTry: number
  /** Those that are being dialled because they are remembered, but for the peers of the config. */
  trying: Set<string>
  /** The budget of these dials, but for those that were good last, is used up to this time. */
  paidUntil: number
  /** Where the chance in the pauses comes from: it begins with the peer id, so that nodes differ and runs do not. */
  chance: number
  /** Since when nobody has been connected; `Infinity`: somebody is. */
  aloneSince: number
  /** How long, before that, nobody was or the process stood still, ms. */
  excused: number
  /** How often a peer or an address of one has come or gone. */
  version: number
}

/** waking.ts changes it. */
export interface Waking {
  /** When the machine last woke, or its addresses changed; `-Infinity`: never. */
  since: number
  /** When those who are away are dialled for it; `Infinity`: that has been done. */
  nextRound: number
}

/** What one site last said of where we are. */
export interface Observation {
  readonly address: string
  readonly peer: string
  readonly connection: ConnectionId
  /** How long it counts: for ever, until the connection has ended. */
  until: number
}

/** observed.ts changes it. */
export interface Observed {
  /** By the site that it came from, oldest first. */
  observations: Map<string, Observation>
  /** The addresses that enough sites have named, sorted. */
  confirmed: string[]
  /** Those of them that the port may still report as ours. */
  announced: Set<string>
  nextExpiry: number
}

/** A peer that seems to be two nodes: when to look next, and since when both have to answer. */
export interface Suspect {
  at: number
  askedAt: number
}

/** A peer that is two nodes. */
export interface FoundTwins {
  /** An address of each. */
  readonly places: [string, string]
  /** The connections over which they were told of each other. */
  readonly links: [ConnectionId, ConnectionId]
  /** When it is looked again whether they still are. */
  readonly until: number
}

/** A node with our secret, as others tell. */
export interface OwnTwin {
  readonly address: string
  readonly until: number
}

/** twins.ts changes it. */
export interface Twins {
  /** By peer id. */
  suspects: Map<string, Suspect>
  nextLook: number
  /** Those that are, the one that was found last at the end. */
  found: Map<string, FoundTwins>
  /** Where others have seen a node with our secret, by the site that told it; the last one at the end. */
  ours: Map<string, OwnTwin>
}

/** A caller that waits until so many peers are connected. */
export interface OnlineAsk {
  readonly kind: 'online'
  readonly id: AskId
  readonly peers: number
  readonly timeout: number
}

export interface PeersState {
  connections: Connections
  /** Target → its dial. dials.ts changes it. */
  dials: Map<string, Dial>
  /** Where callers have said that connected peers are → until when that is no news. doubts.ts changes it. */
  followed: Map<string, number>
  discovery: Discovery
  memory: Memory
  waking: Waking
  observed: Observed
  twins: Twins
  /** Callers that wait until enough peers are connected. online.ts changes it. */
  online: IdSet
}

export function createPeersState(self: string): PeersState {
  return {
    connections: {
      all: new Map(),
      byPeer: new Map(),
      idle: new IdMap(),
      released: [],
      nextUnclosed: Infinity,
      nextSurplus: Infinity,
      nextPing: Infinity,
    },
    dials: new Map(),
    followed: new Map(),
    discovery: {
      table: new Map(),
      querying: false,
      probeCursor: 0,
      nextProbe: Infinity,
      probes: new Set(),
      probing: new Set(),
    },
    memory: {
      peers: new Map(),
      retries: new Map(),
      nextTry: Infinity,
      trying: new Set(),
      paidUntil: -Infinity,
      chance: fnvOfText(self) | 0,
      aloneSince: Infinity,
      excused: 0,
      version: 0,
    },
    waking: { since: -Infinity, nextRound: Infinity },
    observed: { observations: new Map(), confirmed: [], announced: new Set(), nextExpiry: Infinity },
    twins: { suspects: new Map(), nextLook: Infinity, found: new Map(), ours: new Map() },
    online: new IdSet(),
  }
}
