/**
 * Writes many frames of a session into as few chunks as possible: heads and small payloads are copied into a block, large
 * payloads become chunks of their own, without a copy. `takeChunks` returns the chunks of one write.
 */
import { varintLength, writeVarint } from '../varint.js'
import {
  type Farewell,
  FEATURES,
  FrameType,
  HELLO_KEYS,
  IGNORABLE,
  LAST,
  LOSSY,
  MAX_CHUNK,
  MORE,
  ONE,
  SERVICE,
  type Hello,
} from './format.js'

/** A payload of this size or more is not copied, because a chunk of its own costs less. Bytes. */
const OWN_CHUNK = 2_048
/** No head, with all its numbers, is longer than this. */
const MAX_HEAD = 64
/** Blocks grow up to this, for writes of many frames. */
const MAX_BLOCK = 65_536

export interface FrameWriter {
  chunks: Uint8Array[]
  block: Uint8Array
  /** The part of the block that is not in `chunks` yet: from `start` to before `used`. */
  start: number
  used: number
  /** Bytes written in all. */
  size: number
}

/** `expected`: how many bytes will probably be copied. A wrong guess costs only another block. */
export function createWriter(expected: number): FrameWriter {
  const block = new Uint8Array(Math.min(Math.max(expected, 2 * MAX_HEAD), MAX_BLOCK))
  return { chunks: [], block, start: 0, used: 0, size: 0 }
}

/** Everything that was written, in order. The receiver owns the chunks; the writer is used up. */
export function takeChunks(writer: FrameWriter): Uint8Array[] {
  closeRun(writer)
  return writer.chunks
}

/** Ends the run of copied bytes. */
function closeRun(writer: FrameWriter): void {
  const { block, start, used } = writer
  if (used > start) writer.chunks.push(start === 0 && used === block.length ? block : block.subarray(start, used))
  writer.start = used
}

function makeRoom(writer: FrameWriter, bytes: number): void {
  if (writer.used + bytes <= writer.block.length) return
  closeRun(writer)
  writer.block = new Uint8Array(Math.min(MAX_BLOCK, Math.max(4_096, 2 * writer.block.length, bytes)))
  writer.start = 0
  writer.used = 0
}

/** Length, head and id of a frame with `body` bytes behind the id. */
function begin(writer: FrameWriter, head: number, id: number, body: number, inBlock: number): void {
  makeRoom(writer, MAX_HEAD + inBlock)
  const { block } = writer
  const before = writer.used
  const length = 1 + (id < 0x80 ? 1 : varintLength(id)) + body
  let at = before
  if (length < 0x80) block[at++] = length
  else at = writeVarint(length, block, at)
  block[at++] = head
  if (id < 0x80) block[at++] = id
  else at = writeVarint(id, block, at)
  writer.used = at
  writer.size += length + (length < 0x80 ? 1 : varintLength(length))
}

function number(writer: FrameWriter, value: number): void {
  if (value < 0x80) writer.block[writer.used++] = value
  else writer.used = writeVarint(value, writer.block, writer.used)
}

/** Bytes of `payload` from `from` to `to`. */
function payloadOf(writer: FrameWriter, payload: Uint8Array, from: number, to: number): void {
  const size = to - from
  if (size >= OWN_CHUNK) {
    closeRun(writer)
    writer.chunks.push(size === payload.length ? payload : payload.subarray(from, to))
  } else if (size > 0) {
    writer.block.set(size === payload.length ? payload : payload.subarray(from, to), writer.used)
    writer.used += size
  }
}

function copied(size: number): number {
  return size < OWN_CHUNK ? size : 0
}

/** Pieces are not made smaller than this for want of credit, bytes. */
const LEAST_CHUNK = 4_096

/**
 * Bytes of a value that go into one frame. If there is little credit, a frame takes half of it: so the other side sees the first half
 * come, and gives more, while the second is still under way.
 */
export function chunkOf(remaining: number, credit: number): number {
  if (isShort(remaining, credit)) return Math.min(credit, Math.max(LEAST_CHUNK, Math.ceil(credit / 2)))
  return Math.min(remaining, credit, MAX_CHUNK)
}

/** Is there not even credit for a whole frame? */
export function isShort(remaining: number, credit: number): boolean {
  return credit < remaining && credit < MAX_CHUNK
}

/** What only an answerer's HELLO says. */
export type HelloLimits = Omit<Hello, 'features' | 'incarnation'>

