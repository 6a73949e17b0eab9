/**
 * Messages of Kademlia, as far as we read and write them: protobuf, after
 * https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages. A message is read no further than what it may hold.
 */
import { bytes as ofBytes, checkFields, many, number as ofNumber, type Fields } from '../../wire/protobuf.js'
import { KAD_FIELDS } from '../defaults.js'
import { encodeVarint, readVarint, varintLength, writeVarint, type Cursor } from '../../wire/varint.js'

/** Types of messages. The others are of records and of the peers that provide them. */
export const FIND_NODE = 4
export const PING = 5

/** Fields of a message, and of a peer in one. */
const TYPE = 1
const KEY = 2
const CLOSER = 8
const PROVIDERS = 9
const PEER_ID = 1
const PEER_ADDRESS = 2

const PEER: Fields = { [PEER_ID]: ofBytes, [PEER_ADDRESS]: many() }
const MESSAGE: Fields = { [TYPE]: ofNumber, [KEY]: ofBytes, [CLOSER]: many(PEER), [PROVIDERS]: many(PEER) }

const VARINT = 0
const BYTES = 2

/** What another node has said cannot be read. That is its fault, as nothing is that goes wrong with what was read. */
export const UNREADABLE = Symbol('it cannot be read')

export function readable<T>(read: () => T): T | typeof UNREADABLE {
  try {
    return read()
  } catch {
    return UNREADABLE
  }
}

export interface KadQuestion {
  type: number
  key: Uint8Array
}

/** A field: its number, and a value of bytes or a number. */
type Field = [number: number, bytes: Uint8Array | undefined, value: number]

/** @throws when it cannot be read. */
export function readQuestion(message: Uint8Array): KadQuestion {
  checkFields(message, MESSAGE, KAD_FIELDS)
  const question: KadQuestion = { type: 0, key: new Uint8Array() }
  for (const [field, bytes, value] of fieldsOf(message)) {
    if (field === TYPE && bytes === undefined) question.type = value
    else if (field === KEY && bytes !== undefined) question.key = bytes
  }
  return question
}

/** A peer in a message: its multihash, and its addresses as bytes of multiaddrs. */
export interface KadPeer {
  id: Uint8Array
  addresses: Uint8Array[]
}

export interface KadAnswer {
  type: number
  closer: KadPeer[]
}

/** Type, and the first peers that are closer, each with its first addresses. @throws when it cannot be read. */
export function readAnswer(message: Uint8Array, most: { peers: number; addresses: number }): KadAnswer {
  checkFields(message, MESSAGE, KAD_FIELDS)
  let type = 0
  const closer: KadPeer[] = []
  for (const [field, bytes, value] of fieldsOf(message)) {
    if (field === TYPE && bytes === undefined) type = value
    if (field !== CLOSER || bytes === undefined) continue
    closer.push(readPeer(bytes, most.addresses))
    // The type comes first.
    if (closer.length === most.peers) break
  }
  return { type, closer }
}

function readPeer(bytes: Uint8Array, most: number): KadPeer {
  const peer: KadPeer = { id: new Uint8Array(), addresses: [] }
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === PEER_ID && value !== undefined) peer.id = value
    if (field !== PEER_ADDRESS || value === undefined) continue
    peer.addresses.push(value)
    if (peer.addresses.length === most) break
  }
  return peer
}

export function encodeAnswer(type: number, closer: readonly KadPeer[]): Uint8Array {
  const peers = closer.flatMap(({ id, addresses }) => {
    const peer = [bytesField(PEER_ID, id), ...addresses.map((address) => bytesField(PEER_ADDRESS, address))]
    return bytesField(CLOSER, join(peer.flat()))
  })
  return join([Uint8Array.of(TYPE << 3), encodeVarint(type), ...peers])
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array[] {
  const head = new Uint8Array(1 + varintLength(bytes.length))
  head[0] = (field << 3) | BYTES
  writeVarint(bytes.length, head, 1)
  return [head, bytes]
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const cursor: Cursor = { bytes, at: 0, end: bytes.length }
  while (cursor.at < cursor.end) {
    const tag = number(cursor)
    const field = Math.floor(tag / 8)
    const kind = tag % 8
    if (kind === VARINT) yield [field, undefined, number(cursor)]
    else if (kind === BYTES) yield [field, piece(cursor, number(cursor)), 0]
    // Fixed numbers, of 8 and of 4 bytes, are in no field of ours.
    else if (kind === 1 || kind === 5) piece(cursor, kind === 1 ? 8 : 4)
    else throw new Error('a message of Kademlia that cannot be read')
  }
}

function number(cursor: Cursor): number {
  const value = readVarint(cursor)
  if (value < 0) throw new Error('a message of Kademlia that cannot be read')
  return value
}

function piece(cursor: Cursor, length: number): Uint8Array {
  const { bytes, at, end } = cursor
  if (length > end - at) throw new Error('a message of Kademlia that is cut')
  cursor.at = at + length
  return bytes.subarray(at, cursor.at)
}
