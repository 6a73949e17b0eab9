/**
 * Reads the frames of a session from chunks, which may begin and end anywhere. A frame that lies whole in a chunk is read there,
 * without a copy. A frame that is split between chunks is copied together, into at most `MAX_FRAME` bytes. A frame that breaks the
 * format is reported as a `Violation`; nothing is thrown.
 */
import {
  Farewell,
  Feature,
  FrameType,
  HELLO_KEYS,
  IGNORABLE,
  LAST,
  LOSSY,
  MAX_CHUNK,
  MAX_CODE,
  MAX_CREDIT,
  MAX_FRAME,
  MAX_LENGTH_BYTES,
  MAX_MESSAGE,
  MIN_FRAME,
  MORE,
  ONE,
  SERVICE,
  WITHOUT_HELLO,
  type Hello,
} from './format.js'
import { addByte, BROKEN, CUT, readVarint, type Cursor, type PartialVarint } from '../varint.js'
import { decodeText } from '../text.js'

/** The bytes so far of a frame that is split between chunks. Plain data. */
export interface FrameReader {
  /** The part of its length that has come, while that is not complete. */
  length: PartialVarint
  /** Room for the bytes after its length, once the length is known. */
  body: Uint8Array | undefined
  /** How many bytes of `body` have come. */
  filled: number
}

export function createReader(): FrameReader {
  return { length: { value: 0, size: 0 }, body: undefined, filled: 0 }
}

/** A frame, with a cursor in its body. One object is used for all frames of a chunk, so copy out of it what is to be kept. */
export interface Frame extends Cursor {
  type: number
  flags: number
  id: number
}

/** What the peer has sent against the protocol, as a sentence for the log and for the peer. */
export type Violation = string

/** The flags that a frame may have, by its type. */
const FLAGS: Record<FrameType, number> = {
  [FrameType.HELLO]: 0,
  [FrameType.REQUEST]: MORE | ONE | LOSSY | SERVICE,
  [FrameType.DATA]: MORE,
  [FrameType.REPLY]: MORE | LAST,
  [FrameType.END]: 0,
  [FrameType.FAIL]: 0,
  [FrameType.CANCEL]: 0,
  [FrameType.CREDIT]: 0,
  [FrameType.GOODBYE]: IGNORABLE,
}

/**
 * Reads a chunk and calls `take` with every frame that is complete. `take` may return a violation too. Returns the first
 * violation; the caller must not read on after it.
 */
export function readFrames(
  reader: FrameReader,
  chunk: Uint8Array,
  take: (frame: Frame) => Violation | undefined,
): Violation | undefined {
  const frame: Frame = { type: 0, flags: 0, id: 0, bytes: chunk, at: 0, end: 0 }
  let at = 0
  while (at < chunk.length) {
    if (reader.body === undefined) {
      const byte = chunk[at++]!
      const length = addByte(reader.length, byte, MAX_LENGTH_BYTES)
      if (length === CUT) continue
      if (length === BROKEN) return byte === 0 ? 'a number is not minimal' : 'a frame is too long'
      if (length < MIN_FRAME) return 'a frame is too short'
      if (length > MAX_FRAME) return 'a frame is too long'
      const end = at + length
      if (end > chunk.length) {
        reader.body = new Uint8Array(length)
        reader.filled = 0
        continue
      }
      frame.bytes = chunk
      const broken = readHead(frame, at, end) ?? take(frame)
      if (broken !== undefined) return broken
      at = end
    } else {
      const { body } = reader
      const size = Math.min(body.length - reader.filled, chunk.length - at)
      body.set(chunk.subarray(at, at + size), reader.filled)
      reader.filled += size
      at += size
      if (reader.filled < body.length) return undefined
      reader.body = undefined
      frame.bytes = body
      const broken = readHead(frame, 0, body.length) ?? take(frame)
      if (broken !== undefined) return broken
    }
  }
  return undefined
}

function readHead(frame: Frame, at: number, end: number): Violation | undefined {
  const head = frame.bytes[at]!
  frame.type = head & 0x0f
  frame.flags = head & 0xf0
  frame.at = at + 1
  frame.end = end
  frame.id = readVarint(frame)
  if (frame.id < 0) return 'a number is broken'
  const allowed = (FLAGS as Record<number, number | undefined>)[frame.type]
  if (allowed === undefined)
    return (frame.flags & IGNORABLE) === 0 ? `frames of type ${frame.type} are unknown` : undefined
  if ((frame.flags & ~allowed) !== 0 || (frame.type === FrameType.GOODBYE && frame.flags === 0))
    return `a frame of type ${frame.type} has a flag that it may not have`
  return undefined
}

