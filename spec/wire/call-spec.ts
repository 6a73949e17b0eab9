/** The frame of a typed request: golden bytes, and what is no such frame. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decodeCall, encodeCall } from '../../src/wire/call.js'

const protocol = fc.stringMatching(/^[ -~]{0,100}$/)
const method = fc.stringMatching(/^[ -.0-~]{1,100}$/)

/** Of the protocol of this name. */
function callOf(name: string, frame: Uint8Array): { method: string; body: Uint8Array } | undefined {
  const call = decodeCall(frame)
  return call?.protocol === name ? { method: call.method, body: call.body } : undefined
}

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
      fc.property(protocol, method, fc.uint8Array(), (name, called, body) => {
        expect(callOf(name, encodeCall(`${name}/${called}`, body))).toEqual({ method: called, body })
      }),
    )
  })

  it.each(['chain', 'chain/tip', 'a', '', 'a/chai'])('of a/chain is none of %j', (other) => {
    const call = encodeCall('a/chain/tip', Uint8Array.of(1))
    expect(callOf('a/chain', call)).toBeDefined()
    expect(callOf(other, call)).toBeUndefined()
  })

  it('of another name is none of ours, by so little as a mark of the byte order', () => {
    const name = Buffer.from('\uFEFFa/chain/tip')
    expect(callOf('a/chain', Buffer.concat([Buffer.of(name.length), name]))).toBeUndefined()
  })

  it('without a slash is of no protocol, and one of no name has a slash', () => {
    expect(callOf('', encodeCall('tip', new Uint8Array()))).toBeUndefined()
    expect(callOf('', encodeCall('/tip', new Uint8Array()))).toMatchObject({ method: 'tip' })
  })

  it.each<[string, number[]]>([
    ['no bytes', []],
    ['an empty name', [0, 47, 47]],
    ['a name that is cut', [5, 47, 97]],
    ['half a length', [0x80]],
    ['a length that is not minimal', [0x82, 0x00, 47, 97]],
    ['a name that is too long', [0x80, 0x02, ...new Array<number>(300).fill(47)]],
    ['a long varint', [0xff, 0xff, 0xff, 0x01, 47, 97]],
  ])('is not %s', (_what, frame) => {
    expect(callOf('', Uint8Array.from(frame))).toBeUndefined()
  })

  it('of any bytes is read without an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (frame) => void callOf('', frame)))
  })
})
