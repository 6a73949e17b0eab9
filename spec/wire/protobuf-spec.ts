/** What is looked at of messages of protocol buffers before they are decoded. */
import { describe, expect, it } from '@jest/globals'
import { bytes, checkFields, many, number, one, type Fields } from '../../src/wire/protobuf.js'
import { count, field } from '../hostile/tools/protobuf.js'
import { join } from '../support/bytes.js'

const WORD: Fields = { 1: number, 2: bytes }
const FIELDS: Fields = { 1: many(WORD), 2: one(WORD), 3: bytes, 4: many() }

const nothing = new Uint8Array()

function times(amount: number, piece: Uint8Array): Uint8Array {
  return join(...Array.from({ length: amount }, () => piece))
}

/** A field of no kind that a decoder of ours knows, with this tag. */
function tagged(...all: number[]): Uint8Array {
  return Uint8Array.from(all)
}

describe('the fields of a message', () => {
  const taken: [string, Uint8Array][] = [
    ['nothing', nothing],
    ['each once', join(field(1, count(1, 1)), field(2, count(1, 1)), field(3, 'a'), field(4, 'b'))],
    ['those that may be many, many times', times(99, field(4, 'a'))],
    ['others that are newer, a few times', times(16, field(99, 'a'))],
    ['newer ones in each of many parts', times(20, field(1, times(4, field(9, 'a'))))],
    ['bytes that look like a message', field(3, times(1_000, field(1, nothing)))],
    ['a number of ten bytes that nobody knows', tagged(0x78, ...Array<number>(9).fill(0xff), 0x01)],
    ['a length that is not minimal', tagged(0x22, 0x81, 0x00, 0x61)],
    ['numbers of eight and of four bytes', tagged(0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4)],
  ]
  it.each(taken)('are taken: %s', (_, message) => {
    expect(() => checkFields(message, FIELDS, 100)).not.toThrow()
  })

  const refused: [string, Uint8Array, string][] = [
    ['one that may be there once, again and again', times(17, field(3, nothing)), 'again and again'],
    ['the same in a part', field(1, times(17, field(2, nothing))), 'again and again'],
    ['the same in a part of a part that is said once', field(2, times(17, count(1, 1))), 'again and again'],
    ['a part that may be there once, again and again', times(17, field(2, nothing)), 'again and again'],
    ['newer ones, again and again', times(17, field(99, nothing)), 'again and again'],
    ['too many of those that may be many', times(101, field(4, nothing)), 'too many'],
    ['too many in parts', times(10, field(1, times(10, field(2, nothing)))), 'too many'],
    ['a field of another kind, as a decoder would not see', count(3, 1), 'another kind'],
    ['a number that is bytes in a part', field(1, field(1, 'a')), 'another kind'],
    [
      'a number that is known, of six bytes',
      field(1, tagged(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)),
      'does not end',
    ],
    ['groups', tagged(0x7b, 0x7c), 'cannot be read'],
    ['a field that is longer than its message', tagged(0x1a, 5, 0x61), 'cut'],
    ['… than its part', join(tagged(0x0a, 2, 0x12, 5), new Uint8Array(9)), 'cut'],
    ['a tag that does not end', tagged(0x80), 'does not end'],
    ['a tag of six bytes', tagged(0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00), 'does not end'],
  ]
  it.each(refused)('are refused: %s', (_, message, why) => {
    expect(() => checkFields(message, FIELDS, 100)).toThrow(why)
  })
})
