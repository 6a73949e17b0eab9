import { describe, expect, it, test } from '@jest/globals'
import fc from 'fast-check'
import { SipHash, type SipRounds } from '../../src/wire/siphash.js'
import { readVectors } from './siphash-vectors.js'

const sip13 = { compression: 1, finalization: 3 }
const sip24 = { compression: 2, finalization: 4 }
const upTo = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)
const countingKey = upTo(16)

/** SipHash written as its paper has it, on 64-bit words: slow, and simple enough to trust. */
function reference({ compression, finalization }: SipRounds, key: Uint8Array, bytes: Uint8Array): bigint {
  const add = (a: bigint, b: bigint): bigint => BigInt.asUintN(64, a + b)
  const rotate = (a: bigint, by: bigint): bigint => BigInt.asUintN(64, a << by) | (a >> (64n - by))
  const padded = new Uint8Array((Math.floor(bytes.length / 8) + 1) * 8)
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length % 256
  const k0 = new DataView(key.buffer).getBigUint64(0, true)
  const k1 = new DataView(key.buffer).getBigUint64(8, true)

  let v0 = k0 ^ 0x736f6d6570736575n
  let v1 = k1 ^ 0x646f72616e646f6dn
  let v2 = k0 ^ 0x6c7967656e657261n
  let v3 = k1 ^ 0x7465646279746573n
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = add(v0, v1)
      v1 = rotate(v1, 13n) ^ v0
      v0 = rotate(v0, 32n)
      v2 = add(v2, v3)
      v3 = rotate(v3, 16n) ^ v2
      v0 = add(v0, v3)
      v3 = rotate(v3, 21n) ^ v0
      v2 = add(v2, v1)
      v1 = rotate(v1, 17n) ^ v2
      v2 = rotate(v2, 32n)
    }
  }
  for (let at = 0; at < padded.length; at += 8) {
    const word = new DataView(padded.buffer).getBigUint64(at, true)
    v3 ^= word
    rounds(compression)
    v0 ^= word
  }
  v2 ^= 0xffn
  rounds(finalization)
  return v0 ^ v1 ^ v2 ^ v3
}

describe('SipHash', () => {
  test.each([
    [0, 0x726fdb47dd0e0e31n],
    [15, 0xa129ca6149be45e5n],
  ])('gives the hash that its authors published for %d bytes', (length, hash) => {
    expect(new SipHash(sip24, countingKey).update(upTo(length)).digest()).toBe(hash)
  })

  test.each(readVectors('sip24'))('2-4 agrees with Rust for %d bytes', (length, hash) => {
    expect(new SipHash(sip24, countingKey).update(upTo(length)).digest().toString()).toBe(hash)
  })

  test.each(readVectors('sip13'))('1-3 without a key agrees with Rust for %d bytes', (length, hash) => {
    expect(new SipHash(sip13).update(upTo(length)).digest().toString()).toBe(hash)
  })

  it('equals a plain 64-bit implementation for any key, bytes and rounds, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.record({ compression: fc.integer({ min: 1, max: 4 }), finalization: fc.integer({ min: 1, max: 8 }) }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        (rounds, key, pieces) => {
          const hash = new SipHash(rounds, key)
          for (const piece of pieces) hash.update(piece)
          const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]))
          expect(hash.digest()).toBe(reference(rounds, Uint8Array.from(key), whole))
        },
      ),
    )
  })

  it('counts lengths modulo 256, as its last word does', () => {
    const bytes = new Uint8Array(1_000).fill(0xff)
    expect(new SipHash(sip13, countingKey).update(bytes).digest()).toBe(reference(sip13, countingKey, bytes))
  })
})
