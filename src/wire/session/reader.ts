/**
 * Reads frames of a session out of chunks that are cut anywhere. A frame is looked at where it lies; only one that was cut
 * is put together, in memory of no more than a frame's largest size. What breaks the format is named, never thrown.
 */
import {
  FrameType,
  HelloKey,
  IGNORABLE,
  LAST,
  LOSSY,
  MAX_CHUNK,
  MAX_CODE,
  MAX_CREDIT,
  MAX_FRAME,
  MAX_MESSAGE,
  MIN_FRAME,
  MORE,
  ONE,
  SERVICE,
  WITHOUT_HELLO,
  type Hello,
} from './format.js'

/** What there is of a frame that was cut. Plain data. */
export interface FrameReader {
  /** The bytes of its length so far, while that is not complete. */
  length: number
  lengthBytes: number
  /** The bytes behind its length, once that is known. */
  body: Uint8Array | undefined
  filled: number
}

export function createReader(): FrameReader {
  return { length: 0, lengthBytes: 0, body: undefined, filled: 0 }
}

/** A frame in some bytes. One object serves all frames of a chunk: take out what is to be kept. */
export interface Frame {
  type: number
  flags: number
  id: number
  bytes: Uint8Array
  /** What has not been read of the body: from `at` to `end`. */
  at: number
  end: number
}

/** What a peer did that it must not; a sentence without a subject. */
export type Violation = string

/** Numbers that are broken. */
const BAD = -1
/** A length takes three bytes at most. */
const MAX_LENGTH_BYTES = 3

/** Flags that each type may have. */
const FLAGS = [0, MORE | ONE | LOSSY | SERVICE, MORE, MORE | LAST, 0, 0, 0, 0]

/**
 * Reads a chunk and gives every whole frame to `take`, which may end the reading by a violation of its own. Returns the
 * first violation; nothing may be read after it.
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
      if (byte >= 0x80) {
        reader.length += (byte & 0x7f) << (7 * reader.lengthBytes)
        if (++reader.lengthBytes === MAX_LENGTH_BYTES) return 'a frame is too long'
        continue
      }
      const length = reader.length + (byte << (7 * reader.lengthBytes))
      if (byte === 0 && reader.lengthBytes > 0) return 'a number is not minimal'
      if (length < MIN_FRAME) return 'a frame is too short'
      if (length > MAX_FRAME) return 'a frame is too long'
      reader.length = 0
      reader.lengthBytes = 0
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
  frame.id = readNumber(frame)
  if (frame.id === BAD) return 'a number is broken'
  const allowed = FLAGS[frame.type]
  if (allowed === undefined)
    return (frame.flags & IGNORABLE) === 0 ? `frames of type ${frame.type} are unknown` : undefined
  if ((frame.flags & ~allowed) !== 0) return `a frame of type ${frame.type} has a flag that it may not have`
  return undefined
}

/** A frame of a later version that says it may be skipped. */
export function isIgnorable(frame: Frame): boolean {
  return frame.type > FrameType.CREDIT
}

/** The next varint of the body; -1 when it is cut, not minimal or too large. */
export function readNumber(frame: Frame): number {
  const { bytes, end } = frame
  let { at } = frame
  let value = 0
  let scale = 1
  for (let count = 1; at < end; count++) {
    const byte = bytes[at++]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      frame.at = at
      return (byte === 0 && count > 1) || value > Number.MAX_SAFE_INTEGER ? BAD : value
    }
    if (count === 8) return BAD
    scale *= 0x80
  }
  return BAD
}

/** What a REQUEST says before its payload. One object serves all; `total` is 0 without MORE. */
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
  fields.timeout = readNumber(frame)
  fields.credit = readNumber(frame)
  if (fields.timeout === BAD || fields.credit === BAD) return 'a number is broken'
  if (fields.credit > MAX_CREDIT) return 'it gave too much credit'
  if ((frame.flags & LOSSY) !== 0) {
    fields.policy = readNumber(frame)
    fields.buffer = readNumber(frame)
    if (fields.policy === BAD || fields.buffer === BAD) return 'a number is broken'
    if (fields.policy > 2) return 'a policy is unknown'
  }
  fields.total = 0
  if ((frame.flags & MORE) !== 0) {
    fields.total = readNumber(frame)
    if (fields.total === BAD) return 'a number is broken'
  }
  return checkPayload(frame)
}

/** What is left of the body is a payload: is it of a size that a frame may carry? */
export function checkPayload(frame: Frame): Violation | undefined {
  return frame.end - frame.at > MAX_CHUNK ? 'a payload is too long for one frame' : undefined
}

/** What is left of the body, where it lies. */
export function rest(frame: Frame): Uint8Array {
  return frame.bytes.subarray(frame.at, frame.end)
}

/** Takes over what a HELLO says. */
export function readHello(frame: Frame, hello: Hello): Violation | undefined {
  if (frame.id !== 0) return 'HELLO has an id'
  while (frame.at < frame.end) {
    const key = readNumber(frame)
    const value = readNumber(frame)
    if (key === BAD || value === BAD) return 'HELLO is cut or has a broken number'
    if (key === HelloKey.FEATURES) hello.features = value
    else if (key === HelloKey.MAX_OPEN) hello.maxOpen = value
    else if (key === HelloKey.REQUEST_WINDOW) {
      if (value < WITHOUT_HELLO.requestWindow) return 'HELLO announces a window that is too small'
      if (value > MAX_CREDIT) return 'HELLO announces a window that is too large'
      hello.requestWindow = value
    } else if (key === HelloKey.MAX_REQUEST) hello.maxRequest = value
  }
  return undefined
}

/** The amount of a CREDIT; -1 when it is broken. */
export function readCredit(frame: Frame): number {
  const amount = readNumber(frame)
  return amount < 1 || amount > MAX_CREDIT || frame.at !== frame.end ? BAD : amount
}

export interface RemoteFailure {
  code: string
  message: string
  /** 0: it does not say. */
  retryAfterMs: number
}

const decoder = new TextDecoder()

/** What a FAIL says; `undefined` when it is broken. Text that is no UTF-8 is shown as far as it can be. */
export function readFail(frame: Frame): RemoteFailure | undefined {
  const size = readNumber(frame)
  if (size < 1 || size > MAX_CODE || frame.at + size > frame.end) return undefined
  const code = decoder.decode(frame.bytes.subarray(frame.at, frame.at + size))
  frame.at += size
  const retryAfterMs = readNumber(frame)
  if (retryAfterMs === BAD || frame.end - frame.at > MAX_MESSAGE) return undefined
  return { code, retryAfterMs, message: decoder.decode(rest(frame)) }
}
