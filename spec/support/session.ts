/**
 * The session protocol, written a second time, from docs/session.md alone: frames to bytes and bytes to frames, so that
 * specs compare what goes over the wire and not our code with itself.
 */
import { join } from './bytes.js'

export { join } from './bytes.js'

export const SESSION = '/tinyp2p/session/1.0.0'

export const MORE = 0x10
export const ONE = 0x20
export const LAST = 0x20
export const LOSSY = 0x40
export const SERVICE = 0x80

const NAMES = ['HELLO', 'REQUEST', 'DATA', 'REPLY', 'END', 'FAIL', 'CANCEL', 'CREDIT', 'GOODBYE']

// ---- frames to bytes

/** `size` bytes that differ from their neighbours. */
export function filled(size: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (seed + i * 7) % 251
  return bytes
}

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let left = BigInt(value)
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return new Uint8Array([...bytes, Number(left)])
}

/** Any frame, also one that is against the rules. Numbers of the body are varints. */
export function frame(head: number, id: number | bigint, ...body: (number | Uint8Array)[]): Uint8Array {
  const parts = body.map((part) => (typeof part === 'number' ? varint(part) : part))
  const rest = join(new Uint8Array([head]), varint(id), ...parts)
  return join(varint(rest.length), rest)
}

export function hello(pairs: Record<number, number> = {}): Uint8Array {
  return frame(0, 0, ...Object.entries(pairs).flatMap(([key, value]) => [varint(Number(key)), varint(value)]))
}

export interface Asked {
  timeout?: number
  credit?: number
  one?: boolean
  service?: boolean
  lossy?: { policy: number; buffer: number }
  /** Of the whole payload, when more of it follows. */
  total?: number
}

export function request(id: number, payload: Uint8Array, asked: Asked = {}): Uint8Array {
  const { timeout = 0, one = false, service = false, lossy, total } = asked
  const flags = (one ? ONE : 0) | (service ? SERVICE : 0) | (lossy === undefined ? 0 : LOSSY)
  const head = 1 | flags | (total === undefined ? 0 : MORE)
  const body = [varint(timeout), varint(asked.credit ?? 0)]
  if (lossy !== undefined) body.push(varint(lossy.policy), varint(lossy.buffer))
  if (total !== undefined) body.push(varint(total))
  return frame(head, id, ...body, payload)
}

export function data(id: number, payload: Uint8Array, more = false): Uint8Array {
  return frame(more ? 2 | MORE : 2, id, payload)
}

/** `total`: of the whole value, in the first frame of one that goes on; `more` in those behind it. */
export function reply(
  id: number,
  payload: Uint8Array,
  { more = false, last = false, total }: { more?: boolean; last?: boolean; total?: number } = {},
): Uint8Array {
  const head = 3 | (more || total !== undefined ? MORE : 0) | (last ? LAST : 0)
  return frame(head, id, ...(total === undefined ? [] : [varint(total)]), payload)
}

export function end(id: number): Uint8Array {
  return frame(4, id)
}

export function fail(id: number, code: string, retryAfter = 0, message = ''): Uint8Array {
  const codeBytes = Buffer.from(code)
  return frame(5, id, varint(codeBytes.length), codeBytes, varint(retryAfter), Buffer.from(message))
}

export function cancel(id: number): Uint8Array {
  return frame(6, id)
}

export function credit(id: number, amount: number): Uint8Array {
  return frame(7, id, varint(amount))
}

/** `says`: 0 ASK, 1 YES, 2 NO, 3 STAY. */
export function goodbye(id: number, says: number): Uint8Array {
  return frame(0x88, id, varint(says))
}

// ---- bytes to frames

/** A frame that was read. What its type does not have is left out. */
export interface Seen {
  name: string
  id: number
  /** Bytes behind the length. */
  size: number
  more: boolean
  one?: boolean
  service?: boolean
  last?: boolean
  pairs?: Record<number, number>
  timeout?: number
  credit?: number
  lossy?: { policy: number; buffer: number }
  total?: number
  payload?: Uint8Array
  code?: string
  retryAfter?: number
  message?: string
  amount?: number
}

/** Reads what one side sends. Throws at anything that the page does not allow in a frame. */
export class FrameDecoder {
  private left: Uint8Array = new Uint8Array()
  /** Ids whose value has been begun and goes on: its next frame has no `total`. */
  private readonly begun = new Set<number>()

