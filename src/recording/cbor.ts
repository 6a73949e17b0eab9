/**
 * The part of CBOR (RFC 8949) that plain data needs: numbers, texts, bytes, lists, objects, booleans, null and undefined, all of
 * definite length. Objects keep the order of their keys.
 *
 * `cborg` reads it. The writer is our own, because it runs for every batch of a recorded node, and cborg's (`encode` and
 * `encodeInto`) would make a recording cost a multiple.
 */
import { decode, Tokenizer, Type, type DecodeOptions, type Token } from 'cborg'
import { decodeText } from '../wire/text.js'

const UNSIGNED = 0x00
const NEGATIVE = 0x20
const BYTES = 0x40
const TEXT = 0x60
const LIST = 0x80
const OBJECT = 0xa0
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const UNDEFINED = 0xf7
const FLOAT_64 = 0xfb

const FIRST_SIZE = 16_384
/** Texts up to this length are written character by character, which is faster as long as they are ASCII. */
const SHORT_TEXT = 128

const encoder = new TextEncoder()

/**
 * Values that are read at once, and how deep they lie: what is read may come from anybody, and a byte may become an object of fifty. A
 * batch of a node has some 20 values for each event, and 10 levels.
 */
const MOST_VALUES = 4_000_000
const DEEPEST = 64

const READING: DecodeOptions = { allowIndefinite: false, allowBigInt: false, retainStringBytes: true }

/** Appends values to a buffer that grows. */
export class CborWriter {
  private buffer = new Uint8Array(FIRST_SIZE)
  private view = new DataView(this.buffer.buffer)
  private at = 0

  /** Leaves room for `length` bytes. */
  skip(length: number): void {
    this.reserve(length)
    this.at += length
  }

  /** The bytes that were written, which the writer does not use again. */
  take(): Uint8Array {
    const { buffer, at } = this
    this.at = 0
    if (at < FIRST_SIZE) return buffer.slice(0, at)
    // Large results are not copied, and no large buffer is kept.
    this.buffer = new Uint8Array(FIRST_SIZE)
    this.view = new DataView(this.buffer.buffer)
    return buffer.subarray(0, at)
  }

  /** Forgets what was written. */
  clear(): void {
    this.at = 0
  }

  /** @throws `TypeError` for what is not plain data: functions, errors, maps, big integers … */
  write(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
        return this.number(value)
      case 'boolean':
        return this.byte(value ? TRUE : FALSE)
      case 'undefined':
        return this.byte(UNDEFINED)
      case 'object':
        if (value === null) return this.byte(NULL)
        if (Array.isArray(value)) return this.list(value)
        if (ArrayBuffer.isView(value)) return this.bytes(value)
        return this.object(value as Record<string, unknown>)
      default:
        throw new TypeError(`a ${typeof value} is not plain data`)
    }
  }

  /** The beginning of a list of `length` values, which the caller writes next. */
  listHead(length: number): void {
    this.head(LIST, length)
  }

  private list(values: unknown[]): void {
    this.head(LIST, values.length)
    for (const value of values) this.write(value)
  }

  private object(value: Record<string, unknown>): void {
    const tag = Object.prototype.toString.call(value)
    if (tag !== '[object Object]') throw new TypeError(`an ${tag.slice(8, -1)} is not plain data`)
    const keys = Object.keys(value)
    this.head(OBJECT, keys.length)
    for (const key of keys) {
      this.text(key)
      this.write(value[key])
    }
  }

  private bytes(value: ArrayBufferView): void {
    const tag = Object.prototype.toString.call(value)
    if (tag !== '[object Uint8Array]') throw new TypeError(`a ${tag.slice(8, -1)} is not plain data`)
    const bytes = value as Uint8Array
    this.head(BYTES, bytes.length)
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  private text(text: string): void {
    const { length } = text
    if (length <= SHORT_TEXT) {
      const start = this.at
      this.head(TEXT, length)
      this.reserve(length)
      const { buffer } = this
      let { at } = this
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code >= 0x80) break
        buffer[at++] = code
      }
      if (i === length) {
        this.at = at
        return
      }
      this.at = start
    }
    const bytes = encoder.encode(text)
    this.head(TEXT, bytes.length)
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0) this.head(UNSIGNED, value)
      else this.head(NEGATIVE, -1 - value)
      return
    }
    this.reserve(9)
    this.buffer[this.at] = FLOAT_64
    this.view.setFloat64(this.at + 1, value)
    this.at += 9
  }

  private head(type: number, count: number): void {
    this.reserve(9)
    const { buffer, view } = this
    if (count < 24) buffer[this.at++] = type | count
    else if (count < 0x100) {
      buffer[this.at++] = type | 24
      buffer[this.at++] = count
    } else if (count < 0x1_0000) {
      buffer[this.at] = type | 25
      view.setUint16(this.at + 1, count)
      this.at += 3
    } else if (count < 0x1_0000_0000) {
      buffer[this.at] = type | 26
      view.setUint32(this.at + 1, count)
      this.at += 5
    } else {
      buffer[this.at] = type | 27
      view.setUint32(this.at + 1, Math.floor(count / 0x1_0000_0000))
      view.setUint32(this.at + 5, count % 0x1_0000_0000)
      this.at += 9
    }
  }

  private byte(value: number): void {
    this.reserve(1)
    this.buffer[this.at++] = value
  }

  private reserve(length: number): void {
    const needed = this.at + length
    if (needed <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.buffer.length))
    larger.set(this.buffer.subarray(0, this.at))
    this.buffer = larger
    this.view = new DataView(larger.buffer)
  }
}

/**
 * The one value that `bytes` hold. Byte strings in it are copies.
 * @throws when they hold anything else, more than 4,000,000 values, or more than 64 levels of them.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  // A Buffer's `slice` is a view.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return decode(plain, { ...READING, tokenizer: new WholeTexts(plain, READING) })
}

/** cborg drops a U+FEFF at the start of a text, and this does not. It counts what it reads. */
class WholeTexts extends Tokenizer {
  private values = 0
  /** For each list or object around: how many values are still to come. */
  private readonly around: number[] = []

  override next(): Token {
    const token = super.next()
    if (++this.values > MOST_VALUES) throw tooMuch(`there are more than ${MOST_VALUES} values`)
    this.count(token)
    if (token.type === Type.string && token.byteValue !== undefined) token.value = decodeText(token.byteValue)
    return token
  }

  private count({ type, value }: Token): void {
    const { around } = this
    if (around.length > 0) around[around.length - 1]!--
    const inside = type === Type.array ? Number(value) : type === Type.map ? 2 * Number(value) : 0
    // Each value takes a byte, so a list that is longer than all of the bytes is none.
    if (inside > this.data.length) throw tooMuch('a list or an object is longer than the bytes')
    if (inside > 0 && around.push(inside) > DEEPEST) throw tooMuch(`values lie more than ${DEEPEST} levels deep`)
    while (around.at(-1) === 0) around.pop()
  }
}

function tooMuch(what: string): Error {
  return new Error(`CBOR decode error: ${what}`)
}
