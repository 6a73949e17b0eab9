import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decodeText, isWellFormed, printable } from '../../src/wire/text.js'

const GONE = '\ufffd'

describe('a text', () => {
  it('is one that bytes can say, or has half of a character', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), (units) => {
        const text = String.fromCharCode(...units)
        expect(isWellFormed(text)).toBe(decodeText(new TextEncoder().encode(text)) === text)
      }),
    )
    expect(['', 'a😀', '\ud83d', '\ude00', 'a\ude00\ud83d'].map(isWellFormed)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('a text that is shown', () => {
  it.each([
    ['escapes of terminals', '\x1b[2J\x1b]0;root\x07', `${GONE}[2J${GONE}]0;root${GONE}`],
    ['C1 controls, which some terminals take for escapes', '\x9b31m\x85', `${GONE}31m${GONE}`],
    ['ends of lines and tabs', 'a\r\nb\tc\vd', `a${GONE}${GONE}b${GONE}c${GONE}d`],
    ['DEL and NUL', 'a\x7f\0', `a${GONE}${GONE}`],
    ['marks of direction', 'a\u202eb\u202a\u2066c\u2069\u200f\u061c', `a${GONE}b${GONE}${GONE}c${GONE}${GONE}${GONE}`],
    ['separators of lines and paragraphs', 'a\u2028b\u2029', `a${GONE}b${GONE}`],
    ['halves of pairs', 'a\ud83d b\udca9', `a${GONE} b${GONE}`],
    ['what cannot be seen', 'a\u200bb\ufeff\u{e0041}', `a${GONE}b${GONE}${GONE}`],
  ])('is without %s', (_what, text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('keeps letters of all languages, and emoji', () => {
    const text = 'Zoë, 北京, שלום, नमस्ते, 💩 ❌ a\u0301 ¿?'
    expect(printable(text)).toBe(text)
  })

  it('is cut where that is asked for, and not in the middle of a pair', () => {
    expect(printable('abcdef', 4)).toBe('abc…')
    expect(printable('abcd', 4)).toBe('abcd')
    expect(printable('ab💩d', 4)).toBe(`ab${GONE}…`)
  })

  it('has no such character, whatever it was, and showing it again changes nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(50), (bytes, most) => {
        const shown = printable(decodeText(bytes), most + 1)
        // eslint-disable-next-line no-control-regex
        expect(shown).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/)
        expect(shown.length).toBeLessThanOrEqual(most + 1)
        expect(printable(shown)).toBe(shown)
      }),
    )
  })
})
