/**
 * The state of a node: plain data (maps, sets, numbers, strings, bytes), owned by the pipeline and changed by `step`
 * alone. The routing table is the port's; `known` is what it last told us of it.
 */
import type { AskId, ConnectionId, StreamId } from '../network/port.js'
import type { FrameReader } from '../wire/frame-v1.js'
import type { Deadlines } from './deadlines.js'
import type { Settings } from './settings.js'

export type Phase = 'starting' | 'running' | 'stopping' | 'ended'

export interface Connection {
  readonly id: ConnectionId
  readonly peer: string
  readonly address: string
  readonly inbound: boolean
  /** What identify said that the peer speaks. */
  protocols: string[] | undefined
  /** Requests of ours that go over this connection, whatever their stage. */
  asks: Set<AskId>
  /** Those of them that wait for a stream, in order. */
  queue: Set<AskId>
  /** Streams of ours that are open, or opening, for a version-1 request. */
  streams: number
  /** The other side has accepted a stream of ours, so its upgrade is over. */
  proven: boolean
  /** Requests of the peer that came over this connection. */
  exchanges: Set<StreamId>
  /** A ping is under way. */
  pinging: boolean
}

/** A dial under way. All who want the same target wait for the same dial. */
export interface Dial {
  readonly target: string
  /** Addresses that the port was asked to try; empty: it looks the peer up. */
  addresses: string[]
  /** Addresses that were offered while the dial was under way: tried when it fails. */
  more: string[]
  waiting: Set<AskId>
}

/** A caller's request, from its command to its answer and, after that (`draining`), to the end of its stream. */
export interface RequestAsk {
  readonly kind: 'request'
  readonly id: AskId
  readonly peer: string
  readonly timeout: number
  /** The payload; dropped once it is handed to the network. */
  data: Uint8Array | undefined
  stage: 'dialling' | 'queued' | 'opening' | 'waiting' | 'draining'
  connection: ConnectionId | undefined
  stream: StreamId | undefined
  reader: FrameReader | undefined
}

/** A caller's other questions, which one event of the port answers. */
export interface SimpleAsk {
  readonly kind: 'dial' | 'broadcast'
  readonly id: AskId
  /** What is dialled, or the topic. */
  readonly about: string
}

export type Ask = RequestAsk | SimpleAsk

/** A peer's request. */
export interface Exchange {
  readonly stream: StreamId
  readonly connection: ConnectionId
  readonly peer: string
  /** `held`: its bytes wait for room; `handling`: somebody of ours has it; `answering`: the answer is on its way. */
  stage: 'reading' | 'held' | 'handling' | 'answering'
  reader: FrameReader
  /** Bytes of the budget that it holds; `undefined` before its length is known. */
  reserved: number | undefined
  /** The whole payload is here. */
  complete: boolean
}

/** What one peer has of our inbound budget. */
export interface Account {
  exchanges: number
  bytes: number
}

export interface Topic {
  /** Subscribers of ours. */
  subscribers: number
  /** Named in the config: never left. */
  fixed: boolean
  /** When it is left, if nobody subscribes again. */
  leaveAt: number
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
  idle: Map<ConnectionId, number>
  /** Peers in the mesh of one of our topics. */
  mesh: Set<string>
  nextPing: number

  /** The routing table as the port last told it: peer id → multiaddrs. */
  known: Map<string, string[]>
  /** A table query is under way. */
  querying: boolean
  /** Where the next tick goes on probing. */
  probeCursor: number
  /** Members of the table that this tick wants probed, and those that are being dialled for it. */
  probes: Set<string>
  probing: Set<string>

  asks: Map<AskId, Ask>
  /** Version-1 streams of ours → the request that they carry. */
  calls: Map<StreamId, RequestAsk>
  askDeadlines: Deadlines<AskId>
  nextStream: StreamId

  exchanges: Map<StreamId, Exchange>
  exchangeDeadlines: Deadlines<StreamId>
  /** Exchanges that wait for room, in order. */
  held: Set<StreamId>
  accounts: Map<string, Account>
  inboundBytes: number

  topics: Map<string, Topic>

  /** The question of `stop()`, and when it is answered at the latest. */
  stopAsk: AskId | undefined
  stopAt: number

  /** The earliest of all deadlines, as of the last batch. */
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
    idle: new Map(),
    mesh: new Set(),
    nextPing: Infinity,
    known: new Map(),
    querying: false,
    probeCursor: 0,
    probes: new Set(),
    probing: new Set(),
    asks: new Map(),
    calls: new Map(),
    askDeadlines: new Map(),
    nextStream: 1,
    exchanges: new Map(),
    exchangeDeadlines: new Map(),
    held: new Set(),
    accounts: new Map(),
    inboundBytes: 0,
    topics: new Map(),
    stopAsk: undefined,
    stopAt: Infinity,
    nextDue: -Infinity,
    wakeAt: Infinity,
    statusDirty: false,
  }
}
