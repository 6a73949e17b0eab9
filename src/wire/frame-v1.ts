/**
 * The one frame that travels each way on a version-1 request stream: unsigned-varint(length) + payload. An incremental
 * reader that takes chunks cut anywhere, holds the limit while it reads, and never allocates what was only declared.
 */
import { encodeVarint, MAX_VARINT_BYTES } from './varint.js'

/** Below this size a payload is copied out of its chunk: a small view would keep the whole network buffer alive. */
export const COPY_BELOW = 4_096

/** Pieces of a payload below this size are gathered into blocks of at most `BLOCK_SIZE`. */
const GATHER_BELOW = 2_048
const BLOCK_SIZE = 16_384

/** What a reader has so far. Plain data. */
export interface FrameReader {
  /** The largest payload that is taken, in bytes. */
  readonly limit: number
  /** The declared length, once its varint is complete. */
  length: number | undefined
  /** The varint so far. */
  prefix: number
  prefixBytes: number
  chunks: Uint8Array[]
  /** Where small pieces are gathered, and how much of it is used. */
  block: Uint8Array | undefined
  blockUsed: number
  /** Bytes of the payload so far. */
  received: number
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
    chunks: [],
    block: undefined,
    blockUsed: 0,
    received: 0,
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
  const rest = chunk.length - offset
  if (reader.received + rest > reader.length) return 'excess'
  if (rest > 0) append(reader, offset === 0 ? chunk : chunk.subarray(offset))
  return reader.received === reader.length ? 'done' : 'more'
}

/**
 * Keeps a piece of the payload. Small pieces are gathered into blocks: a peer that sends single bytes must not cost a
 * view, and the network buffer behind it, for each.
 */
function append(reader: FrameReader, piece: Uint8Array): void {
  const missing = reader.length! - reader.received
  reader.received += piece.length
  if (piece.length >= GATHER_BELOW || piece.length === missing) {
    closeBlock(reader)
    reader.chunks.push(piece)
    return
  }
  if (reader.block !== undefined && reader.blockUsed + piece.length > reader.block.length) closeBlock(reader)
  reader.block ??= new Uint8Array(Math.min(BLOCK_SIZE, missing))
  reader.block.set(piece, reader.blockUsed)
  reader.blockUsed += piece.length
}

function closeBlock(reader: FrameReader): void {
  if (reader.block === undefined) return
  reader.chunks.push(reader.block.subarray(0, reader.blockUsed))
  reader.block = undefined
  reader.blockUsed = 0
}

/** The payload of a reader that is `done`, joined once. The caller owns it. */
export function takePayload(reader: FrameReader): Uint8Array {
  closeBlock(reader)
  const { chunks, received } = reader
  reader.chunks = []
  const only = chunks[0]
  if (chunks.length === 1 && only !== undefined && received >= COPY_BELOW) return only
  const payload = new Uint8Array(received)
  let offset = 0
  for (const chunk of chunks) {
    payload.set(chunk, offset)
    offset += chunk.length
  }
  return payload
}

/** The frame around a payload, as chunks: the payload itself is not copied. */
export function encodeFrame(payload: Uint8Array): Uint8Array[] {
  const prefix = encodeVarint(payload.length)
  return payload.length === 0 ? [prefix] : [prefix, payload]
}
