/**
 * What a typed request is on the wire: the length of the name as a varint, the name (`<protocol>/<method>`, ASCII), and the
 * encoded value behind it. It is the payload of any request; docs/requests.md describes it.
 */
import { varintLength, writeVarint } from '../wire/varint.js'

/** Longer names are not ours. */
const MAX_NAME = 255

const decoder = new TextDecoder()

export function encodeCall(name: string, body: Uint8Array): Uint8Array {
  const head = varintLength(name.length)
  const frame = new Uint8Array(head + name.length + body.length)
  writeVarint(name.length, frame, 0)
  for (let i = 0; i < name.length; i++) frame[head + i] = name.charCodeAt(i)
  frame.set(body, head + name.length)
  return frame
}

/** The name and the value's bytes (a view), or `undefined`: this is no typed request. */
export function decodeCall(frame: Uint8Array): { name: string; body: Uint8Array } | undefined {
  const [low = 0, high = 0] = frame
  const short = low < 0x80
  const length = short ? low : (low & 0x7f) + high * 0x80
  // A second byte of 0 would be a longer form of a short length; a third byte, a name that is too long.
  if (length === 0 || length > MAX_NAME || (!short && (high === 0 || high > 1))) return undefined
  const head = short ? 1 : 2
  if (frame.length < head + length) return undefined
  const name = decoder.decode(frame.subarray(head, head + length))
  return { name, body: frame.subarray(head + length) }
}
