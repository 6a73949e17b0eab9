import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  ANNOUNCEMENT_BYTES,
  brokenAnnouncement,
  decodeAnnouncement,
  encodeAnnouncement,
  isAnnouncement,
  toHex,
} from '../../../src/wire/gossip/announcement.js'
import { filled, join } from '../../support/session.js'

const hash = filled(32)

describe('an announcement of a large message', () => {
  it('has these bytes', () => {
    const bytes = encodeAnnouncement({ hash, size: 0x01_0203_0405 })
    expect(toHex(bytes)).toBe(`9b1fe46a03d758c271ae0c953df842b6${toHex(hash)}000102030405`)
    expect(bytes).toHaveLength(ANNOUNCEMENT_BYTES)
  })

  it('comes back as it was', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 1, max: 2 ** 48 - 1 }),
        (one, size) => {
          const bytes = encodeAnnouncement({ hash: one, size })
          expect(isAnnouncement(bytes)).toBe(true)
          expect(decodeAnnouncement(bytes)).toEqual({ hash: one, size })
          // In the middle of something else, too.
          const inside = join(new Uint8Array(3), bytes).subarray(3)
          expect(decodeAnnouncement(inside)).toEqual({ hash: one, size })
        },
      ),
    )
  })

  it('keeps nothing of the bytes that it was read from', () => {
    const bytes = encodeAnnouncement({ hash, size: 1 })
    const read = decodeAnnouncement(bytes)!
    bytes.fill(0)
    expect(read.hash).toEqual(hash)
  })

  it('is broken when a byte is missing or too much, but it is one', () => {
    const bytes = encodeAnnouncement({ hash, size: 1 })
    for (const broken of [bytes.subarray(0, -1), join(bytes, new Uint8Array(1)), bytes.subarray(0, 16)]) {
      expect([isAnnouncement(broken), decodeAnnouncement(broken)]).toEqual([true, undefined])
    }
  })

  it('that is made broken is one of the wanted length, and says nothing', () => {
    const bytes = brokenAnnouncement(40)
    expect([bytes.length, isAnnouncement(bytes), decodeAnnouncement(bytes)]).toEqual([40, true, undefined])
    expect(bytes.subarray(16)).toEqual(new Uint8Array(24))
  })

  it('is none when one byte of its mark is another, or missing', () => {
    for (let at = 0; at < 16; at++) {
      const bytes = encodeAnnouncement({ hash, size: 1 })
      expect(isAnnouncement(bytes.subarray(0, at))).toBe(false)
      bytes[at]! ^= 1
      expect([isAnnouncement(bytes), decodeAnnouncement(bytes)]).toEqual([false, undefined])
    }
  })
})
