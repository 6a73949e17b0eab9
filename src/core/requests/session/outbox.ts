/**
 * The order in which a session sends. All frames of an instant leave in one write, and the next write waits for
 * `writable`, so the core feels backpressure and small values overtake large ones. Values of many frames take turns. What
 * the frames say, the roles' `Sending` knows.
 */
import { MAX_CHUNK } from '../../../wire/session/format.js'
import {
  createWriter,
  isShort,
  takeChunks,
  writeCredit,
  writeGoodbye,
  writeHello,
  type FrameWriter,
  type HelloLimits,
} from '../../../wire/session/writer.js'
import type { Effects } from '../../effects.js'
import type { Settings } from '../../settings.js'
import type { State } from '../../state.js'
import { clearUnflushed } from '../streams.js'
import { sendingAnswers } from './answerer/answers.js'
import { closeWhenDone } from './answerer/events.js'
import { sendingRequests } from './asker/calls.js'
import { isPaced } from './pacing.js'
import type { Sender, Session } from './state.js'

/** Bytes of a write while small requests are frequent: one frame of Noise (65,519 bytes) with the header of Yamux … */
const MAX_PACED_WRITE = 65_400
/** … and otherwise: four such frames, in one system call. */
const MAX_WRITE = 261_900
/** An estimate of a frame's bytes without its payload. */
const HEAD = 24

/** The session is closed after everything was sent. */
type Outgoing<Party extends Sender> = Session<Party> & { readonly ending?: boolean }

/** How one role sends. */
interface Sending<Role, Party extends Sender> {
  /** Values, large ones too, have to begin in the order in which they were listed, because their ids must rise. */
  readonly inOrder: boolean
  /** What only its HELLO says. */
  limits(settings: Settings): HelloLimits | undefined
  /** Are there frames of this role that go before all values? */
  hasControl(session: Role): boolean
  control(session: Role, writer: FrameWriter): void
  /** Bytes of the party's value that may go in one frame now; -1: not even an empty frame may go. */
  sendable(party: Party): number
  /** Writes the next `bytes` of the value, or the party's final frame. */
  write(state: State, out: Effects, party: Party, writer: FrameWriter, bytes: number): void
}

/** Sends what the sessions have to send: one write per session, with everything of this step. */
export function flushSessions(state: State, out: Effects): void {
  for (const stream of state.streams.unflushed) {
    const session = state.streams.sessions.get(stream)
    if (session === undefined) continue
    if (session.role === 'asking') {
      flush(state, out, session, sendingRequests)
    } else {
      flush(state, out, session, sendingAnswers)
      if (session.ending) closeWhenDone(state, out, session)
    }
  }
  clearUnflushed(state)
}

/** Sends one write, if the last one was answered by `writable`. */
function flush<Party extends Sender, Role extends Outgoing<Party>>(
  state: State,
  out: Effects,
  session: Role,
  sending: Sending<Role, Party>,
): void {
  session.flushScheduled = false
  if (!session.open || session.writing) return
  if (session.ready.length === 0 && session.bulk.length === 0 && !hasControl(session, sending)) return
  const most = isPaced(session.pace, state.now) ? MAX_PACED_WRITE : MAX_WRITE
  const writer = createWriter(expectedSize(session))
  writeControl(state, session, sending, writer)
  writeReady(state, out, session, sending, writer, most)
  writeBulk(state, out, session, sending, writer, most)
  const chunks = takeChunks(writer)
  if (chunks.length === 0) return
  session.writing = true
  const { stream, ready, bulk, ending = false } = session
  if (ready.length + bulk.length > 0 || ending) out.push({ type: 'write', stream, chunks, end: false, more: true })
  else out.push({ type: 'write', stream, chunks, end: false })
}

/** Are there frames that go before all values? */
function hasControl<Party extends Sender, Role extends Outgoing<Party>>(
  session: Role,
  sending: Sending<Role, Party>,
): boolean {
  const { helloSent, goodbyes, credits } = session
  return !helloSent || goodbyes.length > 0 || credits.size > 0 || sending.hasControl(session)
}

function writeControl<Party extends Sender, Role extends Outgoing<Party>>(
  state: State,
  session: Role,
  sending: Sending<Role, Party>,
  writer: FrameWriter,
): void {
  if (!session.helloSent) {
    session.helloSent = true
    const { incarnation } = state.settings
    writeHello(writer, { ...sending.limits(state.settings), ...(incarnation !== 0 && { incarnation }) })
  }
  for (const { id, says } of session.goodbyes) writeGoodbye(writer, id, says)
  if (session.goodbyes.length > 0) session.goodbyes = []
  if (sending.hasControl(session)) sending.control(session, writer)
  if (session.credits.size === 0) return
  for (const [id, amount] of session.credits) writeCredit(writer, id, amount)
  session.credits.clear()
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
function writeReady<Party extends Sender, Role extends Outgoing<Party>>(
  state: State,
  out: Effects,
  session: Role,
  sending: Sending<Role, Party>,
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
function writeBulk<Party extends Sender, Role extends Outgoing<Party>>(
  state: State,
  out: Effects,
  session: Role,
  sending: Sending<Role, Party>,
  writer: FrameWriter,
  most: number,
): void {
  const { bulk } = session
  const later: Party[] = []
  for (let isFirst = true; bulk.length > 0; isFirst = false) {
    const room = isFirst ? MAX_CHUNK : most - HEAD - writer.size
    if (room <= 0) break
    const party = bulk.shift()!
    party.listed = false
    const bytes = sending.sendable(party)
    if (bytes < 0) continue
    sending.write(state, out, party, writer, Math.min(bytes, room))
    if (sending.sendable(party) < 0) continue
    party.listed = true
    // What comes in one write may come in one piece: then half of the credit is only half of it in a write of its own.
    const { value, sent, sendCredit } = party
    if (value !== undefined && isShort(value.length - sent, sendCredit)) later.push(party)
    else bulk.push(party)
  }
  if (later.length > 0) session.bulk = bulk.concat(later)
}
