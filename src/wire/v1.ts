/**
 * The one frame that goes each way over a version-1 request stream: unsigned-varint(length) + payload. The reader takes chunks
 * that begin and end anywhere, checks the limit as it reads, and allocates nothing for a length that is only declared.
 */
import { createGathered, gather, takeGathered, type Gathered } from './gather.js'
import { addByte, BROKEN, CUT, encodeVarint, MAX_VARINT_BYTES, type PartialVarint } from './varint.js'

/** A frame that is being read. Plain data. */
export interface FrameReader {
  /** The largest payload that is taken, in bytes. */
  readonly limit: number
  /** The declared length, once all of its bytes have come. */
  length: number | undefined
  /** The part of the length that has come before that. */
  prefix: PartialVarint
  payload: Gathered
}

/**
 * `more`: goes on; `done`: the payload is complete; the others end the stream.
 */
export type FrameProgress = 'more' | 'done' | 'tooLarge' | 'malformed' | 'excess'

export function createFrameReader(limit: number): FrameReader {
  return {
    limit,
    length: undefined,
    prefix: { value: 0, size: 0 },
    payload: createGathered(),
  }
}

/** Takes one chunk. After anything but `more` the reader takes no further bytes: what then comes is `excess`. */
export function readFrame(reader: FrameReader, chunk: Uint8Array): FrameProgress {
  let offset = 0
  while (reader.length === undefined) {
    if (offset === chunk.length) return 'more'
    const declared = addByte(reader.prefix, chunk[offset++]!, MAX_VARINT_BYTES)
    if (declared === CUT) continue
    if (declared === BROKEN) return 'malformed'
    if (declared > reader.limit) return 'tooLarge'
    reader.length = declared
  }
  const { payload, length } = reader
  const rest = chunk.length - offset
  if (payload.received + rest > length) return 'excess'
  if (rest > 0) gather(payload, offset === 0 ? chunk : chunk.subarray(offset), length)
  return payload.received === length ? 'done' : 'more'
}

/** The payload of a reader that is `done`, joined once. The caller owns it. */
export function takePayload(reader: FrameReader): Uint8Array {
  return takeGathered(reader.payload)
}

/** The frame around a payload, as chunks: the payload itself is not copied. */
export function encodeFrame(payload: Uint8Array): Uint8Array[] {
  const prefix = encodeVarint(payload.length)
  return payload.length === 0 ? [prefix] : [prefix, payload]
}
