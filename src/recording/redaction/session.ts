/**
 * The bytes of a session without its payloads: what the core reads of a frame stays (length, type, id, numbers, codes), and
 * the payload becomes zeros, the message of a FAIL asterisks. What nodes say to each other the core reads too, so it stays as
 * far as it is no payload: topics, numbers, signers, and names for ids and hashes. It follows the format and judges nothing:
 * where a frame breaks it, the core reads no further, and all that comes is blanked.
 */
import { HASH_BYTES } from '../../wire/gossip/announcement.js'
import { KINDS } from '../../wire/session/service.js'
import {
  FrameType,
  LOSSY,
  MAX_CODE,
  MAX_FRAME,
  MAX_LENGTH_BYTES,
  MIN_FRAME,
  MORE,
  SERVICE,
} from '../../wire/session/format.js'
import type { FrameReader } from '../../wire/session/reader.js'
import { addByte, BROKEN, CUT, readVarint, type Cursor, type PartialVarint } from '../../wire/varint.js'
import type { IdNames } from './id-names.js'

const ASTERISK = 0x2a

/** No name in what nodes say to each other is longer. */
const MAX_TEXT = 1_024

/** What is known of the requests that the other side is answering. */
export interface OpenReplies {
  /** A value of this reply has begun, and is not whole. */
  isInside: (id: number) => boolean
  /** Its values are broadcasts that the other node remembers. */
  isHistory: (id: number) => boolean
}

export const NOTHING_OPEN: OpenReplies = { isInside: () => false, isHistory: () => false }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class SessionRedactor {
  /** Bytes that the current frame still has; -1: its length is being read. */
  private left = -1
  private readonly length: PartialVarint
  /** What there is of its header, while that is not complete. */
  private header: number[] | undefined
  private blank = 0
  /** This frame is the first of a value. */
  private begins: boolean | undefined
  /** The rest of this frame is the id of a message, or the hash of one. */
  private names: 'id' | 'hash' | undefined
  /** The format is broken. */
  private over = false
  /** Requests whose reply is in the middle of a value, as far as this has seen. */
  private readonly inside = new Map<number, boolean>()

  /** From wherever the core's reader is. `open`: the replies as they were then. */
  constructor(
    reader: FrameReader,
    private readonly open: OpenReplies,
    private readonly ids: IdNames,
  ) {
    this.length = { ...reader.length }
    if (reader.body === undefined) return
    this.begin(reader.body.length)
    for (let i = 0; i < reader.filled; i++) this.body(reader.body[i]!)
  }

  /** A chunk of the same length without payload. */
  copy(chunk: Uint8Array): Uint8Array {
    const copy = new Uint8Array(chunk.length)
    for (let i = this.rename(chunk, copy, 0); i < chunk.length && !this.over; i++) {
      copy[i] = this.next(chunk[i]!)
      i += this.rename(chunk, copy, i + 1)
    }
    return copy
  }

  /** Gives what is named at `at` another name, if all of it is here. Returns how many bytes that were. */
  private rename(chunk: Uint8Array, copy: Uint8Array, at: number): number {
    const { names, left } = this
    this.names = undefined
    if (names === undefined || left <= 0 || at + left > chunk.length) return 0
    const old = chunk.subarray(at, at + left)
    if (names === 'hash' && left !== HASH_BYTES) return 0
    const name = names === 'hash' ? this.ids.hashFor(old) : encoder.encode(this.ids.nameFor(decoder.decode(old)))
    if (name.length !== left) return 0
    copy.set(name, at)
    this.left = -1
    return left
  }

  private next(byte: number): number {
    if (this.left >= 0) return this.body(byte)
    const length = addByte(this.length, byte, MAX_LENGTH_BYTES)
    if (length === BROKEN) this.over = true
    else if (length !== CUT) this.begin(length)
    return byte
  }

  private begin(length: number): void {
    if (length < MIN_FRAME || length > MAX_FRAME) this.over = true
    this.left = length
    this.header = []
    this.blank = 0
    this.names = undefined
    this.begins = undefined
  }

  private body(byte: number): number {
    const { header } = this
    this.left--
    // What is named was begun in another chunk: it cannot have another name.
    this.names = undefined
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
        if ((flags & SERVICE) !== 0 && numbers.complete) return this.isRead(numbers)
        return numbers.complete || numbers.broken
      }
      case FrameType.REPLY: {
        const more = (flags & MORE) !== 0
        const begins = (this.begins ??= !(this.inside.get(id) ?? this.open.isInside(id)))
        if (more && begins) numbers.skip(1)
        if (numbers.complete) this.inside.set(id, more)
        // How long ago, by whom, and the length of the proof.
        if (begins && this.open.isHistory(id)) numbers.skip(1).skipText().skip(1)
        return numbers.complete || numbers.broken
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

  /** Whether all is here of a request for the node itself that is no name of a message. */
  private isRead(numbers: Numbers): boolean {
    switch (numbers.next()) {
      case KINDS.receipt:
        numbers.skipText().skip(1)
        if (numbers.complete) this.names = 'id'
        return numbers.complete || numbers.broken
      case KINDS.blob:
        this.names = 'hash'
        return true
      case KINDS.history:
        numbers.skipText().skip(1)
        return numbers.complete || numbers.broken
      default:
        return numbers.complete || numbers.broken
    }
  }
}

/** Varints in what there is of a header. */
class Numbers {
  /** All that was asked for is there. */
  complete = true
  /** A number is too long. */
  broken = false

  private readonly cursor: Cursor

  constructor(header: number[], at: number) {
    this.cursor = { bytes: Uint8Array.from(header), at, end: header.length }
  }

  next(): number | undefined {
    const number = readVarint(this.cursor)
    if (number === CUT) this.complete = false
    if (number === BROKEN) this.broken = true
    return number < 0 ? undefined : number
  }

  skip(amount: number): this {
    for (let i = 0; i < amount; i++) this.next()
    return this
  }

  /** A text with its length before it. */
  skipText(): this {
    const size = this.next() ?? 0
    if (size > MAX_TEXT) this.broken = true
    this.skipBytes(size)
    return this
  }

  skipBytes(amount: number): void {
    this.cursor.at += amount
    if (this.cursor.at > this.cursor.end) this.complete = false
  }
}
