/**
 * The frames of Yamux as they come in: a header of twelve bytes each, and behind those of data a body. The reader looks at headers
 * and skips bodies, however the bytes are split. What it hands on are whole headers; a frame whose body is long and not there yet is
 * handed on as several frames, so that nobody has to hold a body until it is whole. One that opens a stream, and whose body is not there
 * yet, is handed on as an empty frame that opens it, and the rest: so every stream that was asked about opens with the bytes of its header.
 * https://github.com/hashicorp/yamux/blob/master/spec.md
 */

const HEADER_BYTES = 12

export const FrameType = { DATA: 0, WINDOW: 1, PING: 2, GO_AWAY: 3, UNKNOWN: 255 } as const
export const FrameFlag = { SYN: 1, ACK: 2, FIN: 4, RST: 8 } as const

/** Bodies up to this size, bytes, are handed on as they are, and so are those that are there as a whole. */
const LONG = 65_536

/**
 * What is done with a frame, by its header: `take` hands it on. With `wait` and `end` the reader stops before it; after `wait` it is
 * asked again for the same frame. (A frame of another version has an unknown type.)
 */
export type See = (type: number, flags: number, stream: number, length: number) => 'take' | 'wait' | 'end'

/** A long frame of which something is still to come. */
interface Long {
  flags: number
  readonly stream: number
  /** A part of it was handed on. */
  begun: boolean
}

export class YamuxReader {
  /** A header of which not all is there. */
  private readonly header = new Uint8Array(HEADER_BYTES)
  private filled = 0
  /** Bytes of a body that are still to come. */
  private left = 0
  private long: Long | undefined

  /**
   * Reads a chunk, and puts what is to be handed on to `out`: parts of the chunk, and headers. Returns how many bytes of it were
   * read: less than all only if `see` has not taken a frame.
   */
  read(chunk: Uint8Array, out: Uint8Array[], see: See): number {
    let at = 0
    // From here on it goes as it is.
    let from = 0
    const flush = (to: number, next: number): void => {
      if (to > from) out.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
      from = next
    }
    while (at < chunk.length) {
      if (this.left > 0) {
        const size = Math.min(this.left, chunk.length - at)
        if (this.long !== undefined) {
          flush(at, at)
          const piece = this.pieceOf(this.long, size)
          // The first piece was asked for with the frame.
          if (this.long.begun && see(FrameType.DATA, 0, this.long.stream, size) !== 'take') return at
          this.long.begun = true
          out.push(piece)
        }
        at += size
        this.left -= size
        if (this.left === 0) this.long = undefined
        continue
      }
      const missing = HEADER_BYTES - this.filled
      if (chunk.length - at < missing) {
        flush(at, chunk.length)
        this.header.set(chunk.subarray(at), this.filled)
        this.filled += chunk.length - at
        return chunk.length
      }
      const isWhole = missing === HEADER_BYTES
      if (!isWhole) this.header.set(chunk.subarray(at, at + missing), this.filled)
      const bytes = isWhole ? chunk : this.header
      const start = isWhole ? at : 0
      const type = bytes[start] === 0 ? bytes[start + 1]! : FrameType.UNKNOWN
      const flags = (bytes[start + 2]! << 8) | bytes[start + 3]!
      const stream = uint32(bytes, start + 4)
      const length = uint32(bytes, start + 8)
      if (see(type, flags, stream, length) !== 'take') {
        flush(at, at)
        return at
      }
      const body = at + missing
      this.left = type === FrameType.DATA ? length : 0
      const isCut = chunk.length - body < this.left
      const opens = isCut && (flags & FrameFlag.SYN) !== 0
      if (opens) {
        flush(at, body)
        out.push(headerOf(flags & (FrameFlag.SYN | FrameFlag.ACK), stream, 0))
      }
      if (isCut && this.left > LONG) {
        flush(at, body)
        this.long = { flags, stream, begun: opens }
      } else if (opens) out.push(headerOf(flags & (FrameFlag.FIN | FrameFlag.RST), stream, length))
      else if (!isWhole) {
        out.push(this.header.slice())
        from = body
      }
      this.filled = 0
      at = body
    }
    flush(at, at)
    return at
  }

  /** The header of the next part of a long frame: the first one opens the stream, and the last one ends it. */
  private pieceOf({ flags, stream, begun }: Long, size: number): Uint8Array {
    const { SYN, ACK, FIN, RST } = FrameFlag
    const kept = (begun ? 0 : flags & (SYN | ACK)) | (size === this.left ? flags & (FIN | RST) : 0)
    return headerOf(kept, stream, size)
  }
}

/** Of a frame of data. */
function headerOf(flags: number, stream: number, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint16(2, flags)
  view.setUint32(4, stream)
  view.setUint32(8, length)
  return header
}

function uint32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
}
