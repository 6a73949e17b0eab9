/**
 * The state of a session, in either role: the stream, the reader, and the requests with something to send. Plain data.
 * The protocol is in docs/session.md.
 */
import type { ConnectionId, StreamId } from '../../port.js'
import { WITHOUT_HELLO, type Farewell, type Hello } from '../../../wire/session/format.js'
import { createReader, type FrameReader } from '../../../wire/session/reader.js'
import type { Gathered } from '../../../wire/gather.js'
import { IdMap } from '../../id-map.js'
import { createBucket } from '../../limits/rate.js'
import type { Bucket } from '../../limits/state.js'
import type { Pace, Round } from './pacing.js'

/** A request that sends over a session: an outbound one sends one value (its payload), an answer any number. */
export interface Sender {
  /** The id of the request in its session. */
  wireId: number
  /** The value that is being sent, or is the next to be sent. */
  value: Uint8Array | undefined
  /** Bytes of the value that were sent; -1: its first frame was not. */
  sent: number
  /** The credit that the other side has given, as far as it is left. */
  sendCredit: number
  /** It is in `ready` or `bulk` of its session. */
  listed: boolean
}

/** The fields of both roles. */
export interface Session<Party extends Sender> {
  readonly stream: StreamId
  readonly connection: ConnectionId
  readonly peer: string
  readonly pace: Pace
  /** The stream is open; frames may go. */
  open: boolean
  reader: FrameReader
  /** The other side's HELLO has arrived, and this is what it said. */
  greeted: boolean
  hello: Hello
  /** Our HELLO was sent. */
  helloSent: boolean
  /** The rate of frames that say nothing. */
  readonly wasted: Bucket
  /** The largest id of a request so far. */
  lastId: number
  /** Open requests, by id. */
  requests: IdMap<Party>
  /** The last write was not answered by `writable` yet. */
  writing: boolean
  /** The session is in `state.streams.unflushed`. */
  flushScheduled: boolean
  /** GOODBYEs that go with the next write: of our own ASK, STAY and STOPPING, and of answers, one each at most. */
  goodbyes: { id: number; says: Farewell }[]
  /** Credit that the next write gives: id → amount. */
  credits: IdMap<number>
  /** Requests with something to send, in turn … */
  ready: Party[]
  /** … and those of them whose value takes many frames. */
  bulk: Party[]
}

/** The values that arrive for a request of ours, if they are more than one frame. */
export interface Intake {
  /** The credit that the other side has left. */
  credit: number
  /** The cost of values that have arrived and were not taken yet (`pull`). */
  untaken: number
  /** The size of the value of which a part has arrived; -1: there is none. */
  total: number
  gathered: Gathered | undefined
  round: Round | undefined
}

export interface AskingSession<Call extends Sender> extends Session<Call> {
  readonly role: 'asking'
  /** When we began to open it. */
  readonly since: number
  /** By the credit that the other side gave last, the line carries all of a request's first window at once. */
  trusted: boolean
  /** Ids of requests that we cancelled and that the other side has not ended yet … */
  cancelled: Set<number>
  /** … and of those for which CANCEL was not sent yet. */
  cancels: number[]
  /** Its part of `Responses.lent`. */
  lent: number
  /** The largest answer of late that took several frames, bytes. */
  largest: number
}

export interface AnsweringSession<Party extends Sender> extends Session<Party> {
  readonly role: 'answering'
  /** FAIL frames to send for requests that have ended already. */
  failures: FailFrame[]
  /** The cost of all values that wait to be sent and whose producers cannot wait. */
  queued: number
  /** The asker has closed its side, so no more requests follow. */
  ending: boolean
}

/** The fields of a FAIL frame. */
export interface FailFrame {
  wireId: number
  code: string
  message: string
  /** ms; 0: not given. */
  retryAfterMs: number
}

/** The fields of a connection that a session needs. */
type Carrier = { readonly id: ConnectionId; readonly peer: string; readonly pace: Pace }

function createSession<Party extends Sender>(stream: StreamId, { id, peer, pace }: Carrier): Session<Party> {
  return {
    stream,
    connection: id,
    peer,
    pace,
    open: false,
    reader: createReader(),
    greeted: false,
    hello: { ...WITHOUT_HELLO },
    helloSent: false,
    wasted: createBucket(),
    lastId: 0,
    requests: new IdMap(),
    writing: false,
    flushScheduled: false,
    goodbyes: [],
    credits: new IdMap(),
    ready: [],
    bulk: [],
  }
}

export function createAskingSession<Call extends Sender>(
  stream: StreamId,
  connection: Carrier,
  since: number,
): AskingSession<Call> {
  return {
    ...createSession<Call>(stream, connection),
    role: 'asking',
    since,
    trusted: false,
    cancelled: new Set(),
    cancels: [],
    lent: 0,
    largest: 0,
  }
}

export function createAnsweringSession<Party extends Sender>(
  stream: StreamId,
  connection: Carrier,
): AnsweringSession<Party> {
  return {
    ...createSession<Party>(stream, connection),
    role: 'answering',
    open: true,
    failures: [],
    queued: 0,
    ending: false,
  }
}
