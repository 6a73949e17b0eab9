import { describe, expect, it } from '@jest/globals'
import { decode, encode } from 'cborg'
import fc from 'fast-check'
import { CborWriter, decodeCbor } from '../../src/recording/cbor.js'

function encodeCbor(value: unknown): Uint8Array {
  const writer = new CborWriter()
  writer.write(value)
  return writer.take()
}

const key = fc.string().filter((name) => name !== '__proto__')

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.maxSafeInteger(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { noNullPrototype: true }),
  ),
})).value

/** At the start of a text, cborg takes it for a mark of the byte order, and drops it. */
const MARK = '\uFEFF'

describe('CBOR', () => {
  it.each([MARK, `${MARK}${MARK}a`, `${MARK}${'é'.repeat(200)}`])('keeps the first character of %j', (text) => {
    const value = { [text]: [text, text] }
    expect(decodeCbor(encodeCbor(value))).toEqual(value)
    expect(decodeCbor(Buffer.from(encodeCbor(value)))).toEqual(value)
  })

  it('gives back the plain data that it took', () => {
    fc.assert(fc.property(plain, (value) => expect(decodeCbor(encodeCbor(value))).toEqual(value)))
  })

  it('keeps a key that is called as the prototype is, as a key', () => {
    const value = JSON.parse('{"a":{"__proto__":{"b":1}}}') as { a: object }
    const read = decodeCbor(encodeCbor(value)) as typeof value
    expect(Object.entries(read.a)).toEqual([['__proto__', { b: 1 }]])
    expect(Object.getPrototypeOf(read.a)).toBe(Object.prototype)
    expect(JSON.stringify(read)).toBe(JSON.stringify(value))
  })

  it('is read by cborg as it is, and reads what that writes', () => {
    fc.assert(
      fc.property(plain, (value) => {
        fc.pre(!JSON.stringify([value]).includes(`"${MARK}`))
        expect(decode(encodeCbor(value))).toEqual(value)
        expect(decodeCbor(encode(value, { float64: true }))).toEqual(decode(encode(value)))
      }),
    )
  })

  it.each<[unknown, string]>([
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [-1, '20'],
    [-1_000, '3903e7'],
    [1.1, 'fb3ff199999999999a'],
    [-0, 'fb8000000000000000'],
    ['IETF', '6449455446'],
    ['\u6c34', '63e6b0b4'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    [{ b: [2, 3], a: undefined }, 'a2616282020361' + '61f7'],
    [[false, true, null], '83f4f5f6'],
  ])('writes %p as RFC 8949 has it: %s', (value, hex) => {
    expect(Buffer.from(encodeCbor(value)).toString('hex')).toBe(hex)
  })

  it('makes plain byte arrays of buffers, and copies them', () => {
    const bytes = Buffer.from('abc')
    const decoded = decodeCbor(encodeCbor(bytes)) as Uint8Array
    expect(decoded.constructor.name).toBe('Uint8Array')
    expect(decoded.buffer.byteLength).toBe(3)
  })

  it.each([() => 1, new Map(), new Error('no'), 1n, new Date(), Symbol('s'), new Uint16Array(2)])(
    'refuses what is not plain data: %p',
    (value) => {
      expect(() => encodeCbor({ value })).toThrow(TypeError)
    },
  )

  it('begins anew after a value that it refused', () => {
    const writer = new CborWriter()
    expect(() => writer.write(['much', () => 1])).toThrow(TypeError)
    writer.clear()
    writer.write('next')
    expect(decodeCbor(writer.take())).toBe('next')
  })

  it('keeps large values apart from those that follow', () => {
    const writer = new CborWriter()
    writer.write(new Uint8Array(100_000).fill(1))
    const large = writer.take()
    writer.write(new Uint8Array(100_000).fill(2))
    writer.take()
    expect(decodeCbor(large)).toEqual(new Uint8Array(100_000).fill(1))
  })

  it.each([
    '',
    '18',
    '4401',
    '8201',
    'a10001',
    'c000',
    '9fff',
    '0000',
    'f0',
    '1b00',
    'fb00',
    '81' + '9bffffffffffffffff',
    '5b001fffffffffffff',
    '9b001fffffffffffff',
    '1bffffffffffffffff',
    'bf6161ff',
  ])('throws at bytes that it would not write: %s', (hex) => {
    expect(() => decodeCbor(new Uint8Array(Buffer.from(hex, 'hex')))).toThrow(/./)
  })

  it('throws at what lies deeper than 64 levels, before the stack ends', () => {
    const nested = (levels: number): Uint8Array => Uint8Array.from([...Array<number>(levels).fill(0x81), 0])
    expect(() => decodeCbor(nested(64))).not.toThrow()
    expect(() => decodeCbor(nested(65))).toThrow('more than 64 levels deep')
    expect(() => decodeCbor(new Uint8Array(1_000_000).fill(0x81))).toThrow('more than 64 levels deep')
  })

  it('counts what is in lists and objects, so many values next to each other are not deep', () => {
    const value = Array.from({ length: 200 }, (_, i) => ({ [`${i}`]: [i, []], empty: {}, list: [[i], [{}]] }))
    const writer = new CborWriter()
    writer.write(value)
    expect(decodeCbor(writer.take())).toEqual(value)
  })

  it('throws at a list or an object that says to be longer than all of the bytes, and reads none of it', () => {
    for (const head of [0x9a, 0xba]) {
      expect(() => decodeCbor(Uint8Array.of(head, 0x7f, 0xff, 0xff, 0xff, 0))).toThrow('longer than the bytes')
    }
  })

  it('throws at more than 4,000,000 values: a byte may become an object of fifty', () => {
    const bytes = new Uint8Array(4_000_005).fill(0xa0)
    bytes.set([0x9a, 0x00, 0x3d, 0x09, 0x00])
    expect(() => decodeCbor(bytes)).toThrow('more than 4000000 values')
  })

  it('throws, and does nothing else, at any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeCbor(bytes)
        } catch (error) {
          expect(String(error)).toMatch(/^Error: CBOR decode error: ./)
        }
      }),
    )
  })
})
