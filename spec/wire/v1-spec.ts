import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameProgress } from '../../src/wire/v1.js'
import { encodeVarint } from '../../src/wire/varint.js'

function join(chunks: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks))
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...[...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.slice(at[i], end))
}

function readAll(chunks: Uint8Array[], limit: number): { progress: FrameProgress; payload?: Uint8Array } {
  const reader = createFrameReader(limit)
  let progress: FrameProgress = 'more'
  for (const chunk of chunks) {
    progress = readFrame(reader, chunk)
    if (progress !== 'more' && progress !== 'done') return { progress }
  }
  return progress === 'done' ? { progress, payload: takePayload(reader) } : { progress }
}

describe('a version-1 frame', () => {
  it('comes back whole, wherever its bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 10_000 }), fc.array(fc.nat(), { maxLength: 50 }), (payload, places) => {
        const { payload: back } = readAll(cut(join(encodeFrame(payload)), places), 10_000)
        expect(back).toEqual(payload)
      }),
    )
  })

  it('comes back whole when every byte comes alone', () => {
    const payload = Uint8Array.from({ length: 40_000 }, (_, i) => i % 251)
    const frame = join(encodeFrame(payload))
    const chunks = Array.from(frame, (byte) => new Uint8Array([byte]))
    expect(readAll(chunks, 40_000).payload).toEqual(payload)
  })

  it('may be empty', () => {
    expect(join(encodeFrame(new Uint8Array()))).toEqual(new Uint8Array([0]))
    expect(readAll([new Uint8Array([0])], 0)).toEqual({ progress: 'done', payload: new Uint8Array() })
  })

  it('is refused as soon as it declares more than the limit, and nothing is allocated for it', () => {
    const reader = createFrameReader(100)
    expect(readFrame(reader, encodeVarint(101))).toBe('tooLarge')
    expect(readFrame(createFrameReader(100), encodeVarint(Number.MAX_SAFE_INTEGER))).toBe('tooLarge')
    // 2^53 and 2^62, which no number of ours can hold exactly.
    expect(readFrame(createFrameReader(100), new Uint8Array([128, 128, 128, 128, 128, 128, 128, 16]))).toBe('tooLarge')
    expect(readFrame(createFrameReader(100), new Uint8Array([128, 128, 128, 128, 128, 128, 128, 128, 64]))).toBe(
      'tooLarge',
    )
    expect(reader.payload.bytes).toBeUndefined()
  })

  it('is taken at exactly the limit', () => {
    const payload = new Uint8Array(100).fill(3)
    expect(readAll(encodeFrame(payload), 100).payload).toEqual(payload)
  })

  it('is malformed when its length never ends, or is written longer than need be', () => {
    expect(readAll([new Uint8Array(20).fill(0xff)], 100).progress).toBe('malformed')
    expect(readAll([new Uint8Array([0x80, 0x00])], 100).progress).toBe('malformed')
    expect(readAll([new Uint8Array([0x81, 0x00])], 100).progress).toBe('malformed')
  })

  it('has no bytes after its end', () => {
    expect(readAll([new Uint8Array([1, 7, 8])], 100).progress).toBe('excess')
    expect(readAll([new Uint8Array([1, 7]), new Uint8Array([8])], 100).progress).toBe('excess')
    expect(readAll([new Uint8Array([0, 0])], 100).progress).toBe('excess')
  })

  it('ends in one of its outcomes, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
        const reader = createFrameReader(64)
        for (const chunk of chunks) {
          const progress = readFrame(reader, chunk)
          expect(reader.payload.received).toBeLessThanOrEqual(64)
          if (progress !== 'more') return
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('copies a small payload out of its network buffer and leaves a large one where it is', () => {
    const small = createFrameReader(100_000)
    const slab = new Uint8Array(65_536)
    slab[0] = 3
    readFrame(small, slab.subarray(0, 4))
    expect(takePayload(small).buffer).not.toBe(slab.buffer)
    const large = createFrameReader(100_000)
    const size = slab.length / 2
    readFrame(large, encodeVarint(size))
    readFrame(large, slab.subarray(0, size))
    expect(takePayload(large).buffer).toBe(slab.buffer)
  })

  it('keeps nothing but the payload of a peer that sends single bytes', () => {
    const reader = createFrameReader(100_000)
    readFrame(reader, encodeVarint(50_000))
    for (let i = 0; i < 50_000; i++) readFrame(reader, new Uint8Array([i]))
    expect(reader.payload.bytes?.buffer.byteLength).toBe(50_000)
  })
})
