/**
 * The one frame that travels each way on a version-1 request stream: unsigned-varint(length) + payload. An incremental
 * reader that takes chunks cut anywhere, holds the limit while it reads, and never allocates what was only declared.
 */
import { createGathered, gather, takeGathered, type Gathered } from './gather.js'
import { encodeVarint, MAX_VARINT_BYTES } from './varint.js'

/** What a reader has so far. Plain data. */
export interface FrameReader {
  /** The largest payload that is taken, in bytes. */
  readonly limit: number
  /** The declared length, once its varint is complete. */
  length: number | undefined
  /** The varint so far. */
  prefix: number
  prefixBytes: number
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
    prefix: 0,
    prefixBytes: 0,
    payload: createGathered(),
  }
}

/** Takes one chunk. After anything but `more` the reader takes no further bytes: what then comes is `excess`. */
export function readFrame(reader: FrameReader, chunk: Uint8Array): FrameProgress {
  let offset = 0
  while (reader.length === undefined) {
    if (offset === chunk.length) return 'more'
    const byte = chunk[offset++]!
    reader.prefix += (byte & 0x7f) * 2 ** (7 * reader.prefixBytes++)
    if (byte >= 0x80) {
      if (reader.prefixBytes === MAX_VARINT_BYTES) return 'malformed'
      continue
    }
    if (byte === 0 && reader.prefixBytes > 1) return 'malformed'
    if (reader.prefix > reader.limit) return 'tooLarge'
    reader.length = reader.prefix
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
