/** Yamux frames by hand, and the first words of a stream: what an attacker says must not pass through a library that knows manners. */
import { join } from '../../support/bytes.js'

export const DATA = 0
export const WINDOW = 1
export const PING = 2
export const GO_AWAY = 3

export const SYN = 1
export const ACK = 2
export const FIN = 4
export const RST = 8

/** Of any stream at its beginning. */
export const FIRST_WINDOW = 256 * 1024

/** Twelve bytes. `length` may be a lie. */
export function header(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, type)
  view.setUint16(2, flags)
  view.setUint32(4, stream)
  view.setUint32(8, length)
  return bytes
}

export function data(stream: number, payload: Uint8Array, flags = 0): Uint8Array {
  return join(header(DATA, flags, stream, payload.length), payload)
}

export function window(stream: number, delta: number, flags = 0): Uint8Array {
  return header(WINDOW, flags, stream, delta)
}

export function ping(value: number, flags = SYN): Uint8Array {
  return header(PING, flags, 0, value)
}

/** A line of multistream-select: its length, the text, a newline. */
export function word(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\n`)
  const size = bytes.length
  return join(size < 128 ? Uint8Array.of(size) : Uint8Array.of((size & 127) | 128, size >> 7), bytes)
}

export const MULTISTREAM = '/multistream/1.0.0'

/** What who opens a stream says before its own bytes, without waiting for an answer. */
export function greeting(protocol: string): Uint8Array {
  return join(word(MULTISTREAM), word(protocol))
}
