/**
 * Redacts the bytes of a session. The parts of a frame that the core reads stay: length, type, id, numbers and codes. A payload
 * becomes zeros, and the message of a FAIL becomes asterisks. The core also reads requests between nodes, so of these the topics,
 * numbers and signers stay, and ids and hashes are replaced by names. Where a frame breaks the format the core stops reading, and
 * everything after that is redacted.
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
import { decodeText } from '../../wire/text.js'

const ASTERISK = 0x2a

/** The longest topic, id or signer in a request between nodes, bytes. */
const MAX_TEXT = 1_024

/** The requests that the other side is answering. */
export interface OpenReplies {
  /** A value of this reply has begun, and is not complete. */
  isInside: (id: number) => boolean
  /** Its values are broadcasts that the other node remembers. */
  isHistory: (id: number) => boolean
}

export const NOTHING_OPEN: OpenReplies = { isInside: () => false, isHistory: () => false }

const encoder = new TextEncoder()

export class SessionRedactor {
  /** How many bytes of the current frame are still to come; -1: its length is being read. */
  private left = -1
  private readonly length: PartialVarint
  /** The bytes of its header so far; `undefined`: the header is complete. */
  private header: number[] | undefined
  private blank = 0
  /** Whether this frame is the first of a value; `undefined`: not known yet. */
  private begins: boolean | undefined
  /** Set if the rest of this frame is the id or the hash of a message. */
  private names: 'id' | 'hash' | undefined
  /** A frame has broken the format. */
  private over = false
  /** Request → whether its reply is in the middle of a value, as seen in this batch. */
  private readonly inside = new Map<number, boolean>()

  /** Starts where the core's reader is. `open`: the replies at that moment. */
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

  /** Returns the chunk with its payload replaced, at the same length. */
  copy(chunk: Uint8Array): Uint8Array {
    const copy = new Uint8Array(chunk.length)
    for (let i = this.rename(chunk, copy, 0); i < chunk.length && !this.over; i++) {
      copy[i] = this.next(chunk[i]!)
      i += this.rename(chunk, copy, i + 1)
    }
    return copy
  }

  /** Replaces the id or hash that begins at `at`, if it is complete in this chunk. Returns its length in bytes. */
  private rename(chunk: Uint8Array, copy: Uint8Array, at: number): number {
    const { names, left } = this
    this.names = undefined
    if (names === undefined || left <= 0 || at + left > chunk.length) return 0
    const old = chunk.subarray(at, at + left)
    if (names === 'hash' && left !== HASH_BYTES) return 0
    const name = names === 'hash' ? this.ids.hashFor(old) : encoder.encode(this.ids.nameFor(decodeText(old)))
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
    // The id or hash began in another chunk, so it cannot be replaced as a whole.
    this.names = undefined
    if (header === undefined) return this.end(this.blank)
    // A HELLO has no payload, so all of it stays.
    if (header.length > 0 && (header[0]! & 0x0f) === FrameType.HELLO) return this.end(byte)
    header.push(byte)
    if (this.isComplete(header)) this.header = undefined
    return this.end(byte)
  }

  private end(byte: number): number {
    if (this.left === 0) this.left = -1
    return byte
  }

  /** Whether everything before the payload has come. */
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
        // The age, the signer, and the length of the proof.
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

  /** Whether everything before the id or hash has come, in a request between nodes. */
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

/** Reads the varints of a header that may not be complete. */
class Numbers {
  /** Everything that was read so far was there. */
  complete = true
  /** A number is too long, or not minimal. */
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

  /** Skips a text, which has its length before it. */
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
