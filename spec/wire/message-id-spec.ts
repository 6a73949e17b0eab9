import { describe, expect, it, test } from '@jest/globals'
import { messageId } from '../../src/wire/message-id.js'
import { readVectors } from './siphash-vectors.js'

describe('messageId', () => {
  it('is the id that the Rust tinyp2p logs for its example block', () => {
    expect(messageId(new TextEncoder().encode('Hello, a new block!'))).toBe('6538566873042680945')
  })

  test.each(readVectors('messageId'))('is the DefaultHasher of a Vec<u8> of %d bytes', (length, id) => {
    expect(messageId(Uint8Array.from({ length }, (_, i) => i))).toBe(id)
  })

  it('takes a view into a larger buffer for what it shows', () => {
    const buffer = new TextEncoder().encode('…Hello, a new block!…')
    expect(messageId(buffer.subarray(3, -3))).toBe('6538566873042680945')
  })
})
