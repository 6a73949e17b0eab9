/** The state of requests: outbound and inbound ones, their streams, and the budget of the inbound ones. */
import { IdMap, type Deadlines } from '../id-map.js'
import type { ConnectionId, StreamId } from '../port.js'
import type { AskId, ExchangeId, Overflow, TakeValues } from '../terms.js'
import type { FrameReader } from '../../wire/v1.js'
import type { Gathered } from '../../wire/gather.js'
import type { Round } from './session/pacing.js'
import type { AnsweringSession, AskingSession, FailFrame, Intake, Sender } from './session/state.js'

/** A request of ours over version 1, on a stream for it alone. */
export interface V1Call {
  readonly protocol: 'v1'
  readonly stream: StreamId
  /** From the opening of the stream to the end of the response. */
  reader: FrameReader | undefined
}

/** A request of ours over a session. As a `Sender` it sends the payload. */
export interface SessionCall extends Sender {
  readonly protocol: 'session'
  readonly ask: RequestAsk
  /** The credit for replies in its REQUEST. */
  readonly firstCredit: number
  intake: Intake | undefined
}

/** A request of a caller or of the node itself, from its command to its answer or (`draining`) to the end of its stream. */
export interface RequestAsk {
  readonly kind: 'request'
  readonly id: AskId
  readonly peer: string
  /** Where to dial it, if that is needed; none: look it up. */
  readonly addresses: string[]
  /** It goes to the other node itself, and not to its application. */
  readonly service: boolean
  /** Of the deadline that it has now, ms. */
  timeout: number
  /** When the caller gives up, in the lane's time. */
  readonly deadline: number
  /** How a stream of values is taken; `undefined`: one value is the answer. */
  readonly values: TakeValues | undefined
  /** The payload, until it is sent. */
  data: Uint8Array | undefined
  /** `streaming`: the first value has arrived, and others may follow. `draining`: answered, but the stream is still open. */
  stage: 'dialling' | 'queued' | 'opening' | 'waiting' | 'streaming' | 'draining'
  connection: ConnectionId | undefined
  /** How often it went to another connection, because the one before was lost. */
  moves: number
  /** `undefined`: it waits for a dial, or for its turn on the connection. */
  call: V1Call | SessionCall | undefined
  /** The answer, or the value of it, that comes in parts; `undefined`: none does. */
  arriving: Arriving | undefined
}

/** What a request of ours takes while its answer comes. responses.ts changes it. */
export interface Arriving {
  /** What whoever sends it uses. */
  readonly account: Account
  /** What it takes when there is room for it, bytes. */
  readonly size: number
  /** There is room for it. */
  hasRoom: boolean
  /** What it takes now, bytes: its size or, while it waits for room, what may come of it meanwhile. */
  bytes: number
}

/**
 * `reading`: the request arrives; `waiting`: it waits for room; `queued`: it is here, and waits for its turn; `handling`: a handler
 * works on it; `answering`: its answer is being sent, and more of it may be produced.
 */
export type ExchangeStage = 'reading' | 'waiting' | 'queued' | 'handling' | 'answering'

interface PeersRequest {
  readonly id: ExchangeId
  readonly connection: ConnectionId
  readonly peer: string
  /** What the peer uses. */
  readonly account: Account
  /** It goes to this node itself: services/ answers it. */
  readonly service: boolean
  stage: ExchangeStage
  /** The size of the payload, bytes; 0: not known yet. */
  total: number
  /** The whole payload has arrived. */
  complete: boolean
  /** Bytes of the budget that it takes. */
  reserved: number
  /** All bytes that it needs are reserved. */
  admitted: boolean
  /** The time that it was given last, perhaps in an earlier stage, ms. While enough comes from the peer, or goes to it, it has this time again … */
  timeout: number
  /** … counted from these bytes on, of all requests of the peer or of all answers to it. */
  moved: number
  /** When that time is over; 0: there is none yet. */
  until: number
  /** When the asker gives up, in the lane's time; 0: not known. */
  readonly deadline: number
  /** No value of the answer follows. */
  ended: boolean
  /** When all of it was here. */
  arrivedAt: number
  /** The payload, while it waits for its turn. */
  payload: Uint8Array | undefined
  /** A handler works on it, or on what was cancelled of it. */
  busy: boolean
  /** Bytes that its answer takes, or is expected to take. */
  held: number
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
  /** The asker takes one value. */
  readonly one: boolean
  /** What happens to too many values of a producer that cannot wait, if the asker has said so. */
  readonly lossy: Lossy | undefined
  /** The pieces of the payload that have arrived, until it is complete. */
  gathered: Gathered | undefined
  /** What the asker may still send of the payload, bytes. */
  credit: number
  /** What it is taken to keep back of that until it gets CREDIT, bytes; 0: it has sent more. */
  keptBack: number
  round: Round | undefined
  /** The values of an answer that has several. */
  series: Series | undefined
  /** The FAIL frame that ends the answer, if there is one. */
  failure: FailFrame | undefined
}