  read(...chunks: Uint8Array[]): Seen[] {
    this.left = join(this.left, ...chunks)
    const seen: Seen[] = []
    for (;;) {
      const length = varintAt(this.left, 0)
      if (length === undefined || this.left.length < length.next + length.value) return seen
      const body = this.left.subarray(length.next, length.next + length.value)
      if (body.length < 2 || body.length > 17_408) throw new Error(`a frame of ${body.length} bytes`)
      seen.push(this.frameOf(body))
      this.left = this.left.subarray(length.next + length.value)
    }
  }

  private frameOf(body: Uint8Array): Seen {
    let at = 1
    const number = (): number => {
      const read = varintAt(body, at)
      if (read === undefined) throw new Error('a number is cut')
      at = read.next
      return read.value
    }
    const flags = body[0]! & 0xf0
    const name = NAMES[body[0]! & 15]
    if (name === undefined) throw new Error(`a frame of type ${body[0]! & 15}`)
    const seen: Seen = { name, id: number(), size: body.length, more: (flags & MORE) !== 0 }
    if (name === 'HELLO') {
      seen.pairs = {}
      while (at < body.length) seen.pairs[number()] = number()
    } else if (name === 'REQUEST') {
      seen.one = (flags & ONE) !== 0
      if ((flags & SERVICE) !== 0) seen.service = true
      seen.timeout = number()
      seen.credit = number()
      if ((flags & LOSSY) !== 0) seen.lossy = { policy: number(), buffer: number() }
      if (seen.more) seen.total = number()
    } else if (name === 'REPLY') {
      seen.last = (flags & LAST) !== 0
      if (seen.more && !this.begun.has(seen.id)) seen.total = number()
      if (seen.more) this.begun.add(seen.id)
      else this.begun.delete(seen.id)
    } else if (name === 'FAIL') {
      const size = number()
      seen.code = Buffer.from(body.subarray(at, at + size)).toString()
      at += size
      seen.retryAfter = number()
      seen.message = Buffer.from(body.subarray(at)).toString()
    } else if (name === 'CREDIT') seen.amount = number()
    if (name === 'REQUEST' || name === 'REPLY' || name === 'DATA') {
      seen.payload = body.slice(at)
      if (seen.payload.length > 16_384) throw new Error(`a payload of ${seen.payload.length} bytes in one frame`)
    }
    return seen
  }
}

function varintAt(bytes: Uint8Array, from: number): { value: number; next: number } | undefined {
  let value = 0n
  for (let at = from, shift = 0n; at < bytes.length; at++, shift += 7n) {
    value |= BigInt(bytes[at]! & 127) << shift
    if (bytes[at]! < 128) return { value: Number(value), next: at + 1 }
  }
  return undefined
}

/** A frame on one line: `REQUEST 1 ONE 10000 ms, credit 32, "hi"`. */
export function line(seen: Seen): string {
  const words: (string | number)[] = [seen.name]
  if (seen.name !== 'HELLO') words.push(seen.id)
  if (seen.more) words.push('MORE')
  if (seen.one === true) words.push('ONE')
  if (seen.service === true) words.push('SERVICE')
  if (seen.last === true) words.push('LAST')
  const parts = [words.join(' ')]
  for (const [key, value] of Object.entries(seen.pairs ?? {})) parts[0] += ` ${key}=${value}`
  if (seen.timeout !== undefined) parts.push(`${seen.timeout} ms`, `credit ${seen.credit}`)
  if (seen.lossy !== undefined) parts.push(`policy ${seen.lossy.policy}`, `buffer ${seen.lossy.buffer}`)
  if (seen.total !== undefined) parts.push(`of ${seen.total}`)
  if (seen.payload !== undefined) parts.push(shown(seen.payload))
  if (seen.code !== undefined) parts[0] += ` ${seen.code}`
  if (seen.retryAfter !== undefined && seen.retryAfter > 0) parts.push(`after ${seen.retryAfter} ms`)
  if (seen.message !== undefined && seen.message !== '') parts.push(`"${seen.message}"`)
  if (seen.amount !== undefined) parts[0] += ` ${seen.amount}`
  return parts.join(', ')
}

export function shown(payload: Uint8Array): string {
  return payload.length <= 8 ? `"${Buffer.from(payload).toString()}"` : `${payload.length} bytes`
}
