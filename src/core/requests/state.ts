/** Requests of ours and of other nodes: what is open of them, on which streams, and the room that they take. */
import type { Deadlines } from '../deadlines.js'
import { IdMap } from '../id-map.js'
import type { ConnectionId, StreamId } from '../port.js'
import type { AskId, ExchangeId, Overflow, TakeValues } from '../terms.js'
import type { FrameReader } from '../../wire/v1.js'
import type { Gathered } from '../../wire/gather.js'
import type { AnsweringSession, AskingSession, FailFrame, Intake, Sender } from './session/state.js'

/** How a request of ours crosses its connection over version 1: on a stream of its own. */
export interface V1Call {
  readonly protocol: 'v1'
  readonly stream: StreamId
  /** Once the stream is open, until the answer is here. */
  reader: FrameReader | undefined
}

/** How it crosses over a session. As a `Sender` it sends the request's payload. */
export interface SessionCall extends Sender {
  readonly protocol: 'session'
  readonly ask: RequestAsk
  /** What its REQUEST gave, or will give, for replies before any CREDIT. */
  readonly firstCredit: number
  intake: Intake | undefined
}

/** A request of a caller, or of the node itself, from its command to its answer and, after that (`draining`), to the end of its stream. */
export interface RequestAsk {
  readonly kind: 'request'
  readonly id: AskId
  readonly peer: string
  /** Where to dial it, if that is needed; none: look it up. */
  readonly addresses: string[]
  /** It is the node's own, to the other node and not to its application. */
  readonly service: boolean
  readonly timeout: number
  /** When the caller gives up. */
  readonly dueAt: number
  /** How a stream of values is taken; `undefined`: one value is the answer. */
  readonly values: TakeValues | undefined
  /** The payload, until it is on its way. */
  data: Uint8Array | undefined
  /** `streaming`: its first value is here, and more may come. */
  stage: 'dialling' | 'queued' | 'opening' | 'waiting' | 'streaming' | 'draining'
  connection: ConnectionId | undefined
  /** `undefined`: it waits for a dial, or for its turn on the connection. */
  via: V1Call | SessionCall | undefined
}

/**
 * How far a peer's request is. `held`: its bytes wait for room; `handling`: somebody of ours has it; `answering`: the answer
 * is on its way, and more of it may be made.
 */
export type ExchangeStage = 'reading' | 'held' | 'handling' | 'answering'

interface PeersRequest {
  readonly id: ExchangeId
  readonly connection: ConnectionId
  readonly peer: string
  /** It is for the node itself: services/ answers it. */
  readonly service: boolean
  stage: ExchangeStage
  /** The payload's size, bytes; 0 until it is known. */
  total: number
  /** The whole payload is here. */
  complete: boolean
  /** Bytes of the budget that it holds. */
  reserved: number
  /** All that it needs is reserved. */
  admitted: boolean
  /** The time that it has in its stage, ms. */
  timeout: number
  /** No value of the answer follows. */
  ended: boolean
}

/** A peer's request over version 1; its id is its stream. */
export interface V1Exchange extends PeersRequest {
  readonly protocol: 'v1'
  reader: FrameReader
}

/** A peer's request over a session. As a `Sender` it sends the answer's values. */
export interface SessionExchange extends PeersRequest, Sender {
  readonly protocol: 'session'
  readonly session: StreamId
  /** When the asker gives up waiting for the first value; 0: it did not say. */
  readonly dueAt: number
  /** The asker takes one value. */
  readonly one: boolean
  /** What a producer that cannot wait may do with too many values, if the asker has said it. */
  readonly lossy: Lossy | undefined
  /** What is here of the payload while that is not all. */
  gathered: Gathered | undefined
  /** What the asker may still send of it. */
  credit: number
  /** What there is besides when the answer has several values. */
  series: Series | undefined
  /** How the answer ends, if it ends badly. */
  failure: FailFrame | undefined
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
  /** At most this many values may wait. */
  buffer: number
  overflow: Overflow
}

export type Exchange = V1Exchange | SessionExchange

/** What one peer has of our inbound budget. */
export interface Account {
  exchanges: number
  bytes: number
  /** Exchanges that have all the bytes that they need. */
  admitted: number
  /** First windows of those that have not. */
  windows: number
}

/** The streams that carry requests. streams.ts changes it. */
export interface Streams {
  /** Of the next stream that we open. */
  nextId: StreamId
  /** Version-1 streams of ours → the request that they carry. */
  calls: IdMap<RequestAsk>
  sessions: Map<StreamId, AskingSession<SessionCall> | AnsweringSession<SessionExchange>>
  /** Sessions that have something to send, at the end of the step. */
  unflushed: StreamId[]
}

/** Requests of other nodes. exchanges.ts changes it. */
export interface Exchanges {
  open: IdMap<Exchange>
  deadlines: Deadlines
  /** Of the next request that comes over a session. */
  nextId: ExchangeId
}

/** The room for requests of other nodes. budget.ts changes it. */
export interface Budget {
  /** Peer id → what it has of the room. */
  accounts: Map<string, Account>
  bytes: number
  admitted: number
  windowBytes: number
  /** Exchanges that wait for room, in order. */
  waiting: Set<ExchangeId>
  /** An exchange has ended in this step while others wait for room. */
  roomFreed: boolean
}

export interface RequestsState {
  streams: Streams
  exchanges: Exchanges
  budget: Budget
}

export function createRequestsState(): RequestsState {
  return {
    streams: { nextId: 1, calls: new IdMap(), sessions: new Map(), unflushed: [] },
    exchanges: { open: new IdMap(), deadlines: new IdMap(), nextId: -1 },
    budget: { accounts: new Map(), bytes: 0, admitted: 0, windowBytes: 0, waiting: new Set(), roomFreed: false },
  }
}
