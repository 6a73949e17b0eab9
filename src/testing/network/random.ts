/**
 * Random numbers from a seed: SplitMix32 to spread the seed, then sfc32 (Chris Doty-Humphrey's Small Fast Counting generator of
 * PractRand), in 32-bit integers only, so that the same seed gives the same numbers on every platform.
 */
import { fnvOfText } from '../../core/fnv.js'

export class Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number | string) {
    let state = hash32(String(seed))
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0
      let z = state ^ (state >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      return z ^ (z >>> 15)
    }
    this.a = next()
    this.b = next()
    this.c = next()
    for (let i = 0; i < 12; i++) this.uint32()
  }

  /** 0 … 2^32 - 1. */
  uint32(): number {
    const sum = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum
    this.c |= 0
    return sum >>> 0
  }

  /** 0 ≤ x < 1. */
  float(): number {
    return this.uint32() / 4_294_967_296
  }

  /** A whole number, 0 ≤ n < `bound`. */
  below(bound: number): number {
    return Math.floor(this.float() * bound)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() >>> 24
    return bytes
  }

  /** The same items in another order (Fisher–Yates), in a new array. */
  shuffle<T>(items: Iterable<T>): T[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const item = shuffled[i]!
      shuffled[i] = shuffled[j]!
      shuffled[j] = item
    }
    return shuffled
  }

  /** So many of the items, or all, in no order. Changes the order of the array that it is given. */
  some<T>(items: T[], amount: number): T[] {
    const count = Math.min(amount, items.length)
    for (let i = 0; i < count; i++) {
      const j = i + this.below(items.length - i)
      const item = items[i]!
      items[i] = items[j]!
      items[j] = item
    }
    items.length = count
    return items
  }
}

/** FNV-1a with a finishing mix, 32 bits. */
export function hash32(text: string): number {
  let hash = fnvOfText(text)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
