/**
 * Writes frames of a session, many in a row, into as few chunks as possible: heads and small payloads are copied into a
 * block, large payloads go as they are. What `takeChunks` returns is one write.
 */
import { varintLength, writeVarint } from '../varint.js'
import {
  type Farewell,
  FEATURES,
  FrameType,
  HelloKey,
  IGNORABLE,
  LAST,
  LOSSY,
  MAX_CHUNK,
  MORE,
  ONE,
  SERVICE,
  type Hello,
} from './format.js'

/** A payload from this size on is not copied: a chunk of its own costs less. */
const OWN_CHUNK = 2_048
/** No head, with all its numbers, is longer than this. */
const MAX_HEAD = 64
/** Blocks grow up to this, for writes of many frames. */
const MAX_BLOCK = 65_536

export interface FrameWriter {
  chunks: Uint8Array[]
  block: Uint8Array
  /** Where what is not in `chunks` yet begins in the block, and where it ends. */
  start: number
  used: number
  /** Bytes written in all. */
  size: number
}

/** `expected`: bytes that will probably be copied; a wrong guess costs another block and no more. */
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

/** Our features, and what an answerer announces besides. */
/** Bytes of a value that go into one frame. */
export function chunkOf(remaining: number, credit: number): number {
  return Math.min(remaining, credit, MAX_CHUNK)
}

/** What a HELLO says besides the features. */
export type HelloLimits = Omit<Hello, 'features'>

export function writeHello(writer: FrameWriter, hello?: HelloLimits): void {
  const { maxOpen = 0, requestWindow = 0, maxRequest = 0 } = hello ?? {}
  const announced = 3 + varintLength(maxOpen) + varintLength(requestWindow) + varintLength(maxRequest)
  begin(writer, FrameType.HELLO, 0, 2 + (hello === undefined ? 0 : announced), 0)
  number(writer, HelloKey.FEATURES)
  number(writer, FEATURES)
  if (hello === undefined) return
  number(writer, HelloKey.MAX_OPEN)
  number(writer, maxOpen)
  number(writer, HelloKey.REQUEST_WINDOW)
  number(writer, requestWindow)
  number(writer, HelloKey.MAX_REQUEST)
  number(writer, maxRequest)
}

/** What a REQUEST says beside its payload. */
export interface RequestHead {
  /** Milliseconds until the asker gives up. */
  timeout: number
  /** What replies may cost at first. */
  credit: number
  /** Only the first value is wanted. */
  one: boolean
  /** It is for the node itself. */
  service: boolean
  /** The code of the overflow policy and how many values may wait, for producers that cannot. */
  lossy: { policy: number; buffer: number } | undefined
}

/** The first `to` bytes of the payload. */
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

/** Bytes `from` … `to` of a request's payload, behind its first ones. */
export function writeData(writer: FrameWriter, id: number, payload: Uint8Array, from: number, to: number): void {
  begin(writer, to < payload.length ? FrameType.DATA | MORE : FrameType.DATA, id, to - from, copied(to - from))
  payloadOf(writer, payload, from, to)
}

/** Bytes `from` … `to` of a value. `last`: no other value follows it. */
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

/** `id`: which goodbye of its sender, from 1 on; an answer repeats it. */
export function writeGoodbye(writer: FrameWriter, id: number, says: Farewell): void {
  begin(writer, FrameType.GOODBYE | IGNORABLE, id, 1, 0)
  number(writer, says)
}

const encoder = new TextEncoder()

/** The edge keeps to the limits of both texts. `retryAfterMs` 0: it does not say. */
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
