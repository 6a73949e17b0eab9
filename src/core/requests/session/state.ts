/**
 * The state of a session, in either role: the stream, what is being read from it, and who has something to send. Plain
 * data. docs/session.md is the protocol.
 */
import type { ConnectionId, StreamId } from '../../port.js'
import { WITHOUT_HELLO, type Farewell, type Hello } from '../../../wire/session/format.js'
import { createReader, type FrameReader } from '../../../wire/session/reader.js'
import type { Gathered } from '../../../wire/gather.js'
import { IdMap } from '../../id-map.js'
import type { Pace } from './pacing.js'

/** Whoever sends values over a session: a request of ours has one, an answer any number. */
export interface Sender {
  /** The request's id in its session. */
  wireId: number
  /** The value that is being sent, or is sent next. */
  value: Uint8Array | undefined
  /** Bytes of it that have gone; -1: not even its first frame. */
  sent: number
  /** What the other side still takes. */
  sendCredit: number
  /** It stands in one of the session's lists. */
  listed: boolean
}

/** What both roles have. */
interface Session<Party extends Sender> {
  readonly stream: StreamId
  readonly connection: ConnectionId
  readonly peer: string
  readonly pace: Pace
  /** The stream is open; frames may go. */
  open: boolean
  reader: FrameReader
  /** The other side's HELLO has come, and what it said. */
  greeted: boolean
  hello: Hello
  /** Our HELLO has gone. */
  helloSent: boolean
  /** The largest id so far. */
  lastId: number
  /** Open requests, by their ids. */
  calls: IdMap<Party>
  /** A write has not been answered by `writable` yet. */
  writing: boolean
  /** Stands in `state.unflushed`. */
  touched: boolean
  /** GOODBYEs that go with the next write. */
  goodbyes: { id: number; says: Farewell }[]
  /** Credit that we give with the next write: id → amount. */
  credits: IdMap<number>
  /** Those who have something to send, in turn … */
  ready: Party[]
  /** … and those whose value takes many frames. */
  bulk: Party[]
}

/** What arrives for one of our requests, when it is more than one frame. */
export interface Intake {
  /** What the other side may still send, as we count it. */
  credit: number
  /** What has arrived and was not taken yet (`pull`). */
  untaken: number
  /** The size of the value that is in the middle of its arrival; -1: there is none. */
  total: number
  gathered: Gathered | undefined
}

export interface AskingSession<Call extends Sender> extends Session<Call> {
  readonly role: 'asking'
  /** Requests that we cancelled and that the other side has not ended yet. */
  cancelled: Set<number>
  /** … and those of them that it has not been told of. */
  cancels: number[]
}

export interface AnsweringSession<Party extends Sender> extends Session<Party> {
  readonly role: 'answering'
  /** Final frames for requests that are over already. */
  failures: FailFrame[]
  /** What all values cost that wait to be sent and whose producers cannot wait. */
  queued: number
  /** The asker has closed its side: it asks nothing more. */
  ending: boolean
}

/** What a FAIL says. */
export interface FailFrame {
  wireId: number
  code: string
  message: string
  /** 0: not said. */
  retryAfterMs: number
}

/** What a session takes of its connection. */
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
    lastId: 0,
    calls: new IdMap(),
    writing: false,
    touched: false,
    goodbyes: [],
    credits: new IdMap(),
    ready: [],
    bulk: [],
  }
}

export function createAskingSession<Call extends Sender>(stream: StreamId, connection: Carrier): AskingSession<Call> {
  return { ...createSession<Call>(stream, connection), role: 'asking', cancelled: new Set(), cancels: [] }
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