/** Our features, and what else is said. */
export function writeHello(writer: FrameWriter, others: Partial<Omit<Hello, 'features'>> = {}): void {
  const said: Partial<Hello> = { ...others, features: FEATURES }
  const numbers = Object.entries(HELLO_KEYS).flatMap(([field, key]) => {
    const value = said[field as keyof Hello]
    return value === undefined ? [] : [key, value]
  })
  const size = numbers.reduce((sum, value) => sum + varintLength(value), 0)
  begin(writer, FrameType.HELLO, 0, size, 0)
  for (const value of numbers) number(writer, value)
}

/** The fields of a REQUEST before its payload. */
export interface RequestHead {
  /** Milliseconds until the asker gives up. */
  timeout: number
  /** The cost of the replies that may be sent before more credit comes. */
  credit: number
  /** Only the first value is wanted. */
  one: boolean
  /** The node itself answers it, and no handler. */
  service: boolean
  /** For an Observable, which cannot be paused: the code of the overflow policy, and how many values may wait. */
  lossy: { policy: number; buffer: number } | undefined
}

/** Writes a REQUEST with the first `to` bytes of its payload. */
export function writeRequest(
  writer: FrameWriter,
  id: number,
  { timeout, credit, one, service, lossy }: RequestHead,
  payload: Uint8Array,
  to: number,
): void {
  const more = to < payload.length
  let head: number = FrameType.REQUEST
  let body = varintLength(timeout) + varintLength(credit) + to
  if (one) head |= ONE
  if (service) head |= SERVICE
  if (lossy !== undefined) {
    head |= LOSSY
    body += varintLength(lossy.policy) + varintLength(lossy.buffer)
  }
  if (more) {
    head |= MORE
    body += varintLength(payload.length)
  }
  begin(writer, head, id, body, copied(to))
  number(writer, timeout)
  number(writer, credit)
  if (lossy !== undefined) {
    number(writer, lossy.policy)
    number(writer, lossy.buffer)
  }
  if (more) number(writer, payload.length)
  payloadOf(writer, payload, 0, to)
}

/** Writes the bytes `from` … `to` of a request's payload, which follow those of its REQUEST. */
export function writeData(writer: FrameWriter, id: number, payload: Uint8Array, from: number, to: number): void {
  begin(writer, to < payload.length ? FrameType.DATA | MORE : FrameType.DATA, id, to - from, copied(to - from))
  payloadOf(writer, payload, from, to)
}

/** Writes the bytes `from` … `to` of a value. `last`: no other value follows it. */
export function writeReply(
  writer: FrameWriter,
  id: number,
  value: Uint8Array,
  from: number,
  to: number,
  first: boolean,
  last: boolean,
): void {
  const more = to < value.length
  const sizeSaid = first && more
  const head = more ? FrameType.REPLY | MORE : last ? FrameType.REPLY | LAST : FrameType.REPLY
  begin(writer, head, id, to - from + (sizeSaid ? varintLength(value.length) : 0), copied(to - from))
  if (sizeSaid) number(writer, value.length)
  payloadOf(writer, value, from, to)
}

export function writeEnd(writer: FrameWriter, id: number): void {
  begin(writer, FrameType.END, id, 0, 0)
}

export function writeCancel(writer: FrameWriter, id: number): void {
  begin(writer, FrameType.CANCEL, id, 0, 0)
}

export function writeCredit(writer: FrameWriter, id: number, amount: number): void {
  begin(writer, FrameType.CREDIT, id, varintLength(amount), 0)
  number(writer, amount)
}

/** `id`: the number of its sender's goodbye, from 1 on. An answer repeats it. */
export function writeGoodbye(writer: FrameWriter, id: number, says: Farewell): void {
  begin(writer, FrameType.GOODBYE | IGNORABLE, id, 1, 0)
  number(writer, says)
}

const encoder = new TextEncoder()

/** The edge has cut both texts to their limits. `retryAfterMs` 0: not given. */
export function writeFail(writer: FrameWriter, id: number, code: string, message: string, retryAfterMs: number): void {
  const codeBytes = encoder.encode(code)
  const text = encoder.encode(message)
  const body = varintLength(codeBytes.length) + codeBytes.length + varintLength(retryAfterMs) + text.length
  begin(writer, FrameType.FAIL, id, body, codeBytes.length + text.length)
  number(writer, codeBytes.length)
  writer.block.set(codeBytes, writer.used)
  writer.used += codeBytes.length
  number(writer, retryAfterMs)
  writer.block.set(text, writer.used)
  writer.used += text.length
}
