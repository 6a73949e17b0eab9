/**
 * Frames of gossip: a varint of its length before each RPC. Out: an RPC becomes as many frames as keep below the limit, because
 * the origin ends a stream on which a larger one comes. In: chunks become frames, none of them over a limit.
 */
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { Uint8ArrayList } from 'uint8arraylist'
import { createGathered, copyIfSmall, gather, takeGathered, type Gathered } from '../../wire/gather.js'
import { addByte, BROKEN, CUT, varintLength, writeVarint, type PartialVarint } from '../../wire/varint.js'
import { apart, SmallPieces } from '../../wire/waiting.js'

type Control = RPC.ControlMessage

const KINDS = ['graft', 'prune', 'ihave', 'iwant', 'idontwant'] as const

/** The bytes with their length before them. */
export function framed(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(varintLength(bytes.length) + bytes.length)
  frame.set(bytes, writeVarint(bytes.length, frame, 0))
  return frame
}

/**
 * The RPC in encoded pieces of at most `limit` bytes, with no length before them. What cannot be divided and is too large
 * (nothing that an honest peer gives us to carry) is left out.
 */
export function pieces(rpc: RPC, limit: number): { rpc: RPC; bytes: Uint8Array }[] {
  const bytes = RPC.encode(rpc)
  if (bytes.length <= limit) return [{ rpc, bytes }]
  return halves(rpc).flatMap((part) => pieces(part, limit))
}

/** Two or more RPCs that say the same together; none when there is nothing to divide. */
function halves({ subscriptions, messages, control }: RPC): RPC[] {
  const parts: RPC[] = []
  if (subscriptions.length > 0) parts.push({ subscriptions, messages: [] })
  if (messages.length > 0) parts.push({ subscriptions: [], messages })
  for (const kind of KINDS) {
    const list = control?.[kind] ?? []
    if (list.length > 0) parts.push(withControl(kind, list))
  }
  if (parts.length > 1) return parts
  if (subscriptions.length > 1) return half(subscriptions).map((list) => ({ subscriptions: list, messages: [] }))
  if (messages.length > 1) return half(messages).map((list) => ({ subscriptions: [], messages: list }))
  const kind = KINDS.find((name) => (control?.[name] ?? []).length > 0)
  if (control === undefined || kind === undefined) return []
  const list: readonly object[] = control[kind]
  if (list.length > 1) return half(list).map((some) => withControl(kind, some))
  if (kind === 'graft' || kind === 'prune') return []
  const only = control[kind][0]!
  if (only.messageIDs.length < 2) return []
  return half(only.messageIDs).map((messageIDs) => withControl(kind, [{ ...only, messageIDs }]))
}

function withControl(kind: (typeof KINDS)[number], list: readonly object[]): RPC {
  const none: Control = { graft: [], prune: [], ihave: [], iwant: [], idontwant: [] }
  return { subscriptions: [], messages: [], control: { ...none, [kind]: list } }
}

function half<T>(list: readonly T[]): T[][] {
  const middle = Math.ceil(list.length / 2)
  return [list.slice(0, middle), list.slice(middle)]
}

/** Bytes of a length: up to 2^35. */
const MAX_LENGTH_BYTES = 5

/** Frames out of the chunks of a stream. */
export class FrameReader {
  /** Bytes that no frame was made of yet. */
  buffered = 0
  private readonly chunks: Uint8Array[] = []
  private readonly small = new SmallPieces()
  /** What was read of the first chunk. */
  private offset = 0
  /** What there is of the next frame's length. */
  private readonly length: PartialVarint = { value: 0, size: 0 }
  /** The frame that is being read, once its length is known. */
  private gathered: Gathered | undefined
  private total = 0

  constructor(private readonly limit: number) {}

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.chunks.push(apart(chunk))
    this.buffered += chunk.length
    if (this.small.add(chunk.length)) this.joinSmall()
  }

  private joinSmall(): void {
    // Some of them may have been read.
    this.chunks.push(apart(new Uint8ArrayList(...this.chunks.splice(-this.small.count)).subarray()))
    this.small.clear()
  }

  /** The next whole frame. Throws when there can be none any more. */
  next(): Uint8Array | undefined {
    for (;;) {
      const chunk = this.chunks[0]
      if (chunk === undefined) return undefined
      const frame = this.gathered === undefined ? this.begin(chunk) : this.goOn(chunk, this.gathered)
      if (this.offset === chunk.length) this.drop()
      if (frame !== undefined) return frame
    }
  }

  private begin(chunk: Uint8Array): Uint8Array | undefined {
    const length = addByte(this.length, this.take(chunk), MAX_LENGTH_BYTES)
    if (length === CUT) return undefined
    if (length === BROKEN) throw new Error('the length of a frame does not end, or is not minimal')
    if (length > this.limit) throw new Error(`a frame of ${length} bytes; the limit is ${this.limit}`)
    if (chunk.length - this.offset >= length) return copyIfSmall(chunk, this.offset, this.advance(length))
    this.total = length
    this.gathered = createGathered()
    return undefined
  }

  private goOn(chunk: Uint8Array, gathered: Gathered): Uint8Array | undefined {
    const piece = Math.min(this.total - gathered.received, chunk.length - this.offset)
    gather(gathered, chunk.subarray(this.offset, this.advance(piece)), this.total)
    if (gathered.received < this.total) return undefined
    this.gathered = undefined
    return takeGathered(gathered)
  }

  private take(chunk: Uint8Array): number {
    const byte = chunk[this.offset] ?? 0
    this.advance(1)
    return byte
  }

  private advance(bytes: number): number {
    this.buffered -= bytes
    return (this.offset += bytes)
  }

  /** A chunk that was read goes at once: it may be far larger than what is kept of it, and the queue is never empty for a fast sender. */
  private drop(): void {
    this.offset = 0
    this.chunks.shift()
  }
}
