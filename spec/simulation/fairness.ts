/**
 * Follows what the sessions of a node write: nothing small stands behind what is large, whoever has something to send has
 * its turn, and what a request says of its time is true.
 */
import type { Effect } from '../../src/core/effects.js'
import type { Sender } from '../../src/core/requests/session/state.js'
import type { State } from '../../src/core/state.js'
import { FrameType, MORE } from '../../src/wire/session/format.js'
import {
  createReader,
  createRequestFields,
  readFrames,
  readRequest,
  type Frame,
  type FrameReader,
} from '../../src/wire/session/reader.js'
import { readVarint } from '../../src/wire/varint.js'
import type { Report } from './inside.js'

/** Small frames of this many bytes fill a write: then the rest of them may wait. */
const FULL = 65_400
/** In a sound network a request that was cancelled is ended by the other side within this time, ms; and in any network. */
const HEARD = 300
const NOTICED = 60_000

type Session = State['streams']['sessions'] extends Map<number, infer One> ? One : never

interface Followed {
  reader: FrameReader
  /** Values that have begun and not ended, and those who ever sent one that takes many frames. */
  partial: Set<number>
  bulky: Set<number>
  /** Who is listed, and how far it was after the last write. */
  waiting: Map<Sender, { value: Uint8Array | undefined; sent: number; writes: number }>
  /** Pieces of large values in this write: how many of each request, and their bytes. */
  pieces: Map<number, number>
  pieceBytes: number
  /** Since when the other side has to end what was cancelled. */
  cancelled: Map<number, number>
}

const fields = createRequestFields()

export class Fairness {
  private readonly followed = new WeakMap<Session, Followed>()
  /** Inbound requests that are arriving: how much of each is here, and since when. */
  private arriving = new Map<number, { received: number; since: number }>()

  constructor(
    private readonly state: State,
    private readonly report: Report,
  ) {}

  onWrite({ stream, chunks }: Extract<Effect, { type: 'write' }>): void {
    const session = this.state.streams.sessions.get(stream)
    if (session === undefined) return
    const followed = this.of(session)
    followed.pieces.clear()
    followed.pieceBytes = 0
    let size = 0
    for (const chunk of chunks) {
      size += chunk.length
      readFrames(followed.reader, chunk, (frame) => {
        this.onFrame(session, followed, frame)
        return undefined
      })
    }
    this.onWritten(session, followed, size)
  }

  private of(session: Session): Followed {
    let followed = this.followed.get(session)
    if (followed === undefined) {
      followed = {
        reader: createReader(),
        partial: new Set(),
        bulky: new Set(),
        waiting: new Map(),
        pieces: new Map(),
        pieceBytes: 0,
        cancelled: new Map(),
      }
      this.followed.set(session, followed)
    }
    return followed
  }

  private onFrame(session: Session, followed: Followed, frame: Frame): void {
    const { id, type, flags } = frame
    if (type === FrameType.REQUEST) {
      readRequest(frame, fields)
      const ask = session.role === 'asking' ? session.requests.get(id)?.ask : undefined
      const left = ask === undefined ? Infinity : Math.max(1, ask.deadline - this.state.now)
      if (fields.timeout < 1 || fields.timeout > left)
        this.say('deadline', session, `says of request ${id} that ${fields.timeout} ms are left, of ${left}`)
    } else if (type !== FrameType.DATA && type !== FrameType.REPLY) return
    const { partial, bulky, pieces } = followed
    const hasMore = (flags & MORE) !== 0
    const begins = !partial.has(id)
    if (type === FrameType.REPLY && begins && hasMore) readVarint(frame)
    if (hasMore) {
      partial.add(id)
      bulky.add(id)
      if (frame.end > frame.at) pieces.set(id, (pieces.get(id) ?? 0) + 1)
      followed.pieceBytes += frame.end - frame.at
      return
    }
    partial.delete(id)
    if (begins && pieces.size > 0 && !bulky.has(id))
      this.say('fair', session, `sends the small value of request ${id} behind a piece of a large one`)
  }

  private onWritten(session: Session, { waiting, pieces, pieceBytes }: Followed, size: number): void {
    const { ready, bulk } = session as { ready: Sender[]; bulk: Sender[] }
    // The next one may be too large for what is left of this write.
    if (ready.length > 0 && size - pieceBytes + (ready[0]!.value?.length ?? 0) < FULL)
      this.say('fair', session, 'lets small values wait, and there is room for them')
    const most = Math.max(0, ...pieces.values())
    const listed = new Set([...ready, ...bulk])
    for (const party of waiting.keys()) if (!listed.has(party)) waiting.delete(party)
    for (const party of listed) {
      const { value, sent, wireId } = party
      const before = waiting.get(party)
      if (before?.value !== value || before?.sent !== sent) {
        waiting.set(party, { value, sent, writes: 0 })
        continue
      }
      // Each write has room for one piece at least, and nobody has two before everybody has one.
      if (++before.writes > listed.size)
        this.say('fair', session, `lets request ${wireId} wait for ${before.writes} writes`)
      if (most > 1 && bulk.includes(party))
        this.say('fair', session, `sends ${most} pieces of another value, and none of request ${wireId}`)
    }
  }

  /** What should not last does not. */
  check(isQuiet: boolean, now: number): void {
    this.checkCancelled(isQuiet, now)
    if (isQuiet) this.checkArriving(now)
  }

  /** A request that has its room goes on arriving. */
  private checkArriving(now: number): void {
    const arriving: typeof this.arriving = new Map()
    // Beside small requests large ones take turns, a round trip each.
    const patience = HEARD * Math.max(1, this.arriving.size)
    for (const exchange of this.state.exchanges.open.values()) {
      if (exchange.protocol !== 'session' || exchange.stage !== 'reading') continue
      const { id, total } = exchange
      const received = exchange.gathered?.received ?? 0
      const before = this.arriving.get(id)
      const since = before?.received === received ? before.since : now
      arriving.set(id, { received, since })
      if (now > since + patience)
        this.report('stuck', `of inbound ${id}, ${received} of ${total} bytes come, and no more`)
    }
    this.arriving = arriving
  }

  /** Cancelled requests have their final frame after some time. */
  private checkCancelled(isQuiet: boolean, now: number): void {
    for (const session of this.state.streams.sessions.values()) {
      if (session.role !== 'asking') continue
      const { cancelled } = this.of(session)
      for (const id of cancelled.keys()) if (!session.cancelled.has(id)) cancelled.delete(id)
      for (const id of session.cancelled) {
        const since = cancelled.get(id)
        if (since === undefined) cancelled.set(id, now)
        else if (now > since + (isQuiet ? HEARD : NOTICED))
          this.say('final', session, `cancelled request ${id} ${now - since} ms ago, and it is not over`)
      }
    }
  }

  private say(invariant: string, { role, stream }: Session, what: string): void {
    this.report(invariant, `session ${stream} (${role}) ${what}`)
  }
}
