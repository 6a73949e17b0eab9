/**
 * The bytes of a session without its payloads: what the core reads of a frame stays (length, type, id, numbers, codes), and
 * the payload becomes zeros, the message of a FAIL asterisks. It follows the format and judges nothing: where a frame breaks
 * it, the core reads no further, and all that comes is blanked.
 */
import { FrameType, LOSSY, MAX_CODE, MAX_FRAME, MIN_FRAME, MORE } from '../wire/session/format.js'
import type { FrameReader } from '../wire/session/reader.js'

/** No number takes more bytes. */
const MAX_NUMBER_BYTES = 8
const ASTERISK = 0x2a

export class SessionRedactor {
  /** Bytes that the current frame still has; -1: its length is being read. */
  private left = -1
  private length = 0
  private lengthBytes = 0
  /** What there is of its header, while that is not complete. */
  private header: number[] | undefined
  private blank = 0
  /** The format is broken. */
  private over = false
  /** Requests whose reply is in the middle of a value, as far as this has seen. */
  private readonly inside = new Map<number, boolean>()

  /** From wherever the core's reader is. `isInside`: whether a request's reply was in the middle of a value then. */
  constructor(
    reader: FrameReader,
    private readonly isInside: (id: number) => boolean,
  ) {
    this.length = reader.length
    this.lengthBytes = reader.lengthBytes
    if (reader.body === undefined) return
    this.begin(reader.body.length)
    for (let i = 0; i < reader.filled; i++) this.body(reader.body[i]!)
  }

  /** A chunk of the same length without payload. */
  copy(chunk: Uint8Array): Uint8Array {
    const copy = new Uint8Array(chunk.length)
    for (let i = 0; i < chunk.length && !this.over; i++) copy[i] = this.next(chunk[i]!)
    return copy
  }

  private next(byte: number): number {
    if (this.left >= 0) return this.body(byte)
    this.length += (byte & 0x7f) * 2 ** (7 * this.lengthBytes++)
    if (byte < 0x80) this.begin(this.length)
    else if (this.lengthBytes === MAX_NUMBER_BYTES) this.over = true
    return byte
  }

  private begin(length: number): void {
    this.length = 0
    this.lengthBytes = 0
    if (length < MIN_FRAME || length > MAX_FRAME) this.over = true
    this.left = length
    this.header = []
    this.blank = 0
  }

  private body(byte: number): number {
    const { header } = this
    this.left--
    if (header === undefined) return this.end(this.blank)
    // HELLO has no payload, and may be long.
    if (header.length > 0 && (header[0]! & 0x0f) === FrameType.HELLO) return this.end(byte)
    header.push(byte)
    if (this.isComplete(header)) this.header = undefined
    return this.end(byte)
  }

  private end(byte: number): number {
    if (this.left === 0) this.left = -1
    return byte
  }

  /** Whether all has come that stands before the payload. */
  private isComplete(header: number[]): boolean {
    const type = header[0]! & 0x0f
    const flags = header[0]! & 0xf0
    const numbers = new Numbers(header, 1)
    const id = numbers.next()
    if (id === undefined) return numbers.broken
    switch (type) {
      case FrameType.HELLO:
        return false
      case FrameType.REQUEST: {
        numbers.skip(2 + ((flags & LOSSY) === 0 ? 0 : 2) + ((flags & MORE) === 0 ? 0 : 1))
        return numbers.complete || numbers.broken
      }
      case FrameType.REPLY: {
        const more = (flags & MORE) !== 0
        if (more && !(this.inside.get(id) ?? this.isInside(id))) numbers.skip(1)
        if (!numbers.complete) return numbers.broken
        this.inside.set(id, more)
        return true
      }
      case FrameType.FAIL: {
        this.blank = ASTERISK
        const size = numbers.next() ?? 0
        if (size > MAX_CODE) return true
        numbers.skipBytes(size)
        numbers.skip(1)
        return numbers.complete || numbers.broken
      }
      case FrameType.CREDIT:
        numbers.skip(1)
        return numbers.complete || numbers.broken
      default:
        return true
    }
  }
}

/** Varints in what there is of a header. */
class Numbers {
  /** All that was asked for is there. */
  complete = true
  /** A number is too long. */
  broken = false

  constructor(
    private readonly bytes: number[],
    private at: number,
  ) {}

  next(): number | undefined {
    let value = 0
    for (let count = 0; count < MAX_NUMBER_BYTES; count++) {
      const byte = this.bytes[this.at]
      if (byte === undefined) {
        this.complete = false
        return undefined
      }
      this.at++
      value += (byte & 0x7f) * 2 ** (7 * count)
      if (byte < 0x80) return value
    }
    this.broken = true
    return undefined
  }

  skip(amount: number): void {
    for (let i = 0; i < amount; i++) this.next()
  }

  skipBytes(amount: number): void {
    this.at += amount
    if (this.at > this.bytes.length) this.complete = false
  }
}
