/** The frame of a typed request: golden bytes, and what is no such frame. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decodeCall, encodeCall } from '../../src/protocol/frame.js'

const name = fc.stringMatching(/^[ -~]{1,255}$/)

describe('a typed request', () => {
  it('is the length of its name, its name and its value', () => {
    const frame = encodeCall('chain/tip', Uint8Array.of(1, 2))
    expect(Buffer.from(frame).toString('hex')).toBe(`09${Buffer.from('chain/tip').toString('hex')}0102`)
    expect(
      Buffer.from(encodeCall('x'.repeat(200), new Uint8Array()))
        .subarray(0, 3)
        .toString('hex'),
    ).toBe('c80178')
  })

  it('comes out as it went in', () => {
    fc.assert(
      fc.property(name, fc.uint8Array(), (text, body) => {
        expect(decodeCall(encodeCall(text, body))).toEqual({ name: text, body })
      }),
    )
  })

  it.each<[string, number[]]>([
    ['no bytes', []],
    ['an empty name', [0, 1, 2]],
    ['a name that is cut', [5, 97, 98]],
    ['half a length', [0x80]],
    ['a length that is not minimal', [0x81, 0x00, 97]],
    ['a name that is too long', [0x80, 0x02, ...new Array<number>(300).fill(97)]],
    ['a long varint', [0xff, 0xff, 0xff, 0x01, 97]],
  ])('is not %s', (_what, frame) => {
    expect(decodeCall(Uint8Array.from(frame))).toBeUndefined()
  })

  it('of any bytes is read without an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (frame) => void decodeCall(frame)))
  })
})
