import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FrameFlag, FrameType, YamuxReader, type See } from '../../src/wire/yamux.js'

const { DATA, WINDOW, UNKNOWN } = FrameType
const { SYN, FIN } = FrameFlag

interface Frame {
  type: number
  flags: number
  stream: number
  length: number
}

function encode({ type, flags, stream, length }: Frame): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(stream, 4)
  header.writeUInt32BE(length, 8)
  return type === DATA ? Buffer.concat([header, Buffer.alloc(length, stream)]) : header
}

/** Of each stream what was said: its bytes, and its other frames; one long frame is the same as several. */
function meaning(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  const said: string[] = []
  for (let at = 0; at < buffer.length;) {
    const [type, flags, stream, length] = [
      buffer[at + 1]!,
      buffer.readUInt16BE(at + 2),
      buffer.readUInt32BE(at + 4),
      buffer.readUInt32BE(at + 8),
    ]
    at += 12
    if (type !== DATA) said.push(`${type} ${flags} ${stream} ${length}`)
    else {
      if ((flags & 3) !== 0) said.push(`${stream} opens ${flags & 3}`)
      const body = buffer.toString('hex', at, at + length)
      if (said.at(-1)?.startsWith(`${stream}: `) === true) said.push(said.pop()! + body)
      else if (length > 0) said.push(`${stream}: ${body}`)
      if ((flags & 12) !== 0) said.push(`${stream} ends ${flags & 12}`)
      at += length
    }
  }
  return said
}

function split(bytes: Uint8Array, sizes: number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

const frames = fc.array(
  fc.record({
    type: fc.constantFrom(0, 0, 1, 2, 3),
    flags: fc.nat(15),
    stream: fc.constantFrom(0, 1, 2, 255, 2 ** 31, 2 ** 32 - 1),
    length: fc.oneof(fc.nat(30), fc.nat(3_000)),
  }),
  { maxLength: 8 },
)
const long = { type: DATA, flags: SYN | FIN, stream: 3, length: 70_000 }

/** All that is handed on, and the frames that were seen. */
function readAll(chunks: Uint8Array[], see: See = () => 'take'): { out: Buffer; seen: Frame[] } {
  const reader = new YamuxReader()
  const out: Uint8Array[] = []
  const seen: Frame[] = []
  for (const chunk of chunks) {
    // Those that have to wait come again.
    for (let at = 0; at < chunk.length;) {
      at += reader.read(chunk.subarray(at), out, (type, flags, stream, length) => {
        const step = see(type, flags, stream, length)
        if (step === 'take') seen.push({ type, flags, stream, length })
        return step
      })
    }
  }
  return { out: Buffer.concat(out), seen }
}

describe('a reader of Yamux', () => {
  it('sees each frame and hands on every byte, however they are split', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }), (all, sizes) => {
        const bytes = Buffer.concat(all.map(encode))
        const { out, seen } = readAll(split(bytes, sizes))
        expect(seen).toEqual(all)
        expect(meaning(out)).toEqual(meaning(bytes))
        if (all.every(({ flags }) => (flags & SYN) === 0)) expect(out.equals(bytes)).toBe(true)
      }),
    )
  })

  it.each([1_000, 70_000])('opens a stream as soon as the header is there (of %p bytes)', (length) => {
    const opening = encode({ ...long, length })
    for (const size of [12, 13, 500]) {
      const { out } = readAll([opening.subarray(0, size)])
      expect(meaning(out.subarray(0, 12))).toEqual(['3 opens 1'])
      expect(out.readUInt16BE(2)).toBe(SYN)
      expect(out.readUInt32BE(8)).toBe(0)
    }
    const { out } = readAll([opening.subarray(0, 5), opening.subarray(5, 12), opening.subarray(12)])
    expect(meaning(out)).toEqual(meaning(opening))
  })

  it('hands a chunk on as it is', () => {
    const bytes = Buffer.concat([long, { ...long, length: 5 }].map(encode))
    const out: Uint8Array[] = []
    new YamuxReader().read(bytes, out, () => 'take')
    expect(out).toEqual([bytes])
    expect(out[0]).toBe(bytes)
  })

  it('hands a long frame on in pieces, which mean the same', () => {
    const bytes = Buffer.concat([{ ...long, length: 3 }, long, { ...long, type: WINDOW }].map(encode))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 4 }), (sizes) => {
        // Not byte by byte: each piece has a header.
        fc.pre(Math.max(...sizes) > 1_000)
        const { out } = readAll(split(bytes, sizes))
        expect(meaning(out)).toEqual(meaning(bytes))
      }),
      { numRuns: 20 },
    )
  })

  it('hands on of a long frame what there is', () => {
    const { out } = readAll([encode({ ...long, flags: FIN }).subarray(0, 100)])
    expect(out.length).toBe(100)
    expect(out.readUInt32BE(8)).toBe(88)
    // The end comes with the last piece.
    expect(out.readUInt16BE(2)).toBe(0)
  })

  it('stops before a frame that is not taken, and asks for it again', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 50 }), (all, size) => {
        let turn = 0
        const bytes = Buffer.concat(all.map(encode))
        const { out, seen } = readAll(split(bytes, [size]), () => (turn++ % 3 === 0 ? 'wait' : 'take'))
        expect(seen).toEqual(all)
        expect(meaning(out)).toEqual(meaning(bytes))
      }),
    )
  })

  it('hands nothing on of what it stops at', () => {
    const bytes = Buffer.concat([encode({ ...long, length: 4 }), encode({ ...long, stream: 5, length: 4 })])
    const out: Uint8Array[] = []
    const read = new YamuxReader().read(bytes, out, (_type, _flags, stream) => (stream === 5 ? 'end' : 'take'))
    expect(read).toBe(16)
    expect(Buffer.concat(out).equals(bytes.subarray(0, 16))).toBe(true)
  })

  it('knows one version', () => {
    const bytes = encode({ ...long, length: 0 })
    bytes[0] = 1
    expect(readAll([bytes]).seen).toMatchObject([{ type: UNKNOWN }])
  })
})