/** A frame that is skipped: its type is one that this version does not know, or the other side has not named its feature. */
export function isIgnorable({ type }: Frame, { features }: Hello): boolean {
  return type === FrameType.GOODBYE ? (features & Feature.GOODBYE) === 0 : !(type in FLAGS)
}

/** The fields of a REQUEST before its payload. One object is used for all requests. `total` is 0 without MORE. */
export interface RequestFields {
  timeout: number
  credit: number
  policy: number
  buffer: number
  total: number
}

export function createRequestFields(): RequestFields {
  return { timeout: 0, credit: 0, policy: 0, buffer: 0, total: 0 }
}

export function readRequest(frame: Frame, fields: RequestFields): Violation | undefined {
  fields.timeout = readVarint(frame)
  fields.credit = readVarint(frame)
  if (fields.timeout < 0 || fields.credit < 0) return 'a number is broken'
  if (fields.credit > MAX_CREDIT) return 'it gave too much credit'
  if ((frame.flags & LOSSY) !== 0) {
    fields.policy = readVarint(frame)
    fields.buffer = readVarint(frame)
    if (fields.policy < 0 || fields.buffer < 0) return 'a number is broken'
    if (fields.policy > 2) return 'a policy is unknown'
  }
  fields.total = 0
  if ((frame.flags & MORE) !== 0) {
    fields.total = readVarint(frame)
    if (fields.total < 0) return 'a number is broken'
  }
  return checkPayload(frame)
}

/** Checks that the rest of the body, which is the payload, is not too long for one frame. */
export function checkPayload(frame: Frame): Violation | undefined {
  return frame.end - frame.at > MAX_CHUNK ? 'a payload is too long for one frame' : undefined
}

/** The rest of the body, as a view. */
export function rest(frame: Frame): Uint8Array {
  return frame.bytes.subarray(frame.at, frame.end)
}

/** Reads the numbers of a HELLO into `hello`. */
export function readHello(frame: Frame, hello: Hello): Violation | undefined {
  if (frame.id !== 0) return 'HELLO has an id'
  while (frame.at < frame.end) {
    const key = readVarint(frame)
    const value = readVarint(frame)
    if (key < 0 || value < 0) return 'HELLO is cut or has a broken number'
    const field = HELLO_FIELDS.get(key)
    if (field === 'requestWindow') {
      if (value < WITHOUT_HELLO.requestWindow) return 'HELLO announces a window that is too small'
      if (value > MAX_CREDIT) return 'HELLO announces a window that is too large'
    }
    // A key that this version does not know is skipped.
    if (field !== undefined) hello[field] = value
  }
  return undefined
}

const HELLO_FIELDS = new Map(Object.entries(HELLO_KEYS).map(([field, key]) => [key, field as keyof Hello]))

/** The amount of a CREDIT; -1 when it is broken. */
export function readCredit(frame: Frame): number {
  const amount = readVarint(frame)
  return amount < 1 || amount > MAX_CREDIT || frame.at !== frame.end ? BROKEN : amount
}

/** The word of a GOODBYE; `undefined` when it is broken. */
export function readGoodbye(frame: Frame): Farewell | undefined {
  const says = readVarint(frame)
  return frame.at !== frame.end ? undefined : FAREWELLS.find((known) => known === says)
}

const FAREWELLS = Object.values(Farewell)

/** The fields of a FAIL. */
export interface FailFields {
  code: string
  message: string
  /** Milliseconds; 0: not given. */
  retryAfterMs: number
}

/** Reads a FAIL; `undefined` when it is broken. Bytes that are not UTF-8 become replacement characters. */
export function readFail(frame: Frame): FailFields | undefined {
  const size = readVarint(frame)
  if (size < 1 || size > MAX_CODE || frame.at + size > frame.end) return undefined
  const code = decodeText(frame.bytes.subarray(frame.at, frame.at + size))
  frame.at += size
  const retryAfterMs = readVarint(frame)
  if (retryAfterMs < 0 || frame.end - frame.at > MAX_MESSAGE) return undefined
  return { code, retryAfterMs, message: decodeText(rest(frame)) }
}
