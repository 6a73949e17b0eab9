/**
 * Redaction: a batch without its payloads. Bytes become zeros of the same number, but for the header of a frame (version 1: the
 * varint of the length), wherever it is cut: so the core does the same with what is left. What is a header is read from the
 * state before the batch, so nothing is remembered here.
 */
import type { Event } from '../core/events.js'
import type { State } from '../core/state.js'
import type { StreamId } from '../network/port.js'
import { MAX_VARINT_BYTES } from '../wire/varint.js'

/** The header of this stream's frame has been read; what comes is payload. */
const DONE = Infinity

/** The events of one batch as a redacted recording has them. `state`: as it is before the batch. */
export function redact(events: Event[], state: Readonly<State>): Event[] {
  /** Header bytes so far, of the streams that this batch is about. */
  const headers = new Map<StreamId, number>()
  return events.map((event): Event => {
    switch (event.type) {
      case 'streamInbound':
      case 'streamOpened':
        headers.set(event.stream, 0)
        return event
      case 'data': {
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
      case 'message':
        // The id is a hash of the payload: who guesses the payload could see that the guess is right.
        return { ...event, data: zerosFor(event.data), id: '0'.repeat(event.id.length) }
      case 'reject':
        return event.reason === undefined ? event : { ...event, reason: '*'.repeat(utf8Length(event.reason)) }
      default:
        return withoutBytes(event)
    }
  })
}

function headerSoFar(state: Readonly<State>, stream: StreamId): number {
  const call = state.calls.get(stream)
  const reader = call === undefined ? state.exchanges.get(stream)?.reader : call.reader
  // The core knows no such stream, or expects nothing on it, and looks at no byte.
  if (reader === undefined) return DONE
  return reader.length === undefined ? reader.prefixBytes : DONE
}

/** Every event but those above: bytes are payload, wherever they are. */
function withoutBytes<Any extends Event>(event: Any): Any {
  let copy = event
  for (const [key, value] of Object.entries(event)) {
    if (ArrayBuffer.isView(value)) copy = { ...copy, [key]: new Uint8Array(value.byteLength) }
  }
  return copy
}

function zerosFor(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.length)
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}
