/**
 * The order in which a session sends. All frames of an instant leave in one write, and the next write waits for
 * `writable`, so the core feels backpressure and small values overtake large ones. Values of many frames take turns. What
 * the frames say, the roles' `Sending` knows.
 */
import { MAX_CHUNK } from '../../../wire/session/format.js'
import { createWriter, takeChunks, writeGoodbye, type FrameWriter } from '../../../wire/session/writer.js'
import type { Effects } from '../../effects.js'
import type { Settings } from '../../settings.js'
import type { State } from '../../state.js'
import { scheduleFlush } from '../streams.js'
import { isPaced } from './pacing.js'
import type { AnsweringSession, Sender, Session as AnySession } from './state.js'

/** Bytes of a write while small requests are frequent: one frame of Noise (65,519 bytes) with the header of Yamux … */
const MAX_PACED_WRITE = 65_400
/** … and otherwise: four such frames, in one system call. */
const MAX_WRITE = 261_900
/** An estimate of a frame's bytes without its payload. */
const HEAD = 24

/** A session of either role. */
type Outgoing<Party extends Sender> = AnySession<Party> & Partial<Pick<AnsweringSession<Party>, 'ending'>>

/** How one role sends. */
export interface Sending<Session, Party extends Sender> {
  /** Values, large ones too, have to begin in the order in which they were listed, because their ids must rise. */
  readonly inOrder: boolean
  /** Are there frames that go before all values, such as HELLO and CREDIT? */
  hasControl(session: Session): boolean
  control(session: Session, writer: FrameWriter, settings: Settings): void
  /** Bytes of the party's value that may go in one frame now; -1: not even an empty frame may go. */
  sendable(party: Party): number
  /** Writes the next `bytes` of the value, or the party's final frame. */
  write(state: State, out: Effects, party: Party, writer: FrameWriter, bytes: number): void
}

/** The party has something to send: it has got a value, or credit, or has come to its end. */
export function enlist<Party extends Sender>(state: State, session: Outgoing<Party>, party: Party): void {
  if (!party.listed) {
    party.listed = true
    session.ready.push(party)
  }
  scheduleFlush(state, session)
}

/** Sends one write, if the last one was answered by `writable`. */
export function flush<Party extends Sender, Session extends Outgoing<Party>>(
  state: State,
  out: Effects,
  session: Session,
  sending: Sending<Session, Party>,
): void {
  session.flushScheduled = false
  if (!session.open || session.writing) return
  if (session.ready.length === 0 && session.bulk.length === 0 && !sending.hasControl(session)) return
  const most = isPaced(session.pace, state.now) ? MAX_PACED_WRITE : MAX_WRITE
  const writer = createWriter(expectedSize(session))
  sending.control(session, writer, state.settings)
  writeReady(state, out, session, sending, writer, most)
  writeBulk(state, out, session, sending, writer, most)
  const chunks = takeChunks(writer)
  if (chunks.length === 0) return
  session.writing = true
  const { stream, ready, bulk, ending = false } = session
  if (ready.length + bulk.length > 0 || ending) out.push({ type: 'write', stream, chunks, end: false, more: true })
  else out.push({ type: 'write', stream, chunks, end: false })
}

function expectedSize<Party extends Sender>({ ready, bulk }: Outgoing<Party>): number {
  let size = 2 * HEAD + HEAD * bulk.length
  for (const { value } of ready) {
    size += HEAD
    if (value !== undefined && value.length < MAX_CHUNK) size += value.length
    if (size > MAX_PACED_WRITE) break
  }
  return size
}

/** Writes whole values and the last pieces of larger ones. A party with another value goes behind the others. */
function writeReady<Party extends Sender, Session extends Outgoing<Party>>(
  state: State,
  out: Effects,
  session: Session,
  sending: Sending<Session, Party>,
  writer: FrameWriter,
  most: number,
): void {
  const { ready } = session
  session.ready = []
  let index = 0
  for (; index < ready.length && writer.size < most; index++) {
    const party = ready[index]!
    const bytes = sending.sendable(party)
    if (bytes >= 0 && party.value !== undefined && party.value.length - Math.max(party.sent, 0) > bytes) {
      // Its head goes now, without payload, so the parties behind it do not have to wait.
      if (sending.inOrder && party.sent < 0) sending.write(state, out, party, writer, 0)
      session.bulk.push(party)
      continue
    }
    party.listed = false
    if (bytes < 0) continue
    sending.write(state, out, party, writer, bytes)
    if (sending.sendable(party) < 0) continue
    party.listed = true
    ready.push(party)
  }
  if (index < ready.length) session.ready = ready.slice(index).concat(session.ready)
}

/** Writes a piece of each large value, in turn: one in any case, then as many as fit into the write. */
function writeBulk<Party extends Sender, Session extends Outgoing<Party>>(
  state: State,
  out: Effects,
  session: Session,
  sending: Sending<Session, Party>,
  writer: FrameWriter,
  most: number,
): void {
  const { bulk } = session
  for (let isFirst = true; bulk.length > 0; isFirst = false) {
    const room = isFirst ? MAX_CHUNK : most - HEAD - writer.size
    if (room <= 0) return
    const party = bulk.shift()!
    party.listed = false
    const bytes = sending.sendable(party)
    if (bytes < 0) continue
    sending.write(state, out, party, writer, Math.min(bytes, room))
    if (sending.sendable(party) < 0) continue
    party.listed = true
    bulk.push(party)
  }
}

/** Both roles say goodbye in the same way. */
export function writeGoodbyes(session: Pick<AnySession<Sender>, 'goodbyes'>, writer: FrameWriter): void {
  if (session.goodbyes.length === 0) return
  for (const { id, says } of session.goodbyes) writeGoodbye(writer, id, says)
  session.goodbyes = []
}

/** Bytes of a value that go into one frame. */
export function chunkOf(remaining: number, credit: number): number {
  return Math.min(remaining, credit, MAX_CHUNK)
}
