import { describe, expect, it } from '@jest/globals'
import { digestOf } from '../../src/recording/digest.js'

describe('the digest of a state', () => {
  it('is the same on every machine and Node version', () => {
    const state = {
      text: 'é"\n',
      numbers: [0, -1, 1.5, 1e21, Infinity],
      bytes: Uint8Array.of(1, 2, 3),
      map: new Map([['a', new Set([1, 2])]]),
      nothing: null,
    }
    expect(digestOf(state)).toBe('c692ecadf6feb673')
  })

  it('does not see the order of keys, nor a key without a value', () => {
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, c: undefined, a: 1 }))
  })

  it('sees the order of maps and sets, because the core goes by it', () => {
    expect(digestOf(new Map([[1, 1], [2, 2]]))).not.toBe(digestOf(new Map([[2, 2], [1, 1]]))) // prettier-ignore
    expect(digestOf(new Set([1, 2]))).not.toBe(digestOf(new Set([2, 1])))
  })

  it.each([
    [{ a: '1' }, { a: 1 }],
    [{ a: [] }, { a: {} }],
    [{ a: new Set() }, { a: new Map() }],
    [{ a: ['1,2'] }, { a: ['1', '2'] }],
    [{ a: Uint8Array.of(1) }, { a: Uint8Array.of(2) }],
    [{ a: null }, { a: undefined }],
  ])('tells %p from %p', (one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other))
  })

  it('can go by the lengths of bytes alone', () => {
    const lengthsOnly = { lengthsOnly: true }
    expect(digestOf({ a: Uint8Array.of(1) }, lengthsOnly)).toBe(digestOf({ a: Uint8Array.of(2) }, lengthsOnly))
    expect(digestOf({ a: Uint8Array.of(1) }, lengthsOnly)).not.toBe(digestOf({ a: Uint8Array.of(1, 1) }, lengthsOnly))
  })
})
