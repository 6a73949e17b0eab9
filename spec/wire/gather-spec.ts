import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { COPY_BELOW, createGathered, gather, copyIfSmall, takeGathered } from '../../src/wire/gather.js'
import { filled } from '../support/session.js'

/** Gathers `payload` in pieces of these sizes, again and again. */
function inPieces(payload: Uint8Array, sizes: number[]): ReturnType<typeof createGathered> {
  const gathered = createGathered()
  for (let at = 0, i = 0; at < payload.length; i++) {
    const size = Math.min(sizes[i % sizes.length]!, payload.length - at)
    gather(gathered, payload.slice(at, at + size), payload.length)
    at += size
  }
  return gathered
}

/** Bytes of memory behind what was gathered. */
function held({ bytes }: ReturnType<typeof createGathered>): number {
  return bytes?.buffer.byteLength ?? 0
}

describe('a payload in pieces', () => {
  it('comes back whole, whatever its pieces are', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 20_000 }))
    fc.assert(
      fc.property(fc.nat(60_000), fc.array(size, { minLength: 1, maxLength: 10 }), (total, sizes) => {
        const payload = filled(total, 3)
        const gathered = inPieces(payload, sizes)
        return gathered.received === total && Buffer.compare(takeGathered(gathered), payload) === 0
      }),
    )
  })

  it.each([[[1]], [[1, 2_048]], [[2_047, 2_048]], [[1, 16_384]], [[2_000, 15_000]]])(
    'holds no more memory than it has bytes, in pieces of %j',
    (sizes) => {
      const payload = filled(500_000)
      expect(held(inPieces(payload, sizes))).toBe(payload.length)
    },
  )

  it('holds at most twice what has come of it, beyond the first room, whatever its pieces are', () => {
    const size = fc.integer({ min: 1, max: 40_000 })
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 20 }), (sizes) => {
        const gathered = createGathered()
        for (const length of sizes) {
          gather(gathered, filled(length), 100_000_000)
          if (held(gathered) > Math.max(16_384, 2 * gathered.received)) return false
        }
        return true
      }),
    )
  })

  it('is copied anew only when it has doubled, so that small pieces of a large one cost little', () => {
    const gathered = createGathered()
    const rooms = new Set<unknown>()
    for (let i = 0; i < 1_000; i++) {
      gather(gathered, filled(1_000), 100_000_000)
      rooms.add(gathered.bytes)
    }
    // 16 KiB, and twice as much until it is a megabyte.
    expect(rooms.size).toBeLessThanOrEqual(7)
  })

  it('holds no more than there is room for', () => {
    const gathered = createGathered()
    for (let i = 0; i < 4; i++) gather(gathered, filled(16_000), 65_536)
    expect(held(gathered)).toBe(65_536)
  })

  it('costs nothing for what was only declared', () => {
    const gathered = createGathered()
    gather(gathered, new Uint8Array([1]), 1_000_000_000)
    expect(held(gathered)).toBeLessThanOrEqual(16_384)
  })

  it('does not grow by pieces without a byte', () => {
    const gathered = createGathered()
    for (let i = 0; i < 10_000; i++) gather(gathered, new Uint8Array(), 100)
    expect([held(gathered), gathered.received]).toEqual([0, 0])
  })

  it('keeps nothing of it once it is taken', () => {
    const gathered = inPieces(filled(5_000), [100])
    takeGathered(gathered)
    expect(held(gathered)).toBe(0)
  })

  it('is its own even if somebody writes into a small piece later', () => {
    const gathered = createGathered()
    const piece = new Uint8Array([1, 2])
    gather(gathered, piece, 4)
    piece.fill(9)
    gather(gathered, new Uint8Array([3, 4]), 4)
    expect(takeGathered(gathered)).toEqual(new Uint8Array([1, 2, 3, 4]))
  })
})

describe('a payload that came whole', () => {
  it.each([
    [3 * COPY_BELOW, COPY_BELOW - 1, true],
    [2 * COPY_BELOW, COPY_BELOW, false],
    [65_536, COPY_BELOW, true],
    [65_536, 32_767, true],
    [65_536, 32_768, false],
  ])('in a buffer of %i bytes, %i of them: is it a copy? %p', (length, size, isCopy) => {
    const chunk = filled(length)
    const payload = copyIfSmall(chunk, 5, 5 + size)
    expect(payload.buffer !== chunk.buffer).toBe(isCopy)
    expect(payload).toEqual(chunk.slice(5, 5 + size))
  })
})
