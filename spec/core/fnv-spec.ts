/** FNV-1a against the vectors of its authors. */
import { expect, it } from '@jest/globals'
import { fnvOfBytes, fnvOfText } from '../../src/core/fnv.js'
import { bytes } from '../support/bytes.js'

it.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('FNV-1a of "%s" is that of its authors, of a text and of bytes, in one piece or two', (text, hash) => {
  expect(fnvOfText(text) >>> 0).toBe(hash)
  expect(fnvOfBytes(bytes(text)) >>> 0).toBe(hash)
  expect(fnvOfBytes(bytes(text.slice(3)), fnvOfText(text.slice(0, 3))) >>> 0).toBe(hash)
})
