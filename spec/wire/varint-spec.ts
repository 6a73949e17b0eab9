import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { addByte, BROKEN, CUT, encodeVarint, readVarint, varintLength } from '../../src/wire/varint.js'
import { varint } from '../support/session.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The number in these bytes, and where the next one would begin. */
function read(bytes: Uint8Array): { value: number; at: number } {
  const cursor = { bytes, at: 0, end: bytes.length }
  return { value: readVarint(cursor), at: cursor.at }
}

/** The same, byte by byte. */
function readByBytes(bytes: Iterable<number>, most: number): number {
  const partial = { value: 0, size: 0 }
  for (const byte of bytes) {
    const value = addByte(partial, byte, most)
    if (value !== CUT) return value
  }
  return CUT
}

/** 2^31, 2^32 and the like are where shifts go wrong. */
const numbers = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.integer({ min: 0, max: 52 }).map((bit) => 2 ** bit),
)

describe('a varint', () => {
  it('is the bytes of the published examples', () => {
    expect([1, 127, 128, 255, 300, 16_384].map((value) => hex(encodeVarint(value)))).toEqual([
      '01',
      '7f',
      '8001',
      'ff01',
      'ac02',
      '808001',
    ])
  })

  it('takes as many bytes as it says, and comes back, whole or byte by byte, up to 2^53 - 1', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        const bytes = encodeVarint(value)
        expect(bytes.length).toBe(varintLength(value))
        expect(read(Uint8Array.of(...bytes, 7))).toEqual({ value, at: bytes.length })
        expect(readByBytes(bytes, 8)).toBe(value)
      }),
    )
  })

  it('is broken when it is larger than 2^53 - 1', () => {
    expect(read(varint(2n ** 53n - 1n)).value).toBe(Number.MAX_SAFE_INTEGER)
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 56n - 1n, 2n ** 56n, 2n ** 63n]) {
      expect(read(varint(value)).value).toBe(BROKEN)
    }
  })

  it.each([[[0x80, 0x00]], [[0xff, 0x80, 0x00]]])('is broken when it is longer than need be: %p', (bytes) => {
    expect(read(Uint8Array.from(bytes)).value).toBe(BROKEN)
    expect(readByBytes(bytes, 9)).toBe(BROKEN)
  })

  it('is cut where its bytes end before it does', () => {
    for (const bytes of [[], [0x80], [0xff, 0xff, 0xff]]) {
      expect(read(Uint8Array.from(bytes)).value).toBe(CUT)
      expect(readByBytes(bytes, 9)).toBe(CUT)
    }
    const cursor = { bytes: Uint8Array.of(0x80, 0x01), at: 0, end: 1 }
    expect(readVarint(cursor)).toBe(CUT)
  })

  it('that comes byte by byte may have a limit, and the next one begins anew', () => {
    expect(readByBytes([0x80, 0x80, 0x80, 0x01], 3)).toBe(BROKEN)
    expect(readByBytes([0x80, 0x80, 0x01], 3)).toBe(16_384)
    const partial = { value: 0, size: 0 }
    expect([0x81, 0x01, 0x05, 0x82, 0x01].map((byte) => addByte(partial, byte, 3))).toEqual([CUT, 129, 5, CUT, 130])
    expect(partial).toEqual({ value: 0, size: 0 })
  })
})
