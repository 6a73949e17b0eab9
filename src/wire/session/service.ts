/**
 * Requests of nodes to each other, and not of applications. They are sent over a session, with its SERVICE flag.
 * docs/broadcasts.md has the format. Numbers are varints, texts and bytes have their length before them.
 */
import { HASH_BYTES } from '../gossip/announcement.js'
import { encodeVarint, readVarint, varintLength, writeVarint, type Cursor } from '../varint.js'
import { decodeText } from '../text.js'

export type ServiceRequest =
  /** The last `count` broadcasts of a topic: answered by a value for each, oldest first. */
  | { kind: 'history'; topic: string; count: number }
  /** Answered by an empty value once the message was heard and taken; refused if it was not taken. */
  | { kind: 'receipt'; topic: string; id: string }
  /** The bytes of a large message, in pieces. */
  | { kind: 'blob'; hash: Uint8Array }
  /** Another node that has the receiver's peer id is at this address, a multiaddr without `/p2p`. Answered by nothing. */
  | { kind: 'twin'; address: string }

/** A broadcast that a node has remembered. */
export interface HistoryValue {
  /** How long ago it was heard, ms. */
  age: number
  from: string
  proof: Uint8Array
  data: Uint8Array
}

/** The first byte of a request. */
export const KINDS = { history: 1, receipt: 2, blob: 3, twin: 4 } as const
/** No name of ours is longer. */
const MAX_TEXT = 1_024
const MAX_PROOF = 4_096
/** It is shown to people. */
const ADDRESS = /^\/[\w.:/-]{1,200}$/

const encoder = new TextEncoder()

export function encodeServiceRequest(request: ServiceRequest): Uint8Array {
  switch (request.kind) {
    case 'history':
      return join([KINDS.history, sized(encoder.encode(request.topic)), request.count])
    case 'receipt':
      return join([KINDS.receipt, sized(encoder.encode(request.topic)), sized(encoder.encode(request.id))])
    case 'blob':
      return join([KINDS.blob, [request.hash]])
    case 'twin':
      return join([KINDS.twin, sized(encoder.encode(request.address))])
  }
}

/** Reads a peer's request; `undefined` when it is broken, or of an unknown kind. */
export function decodeServiceRequest(bytes: Uint8Array): ServiceRequest | undefined {
  const cursor: Cursor = { bytes, at: 0, end: bytes.length }
  switch (readVarint(cursor)) {
    case KINDS.history: {
      const topic = text(cursor)
      const count = readVarint(cursor)
      return topic === undefined || count < 1 || !isDone(cursor) ? undefined : { kind: 'history', topic, count }
    }
    case KINDS.receipt: {
      const topic = text(cursor)
      const id = text(cursor)
      return topic === undefined || id === undefined || !isDone(cursor) ? undefined : { kind: 'receipt', topic, id }
    }
    case KINDS.blob:
      return bytes.length - cursor.at === HASH_BYTES ? { kind: 'blob', hash: bytes.slice(cursor.at) } : undefined
    case KINDS.twin: {
      const address = text(cursor)
      return address === undefined || !ADDRESS.test(address) || !isDone(cursor) ? undefined : { kind: 'twin', address }
    }
    default:
      return undefined
  }
}

export function encodeHistoryValue({ age, from, proof, data }: HistoryValue): Uint8Array {
  return join([age, sized(encoder.encode(from)), sized(proof), [data]])
}

/** Reads a value of an answer; `undefined` when it is broken. Its bytes are views. */
export function decodeHistoryValue(bytes: Uint8Array): HistoryValue | undefined {
  const cursor: Cursor = { bytes, at: 0, end: bytes.length }
  const age = readVarint(cursor)
  const from = text(cursor)
  const proof = take(cursor, MAX_PROOF)
  if (age < 0 || from === undefined || proof === undefined) return undefined
  return { age, from, proof, data: bytes.subarray(cursor.at) }
}

// ---- pieces: a number becomes a varint, the bytes in a list stay as they are

type Piece = number | Uint8Array[]

function sized(bytes: Uint8Array): Uint8Array[] {
  return [encodeVarint(bytes.length), bytes]
}

function join(pieces: Piece[]): Uint8Array {
  let size = 0
  for (const piece of pieces) {
    if (typeof piece === 'number') size += varintLength(piece)
    else for (const bytes of piece) size += bytes.length
  }
  const joined = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'number') at = writeVarint(piece, joined, at)
    else
      for (const bytes of piece) {
        joined.set(bytes, at)
        at += bytes.length
      }
  }
  return joined
}

function take(cursor: Cursor, most: number): Uint8Array | undefined {
  const length = readVarint(cursor)
  if (length < 0 || length > most || cursor.at + length > cursor.end) return undefined
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length)
  cursor.at += length
  return bytes
}

function text(cursor: Cursor): string | undefined {
  const bytes = take(cursor, MAX_TEXT)
  return bytes === undefined ? undefined : decodeText(bytes)
}

function isDone(cursor: Cursor): boolean {
  return cursor.at === cursor.end
}
