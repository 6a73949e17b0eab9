/**
 * Redaction: a batch without its payloads. Payload bytes become as many zeros. The headers of frames stay, wherever chunks end
 * (version 1: the varint of the length; sessions: session.ts), so that the core does the same in a replay. The state before the
 * batch says where a header begins, so nothing is remembered here. The ids of broadcasts are replaced by other names.
 */
import type { Event } from '../../core/events.js'
import type { State } from '../../core/state.js'
import type { StreamId } from '../../core/port.js'
import {
  brokenAnnouncement,
  decodeAnnouncement,
  encodeAnnouncement,
  HASH_BYTES,
  isAnnouncement,
} from '../../wire/gossip/announcement.js'
import { SESSION } from '../../wire/protocols.js'
import { createReader } from '../../wire/session/reader.js'
import { MAX_VARINT_BYTES } from '../../wire/varint.js'
import type { IdNames } from './id-names.js'
import { NOTHING_OPEN, SessionRedactor, type OpenReplies } from './session.js'

/** In place of the length of a header: the header is complete, and payload follows. */
const DONE = Infinity

/** The events of one batch as a redacted recording has them. `state`: as it is before the batch. `ids`: of the recording. */
export function redact(events: Event[], state: Readonly<State>, ids: IdNames): Event[] {
  /** Streams of this batch. Version 1: how many bytes of its header have come. */
  const headers = new Map<StreamId, number>()
  const sessions = new Map<StreamId, SessionRedactor>()
  return events.map((event): Event => {
    switch (event.type) {
      case 'streamInbound':
      case 'streamOpened':
        if (event.protocol === SESSION)
          sessions.set(event.stream, new SessionRedactor(createReader(), NOTHING_OPEN, ids))
        else headers.set(event.stream, 0)
        return event
      case 'data': {
        const session = sessions.get(event.stream) ?? sessionSoFar(state, event.stream, headers, ids)
        if (session === undefined) return withoutPayload(event, headers, state)
        sessions.set(event.stream, session)
        return { ...event, chunks: event.chunks.map((chunk) => session.copy(chunk)) }
      }
      case 'message':
      case 'published':
        // The proof is replaced too, because it is made from the payload.
        return withoutMessage({ ...event, id: ids.nameFor(event.id) }, state, ids)
      case 'repeated':
      case 'announcedAgain':
        return { ...event, id: ids.nameFor(event.id) }
      case 'broadcast':
        return withoutMessage(event, state, ids)
      case 'digested':
        return event.hash.length === HASH_BYTES ? { ...event, hash: ids.hashFor(event.hash) } : withoutBytes(event)
      case 'verified':
        return { ...event, ids: event.ids.map((id) => ids.nameFor(id)) }
      case 'reject':
      case 'deny':
      case 'turnedAway':
        return event.reason === undefined ? event : { ...event, reason: '*'.repeat(utf8Length(event.reason)) }
      default:
        return withoutBytes(event)
    }
  })
}

/** A stream that was opened for version 1 in this batch is not a session, whatever the state before the batch says. */
function sessionSoFar(
  state: Readonly<State>,
  stream: StreamId,
  headers: ReadonlyMap<StreamId, number>,
  ids: IdNames,
): SessionRedactor | undefined {
  const session = state.streams.sessions.get(stream)
  if (session === undefined || headers.has(stream)) return undefined
  if (session.role === 'answering') return new SessionRedactor(session.reader, NOTHING_OPEN, ids)
  const { requests } = session
  const open: OpenReplies = {
    isInside: (id) => {
      const intake = requests.get(id)?.intake
      return intake !== undefined && intake.total >= 0
    },
    isHistory: (id) => {
      const call = requests.get(id)
      return call !== undefined && state.services.purposes.get(call.ask.id)?.kind === 'history'
    },
  }
  return new SessionRedactor(session.reader, open, ids)
}

/** An announcement of a large message stays an announcement; its hash is replaced by another name. */
function withoutMessage<Any extends Extract<Event, { type: 'message' | 'published' | 'broadcast' }>>(
  event: Any,
  { settings }: Readonly<State>,
  ids: IdNames,
): Any {
  const blank = withoutBytes(event)
  if (event.type === 'published' || settings.maxLargeMessage === 0 || !isAnnouncement(event.data)) return blank
  const announced = decodeAnnouncement(event.data)
  if (announced === undefined) return { ...blank, data: brokenAnnouncement(event.data.length) }
  return { ...blank, data: encodeAnnouncement({ hash: ids.hashFor(announced.hash), size: announced.size }) }
}

/** Version 1 has one frame per stream and direction. */
function withoutPayload(
  event: Extract<Event, { type: 'data' }>,
  headers: Map<StreamId, number>,
  state: Readonly<State>,
): Event {
  let header = headers.get(event.stream) ?? headerSoFar(state, event.stream)
  const chunks = event.chunks.map((chunk) => {
    const zeros = new Uint8Array(chunk.length)
    for (let i = 0; i < chunk.length && header !== DONE; i++) {
      zeros[i] = chunk[i]!
      header = chunk[i]! < 0x80 || header + 1 === MAX_VARINT_BYTES ? DONE : header + 1
    }
    return zeros
  })
  headers.set(event.stream, header)
  return { ...event, chunks }
}

function headerSoFar(state: Readonly<State>, stream: StreamId): number {
  const exchange = state.exchanges.open.get(stream)
  const call = state.streams.v1Requests.get(stream)?.call
  const carrier = call ?? exchange
  const reader = carrier?.protocol === 'v1' ? carrier.reader : undefined
  // The core does not know the stream, or expects nothing on it, so it reads no byte.
  if (reader === undefined) return DONE
  return reader.length === undefined ? reader.prefix.size : DONE
}

/** In all other events every field that holds bytes is payload. */
function withoutBytes<Any extends Event>(event: Any): Any {
  let copy = event
  for (const [key, value] of Object.entries(event)) {
    if (ArrayBuffer.isView(value)) copy = { ...copy, [key]: new Uint8Array(value.byteLength) }
  }
  return copy
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}
