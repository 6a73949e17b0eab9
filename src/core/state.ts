/**
 * The state of a node: plain data (maps, sets, numbers, strings, bytes), owned by the pipeline and changed by `step`
 * alone. The routing table is the port's; `known` is what it last told us of it.
 */
import type { AskId, ConnectionId, StreamId } from './port.js'
import type { FrameReader } from '../wire/v1.js'
import type { Gathered } from '../wire/gather.js'
import {
  createBroadcasts,
  type BroadcastAsk,
  type Broadcasts,
  type ExplainAsk,
  type JoinedAsk,
  type Topic,
} from './broadcasts/state.js'
import type { Deadlines } from './deadlines.js'
import type { Overflow } from './events.js'
import { IdMap } from './id-map.js'
import type { Pace } from './requests/session/pacing.js'
import type { IdSet } from './id-set.js'
import type { AnsweringSession, AskingSession, Failure, Sender, SessionCall } from './requests/session/state.js'
import type { Settings } from './settings.js'

/** Number of a peer's request: its stream over version 1; below zero when it came over a session. */
export type ExchangeId = number

export type Phase = 'starting' | 'running' | 'stopping' | 'ended'

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
  session: AskingSession<RequestAsk> | undefined
  answering: AnsweringSession<SessionExchange> | undefined
  /** How large values are held back for small requests, in both sessions. */
  readonly pace: Pace
  /** Sessions that the peer has opened so far. */
  sessionsOpened: number
  /** A ping is under way. */
  pinging: boolean
  readonly openedAt: number
}

/** A dial under way. All who want the same target wait for the same dial. */
export interface Dial {
  readonly target: string
  /** Addresses that the port was asked to try; empty: it looks the peer up. */
  addresses: string[]
  /** Addresses that were offered while the dial was under way: tried when it fails. */
  more: string[]
  waiting: IdSet
}

/** A caller's request, from its command to its answer and, after that (`draining`), to the end of its stream. */
export interface RequestAsk extends SessionCall {
  readonly kind: 'request'
  readonly peer: string
  /** The node's own question to the other node, and no caller's. */
  readonly service: boolean
  readonly timeout: number
  /** When the caller gives up. */
  readonly dueAt: number
  /** `streaming`: its first value is here, and more may come. */
  stage: 'dialling' | 'queued' | 'opening' | 'waiting' | 'streaming' | 'draining'
  connection: ConnectionId | undefined
  /** Over version 1. */
  stream: StreamId | undefined
  reader: FrameReader | undefined
}

/** A caller's dial. */
export interface DialAsk {
  readonly kind: 'dial'
  readonly id: AskId
  readonly target: string
}

export type Ask = RequestAsk | DialAsk | BroadcastAsk | JoinedAsk | ExplainAsk

/**
 * How far a peer's request is. `held`: its bytes wait for room; `handling`: somebody of ours has it; `answering`: the answer
 * is on its way, and more of it may be made.
 */
export type ExchangeStage = 'reading' | 'held' | 'handling' | 'answering'

interface PeersRequest {
  readonly id: ExchangeId
  readonly connection: ConnectionId
  readonly peer: string
  stage: ExchangeStage
  /** Bytes of the budget that it holds. */
  reserved: number
  /** All that it needs is reserved. */
  admitted: boolean
  /** The whole payload is here. */
  complete: boolean
  /** The time that it has in its stage, ms. */
  timeout: number
}

/** A peer's request over version 1; its id is its stream. */
export interface StreamExchange extends PeersRequest {
  readonly kind: 'stream'
  reader: FrameReader
}

/** A peer's request over a session. As a `Sender` it sends the answer's values. */
export interface SessionExchange extends PeersRequest, Sender {
  readonly kind: 'session'
  /** It is for the node itself: `services/` answers it. */
  readonly service: boolean
  readonly session: StreamId
  /** When the asker gives up waiting for the first value; 0: it did not say. */
  readonly dueAt: number
  /** The asker takes one value. */
  readonly one: boolean
  /** What a producer that cannot wait may do with too many values, if the asker has said it. */
  readonly lossy: Lossy | undefined
  /** The payload's size, and what is here of it while that is not all. */
  readonly total: number
  gathered: Gathered | undefined
  /** What the asker may still send of it. */
  credit: number
  /** What there is besides when the answer has several values. */
  series: Series | undefined
  /** No value follows; with a failure, if it ends so. */
  ended: boolean
  failure: Failure | undefined
}