/** An answer of several values. */
export interface Series {
  /** Values behind the one that is being sent, from `next` on. */
  values: Uint8Array[]
  next: number
  /** The cost of these values and of the one that is being sent, as far as it was not sent. */
  cost: number
  /** The producer waits for `produce`. */
  pullable: boolean
  /** The cost of the values that it may still produce. */
  allowance: number
  /** Bytes that are reserved for the next value, while it may produce one. */
  reserved: number
  /** When something of it went last, or began to wait. */
  movedAt: number
}

/** What the asker allows a producer that cannot wait. */
export interface Lossy {
  /** At most this many values may wait. */
  buffer: number
  overflow: Overflow
}

export type Exchange = V1Exchange | SessionExchange

/** What requests take. */
export interface Use {
  exchanges: number
  bytes: number
  /** Exchanges whose bytes are all reserved. */
  admitted: number
  /** Bytes of the first windows of the others. */
  windows: number
  /** Handlers at work, those of requests that are over included. */
  handlers: number
  /** Bytes of answers, those that are expected included. */
  answers: number
  /** Bytes of answers to requests of ours that come in parts … */
  responses: number
  /** … and what may come of those that wait for room. */
  early: number
  /** What an answer is expected to take, bytes: the largest of late; of all together, what is usual. 0: there was none yet. */
  expected: number
}

/** What the peers of a range of addresses use together. */
export interface RangeUse extends Use {
  readonly range: string
  /** Of how many peers there are accounts. */
  accounts: number
  /** Time of handlers that they have had, ms, by the clock of all (served.ts) … */
  served: number
  /** … and what whoever of them had one last had had. */
  clock: number
}

/** What one peer uses, while it is connected or uses anything, and for a while longer if its handlers took long. */
export interface Account extends Use {
  readonly peer: string
  readonly range: RangeUse
  /** Handlers that it may have at once while nothing is known of its answers. */
  window: number
  /** Time of handlers that it has had, ms, by the clock of its range (served.ts). */
  served: number
  /** What its handlers take of late on average, ms; if that is much, it counts as dear until `dearUntil`. */
  cost: number
  dearUntil: number
  /** So many of them have ended. */
  ended: number
  /** While requests of it wait: the time between two ends of its handlers, smoothed, ms, and when the last one was. */
  interval: number
  freedAt: number
  /** Its requests that wait for their turn, in order. */
  queue: Set<ExchangeId>
  /** Requests of it that were answered, and that were refused. */
  answered: number
  refused: number
  /** How many of those that were refused `peers$` shows. */
  shown: number
  readonly moved: Moved
}

/** What has passed between a peer and us. */
export interface Moved {
  /** Bytes of its requests that have come. */
  received: number
  /** Bytes of the answers to it, over sessions, that were sent … */
  sent: number
  /** … and when they have left, even over a slow line, ms. */
  leftAt: number
}

export type AnySession = AskingSession<SessionCall> | AnsweringSession<SessionExchange>

/** The streams that carry requests. streams.ts changes it. */
export interface Streams {
  /** The id of the next stream that we open. */
  nextId: StreamId
  /** Version-1 streams of ours → the request that they carry. */
  v1Requests: IdMap<RequestAsk>
  sessions: Map<StreamId, AnySession>
  /** Streams of the sessions that are flushed at the end of the step. */
  unflushed: StreamId[]
}

/** Requests of other nodes. exchanges.ts changes it. */
export interface Exchanges {
  open: IdMap<Exchange>
  deadlines: Deadlines
  /** The number of the next request over a session. */
  nextId: ExchangeId
}

/** The budget for requests of other nodes. budget.ts and accounts.ts change it. */
export interface Budget {
  /** Peer id → what it uses. */
  accounts: Map<string, Account>
  /** Range of addresses → what its peers use. */
  ranges: Map<string, RangeUse>
  /** What all use. */
  all: Use
  /** Peers that are gone and whose accounts are kept, until a time. The first one is dropped first. */
  gone: Map<string, number>
  /** Exchanges that wait for room, in order. */
  waiting: Set<ExchangeId>
  /** An exchange has ended in this step while others wait for room. */
  roomFreed: boolean
}

