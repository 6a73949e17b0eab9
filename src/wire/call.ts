/**
 * The payload of a typed request: the length of the name as a varint, the name (`<protocol>/<method>`, ASCII), and the
 * encoded value behind it. It is the payload of any request; docs/requests.md describes it.
 */
import { readVarint, varintLength, writeVarint, type Cursor } from './varint.js'
import { decodeText } from './text.js'

/** Longer names are not ours. */
const MAX_NAME = 255

/** A request of a protocol. `body`: the value's bytes, a view. */
export interface Call {
  protocol: string
  method: string
  body: Uint8Array
}

export function encodeCall(name: string, body: Uint8Array): Uint8Array {
  const head = varintLength(name.length)
  const frame = new Uint8Array(head + name.length + body.length)
  writeVarint(name.length, frame, 0)
  for (let i = 0; i < name.length; i++) frame[head + i] = name.charCodeAt(i)
  frame.set(body, head + name.length)
  return frame
}

/** `undefined`: it is a request of no protocol. */
export function decodeCall(frame: Uint8Array): Call | undefined {
  const cursor: Cursor = { bytes: frame, at: 0, end: frame.length }
  const length = readVarint(cursor)
  const body = cursor.at + length
  if (length < 1 || length > MAX_NAME || body > frame.length) return undefined
  const name = decodeText(frame.subarray(cursor.at, body))
  const slash = name.lastIndexOf('/')
  if (slash < 0) return undefined
  return { protocol: name.slice(0, slash), method: name.slice(slash + 1), body: frame.subarray(body) }
}