/** An answer of several values. */
export interface Series {
  /** Values behind the one that is being sent, from `next` on. */
  values: Uint8Array[]
  next: number
  /** What those and the one before them still cost. */
  cost: number
  /** The producer waits for `produce`. */
  pullable: boolean
  /** What it may still make. */
  allowance: number
}

export interface Lossy {
  /** So many values may wait. */
  buffer: number
  overflow: Overflow
}

export type Exchange = StreamExchange | SessionExchange

/** What one peer has of our inbound budget. */
export interface Account {
  exchanges: number
  bytes: number
  /** Exchanges that have all the bytes that they need. */
  admitted: number
  /** First windows of those that have not. */
  windows: number
}

export interface State {
  readonly self: string
  readonly settings: Settings
  phase: Phase
  /** The time of the current batch, ms. */
  now: number
  /** Where we listen, without `/p2p`. */
  addresses: string[]

  connections: Map<ConnectionId, Connection>
  /** Peer id → its connections, oldest first. */
  links: Map<string, ConnectionId[]>
  dials: Map<string, Dial>
  /** Connections that nothing uses → since when. In the order of that time. */
  idle: IdMap<number>
  /** Peers in the mesh of one of our topics. */
  mesh: Set<string>
  nextPing: number

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

  asks: IdMap<Ask>
  /** Version-1 streams of ours → the request that they carry. */
  calls: IdMap<RequestAsk>
  askDeadlines: Deadlines
  nextStream: StreamId

  exchanges: IdMap<Exchange>
  exchangeDeadlines: Deadlines
  /** Of the next request that comes over a session. */
  nextExchange: ExchangeId
  /** Exchanges that wait for room, in order. */
  held: Set<ExchangeId>
  accounts: Map<string, Account>
  inboundBytes: number
  admitted: number
  windowBytes: number
  /** An exchange has ended in this step while others wait for room. */
  roomFreed: boolean

  sessions: Map<StreamId, AskingSession<RequestAsk> | AnsweringSession<SessionExchange>>
  /** Sessions that have something to send, at the end of the step. */
  unflushed: StreamId[]

  /** The topics that we are in, and all that concerns broadcasts besides. */
  topics: Map<string, Topic>
  broadcasts: Broadcasts

  /** The question of `stop()`, and when it is answered at the latest. */
  stopAsk: AskId | undefined
  stopAt: number

  /** No deadline is earlier than this. Found anew when it has come; until then whoever sets a deadline may only lower it. */
  nextDue: number
  /** The wake-up that is armed; `Infinity`: none. */
  wakeAt: number
  /** Something that the status shows has changed in this batch. */
  statusDirty: boolean
}

export function createState(self: string, settings: Settings): State {
  return {
    self,
    settings,
    phase: 'starting',
    // The first batch sets it: a scheduler may begin anywhere, below zero too.
    now: -Infinity,
    addresses: [],
    connections: new Map(),
    links: new Map(),
    dials: new Map(),
    idle: new IdMap(),
    mesh: new Set(),
    nextPing: Infinity,
    known: new Map(),
    querying: false,
    probeCursor: 0,
    nextProbe: Infinity,
    probes: new Set(),
    probing: new Set(),
    asks: new IdMap(),
    calls: new IdMap(),
    askDeadlines: new IdMap(),
    nextStream: 1,
    exchanges: new IdMap(),
    exchangeDeadlines: new IdMap(),
    nextExchange: -1,
    held: new Set(),
    accounts: new Map(),
    inboundBytes: 0,
    admitted: 0,
    windowBytes: 0,
    roomFreed: false,
    sessions: new Map(),
    unflushed: [],
    topics: new Map(),
    broadcasts: createBroadcasts(settings.guardedTopics),
    stopAsk: undefined,
    stopAt: Infinity,
    nextDue: Infinity,
    wakeAt: Infinity,
    statusDirty: false,
  }
}