/** Answers to requests of ours. responses.ts changes it. */
export interface Responses {
  /** Requests whose answers have begun and wait for room, in order. */
  waiting: Set<AskId>
  /** In this step room has become free while answers wait for it, or too much has come of these. */
  due: boolean
  /** What requests over sessions that are not over gave as credit beyond the first frame, bytes. */
  lent: number
}

/** A request that is over, and whose handler still works on it: it keeps its place and its bytes until `until`. */
export interface Lingering {
  readonly account: Account
  readonly bytes: number
  /** As `Exchange.admitted`. */
  readonly admitted: boolean
  readonly until: number
}

/**
 * Of those that have waited, so many go to their handlers in a moment at most: more than have time for it in a turn of the event loop,
 * mostly. Those that find nobody waiting go at once, and are not among them.
 */
export const AT_ONCE = 512

/** What the first handler of a peer is taken to cost at most, and before any has ended, ms. */
export const FIRST = 4

/** Requests that wait for a handler. slots.ts changes it. */
export interface Turns {
  /** Those whose requests wait, by peer id. */
  peers: Map<string, Account>
  /** What whoever waits has had at the least, of time of handlers, ms; while nobody waits, it goes on as time does (served.ts). */
  clock: number
  /** Until when it has gone on. */
  clockAt: number
  /** Answers whose producers wait for room for their next value. */
  stalled: Set<ExchangeId>
  /** They try again, one after the other. */
  resuming: boolean
  lingering: IdMap<Lingering>
  /** Something has become free, or has begun to wait, in this step. */
  due: boolean
  /** No answers are ended for the room that they take before this. */
  roomAt: number
  /** So many of those that wait go to their handlers in a moment, and so many have gone in the one that began then. */
  atOnce: number
  handed: number
  handedAt: number
  /** The handlers' time of this turn of the event loop is used up. */
  isUsed: boolean
  /** When more of those that wait go to their handlers, because there were many; `Infinity`: all have gone that may. */
  moreAt: number
  /** When those of whose answers nothing is known may have more handlers at once; `Infinity`: nobody waits for that. */
  growAt: number
  /** The peer that is not dear and had a handler last, and when. */
  quickPeer: string
  quickAt: number
  /** What the first handlers of peers took of late, smoothed, ms. */
  firstCost: number
  /** Until then dear peers leave the time to others, if there are any. */
  restUntil: number
}

/** What the log says of refusals. refusal-log.ts changes it. */
export interface RefusalLog {
  /** There is no line about one before this. */
  nextAt: number
  /** Those since the last line. */
  untold: number
  /** When `peers$` shows those that it does not show yet; `Infinity`: it shows all. */
  showAt: number
}

export interface RequestsState {
  streams: Streams
  exchanges: Exchanges
  budget: Budget
  turns: Turns
  responses: Responses
  refusalLog: RefusalLog
}

export function nothingUsed(): Use {
  return {
    exchanges: 0,
    bytes: 0,
    admitted: 0,
    windows: 0,
    handlers: 0,
    answers: 0,
    responses: 0,
    early: 0,
    expected: 0,
  }
}

export function createRequestsState(): RequestsState {
  return {
    streams: { nextId: 1, v1Requests: new IdMap(), sessions: new Map(), unflushed: [] },
    exchanges: { open: new IdMap(), deadlines: new IdMap(), nextId: -1 },
    budget: {
      accounts: new Map(),
      ranges: new Map(),
      all: nothingUsed(),
      gone: new Map(),
      waiting: new Set(),
      roomFreed: false,
    },
    turns: {
      peers: new Map(),
      clock: 0,
      clockAt: 0,
      stalled: new Set(),
      resuming: false,
      lingering: new IdMap(),
      due: false,
      roomAt: -Infinity,
      atOnce: AT_ONCE,
      handed: 0,
      handedAt: -Infinity,
      isUsed: false,
      moreAt: Infinity,
      growAt: Infinity,
      quickPeer: '',
      quickAt: -Infinity,
      firstCost: FIRST,
      restUntil: -Infinity,
    },
    responses: { waiting: new Set(), due: false, lent: 0 },
    refusalLog: { nextAt: -Infinity, untold: 0, showAt: Infinity },
  }
}
