/** Codecs by themselves: values to bytes and back, and what they refuse. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { bytes, codecOf, json, nothing, utf8, type Codec } from '../../src/protocol/codecs.js'
import { dateSchema, laterSchema } from '../support/schemas.js'
import { bytes as raw } from '../support/bytes.js'

async function around<T>(codec: Codec<T>, value: T): Promise<T> {
  return codec.decode(await codec.encode(value))
}

describe('codecs', () => {
  it('carry whatever they are for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.jsonValue(), async (data, text, value) => {
        expect(await around(bytes, data)).toEqual(data)
        expect(await around(utf8, text)).toBe(text)
        expect(await around(json(), value)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
    expect(await around(nothing, undefined)).toBeUndefined()
    expect(await around(json<string | undefined>(), undefined)).toBeUndefined()
    expect(await around(utf8, '\uFEFFmarked')).toBe('\uFEFFmarked')
    expect(await around(json<string>(), 'half \ud83d')).toBe('half \ud83d')
  })

  it('refuse what they are not for', () => {
    expect(() => bytes.encode('text' as never)).toThrow('must be a Uint8Array')
    expect(() => utf8.encode(7 as never)).toThrow('expected a text, not 7')
    expect(() => utf8.encode('half \ud83d')).toThrow('must be of whole characters')
    expect(() => json().encode(7n)).toThrow('BigInt')
    expect(() => json().encode(() => undefined)).toThrow('has no JSON')
    expect(() => utf8.decode(Uint8Array.of(0xff))).toThrow('not valid')
    expect(() => json().decode(Uint8Array.of(0xff))).toThrow('not valid')
    expect(() => json().decode(raw('{'))).toThrow('JSON')
    expect(() => nothing.decode(raw('x'))).toThrow('expected nothing, not 1 bytes')
  })

  it('of JSON take no prototype from a stranger', async () => {
    const value = (await json<object>().decode(raw('{"__proto__":{"admin":true}}'))) as { admin?: boolean }
    expect(value.admin).toBeUndefined()
  })
})

describe('a schema', () => {
  it('checks on both sides, and what the sender passes is what travels', async () => {
    const codec = codecOf(dateSchema)!
    const sent = await codec.encode('2026-11-24T00:00:00.000Z')
    expect(new TextDecoder().decode(sent)).toBe('"2026-11-24T00:00:00.000Z"')
    expect(await codec.decode(sent)).toEqual(new Date('2026-11-24T00:00:00.000Z'))
    expect(() => codec.encode('never')).toThrow('expected a date')
    expect(() => codec.decode(raw('"never"'))).toThrow('expected a date')
    expect(() => codec.decode(raw('7'))).toThrow('expected a date')
  })

  it('may take its time', async () => {
    const codec = codecOf(laterSchema)!
    expect(await codec.decode(await codec.encode('now'))).toBe('now')
    await expect(Promise.resolve(codec.encode(''))).rejects.toThrow('expected a text')
  })

  it('may be a function, as those of some libraries', async () => {
    const codec = codecOf(Object.assign(() => undefined, { '~standard': dateSchema['~standard'] }))!
    expect(await codec.encode('2026-11-24')).toHaveLength(12)
  })

  it('is no schema of another version, nor without a check', () => {
    for (const like of [
      undefined,
      null,
      7,
      'utf8',
      {},
      { '~standard': null },
      { '~standard': { version: 2, validate: () => ({ value: 1 }) } },
      { '~standard': { version: 1 } },
      { encode: () => new Uint8Array() },
    ]) {
      expect(codecOf(like)).toBeUndefined()
    }
  })
})
