import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Lengths } from '../../src/wire/lengths.js'
import { writeVarint } from '../../src/wire/varint.js'
import { join } from '../support/bytes.js'

/** A message with its length. */
function prefixed(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(9)
  return join(length.subarray(0, writeVarint(bytes.length, length, 0)), bytes)
}

describe('lengths', () => {
  it('that are good are skipped with their messages, in whatever pieces they come', () => {
    const message = fc.uint8Array({ maxLength: 1_024 })
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 300 })),
        (all, sizes) => {
          const bytes = join(...all.map(prefixed))
          const lengths = new Lengths(1_024)
          for (let at = 0; at < bytes.length;) {
            const { value: size } = sizes.next() as { value: number }
            expect(lengths.read(bytes.subarray(at, at + size))).toBe(-1)
            at += size
          }
        },
      ),
    )
  })

  it.each<[string, number[], number]>([
    ['is too large', [3, 1, 2, 3, 0x81, 0x08], 5],
    ['is far too large', [0xff, 0xff, 0xff, 0x7f], 1],
    ['has no end', [0x80, 0x80, 0x80, 0x80], 1],
  ])('are read as far as none %s', (_, bytes, at) => {
    const lengths = new Lengths(1_024)
    expect(lengths.read(Uint8Array.from(bytes))).toBe(at)
    // The same once more: nothing of it was read.
    expect(lengths.read(Uint8Array.from(bytes.slice(at)))).toBe(0)
  })

  it('that were too large are read on when they may be larger', () => {
    const message = prefixed(new Uint8Array(2_000))
    const lengths = new Lengths(1_024)
    const at = lengths.read(message)
    lengths.most = 8_192
    expect(lengths.read(message.subarray(at))).toBe(-1)
    expect(lengths.read(Uint8Array.of(2, 1, 1, 0x80, 0x80, 0x80))).toBe(4)
  })
})
