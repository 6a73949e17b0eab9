/** What our writer writes, byte by byte, against frames that are written by hand from docs/session.md. */
import { describe, expect, it } from '@jest/globals'
import {
  createWriter,
  takeChunks,
  writeCancel,
  writeCredit,
  writeData,
  writeEnd,
  writeFail,
  writeHello,
  writeReply,
  writeRequest,
  type FrameWriter,
  type RequestHead,
} from '../../../src/wire/session/writer.js'
import { bytes as utf8 } from '../../support/bytes.js'
import * as wire from '../../support/session.js'

function written(write: (writer: FrameWriter) => void, expected = 0): Uint8Array {
  const writer = createWriter(expected)
  write(writer)
  const bytes = wire.join(...takeChunks(writer))
  expect(writer.size).toBe(bytes.length)
  return bytes
}

function hex(write: (writer: FrameWriter) => void): string {
  return Buffer.from(written(write)).toString('hex')
}

const ASKED: RequestHead = { timeout: 10_000, credit: 1_048_608, one: true, service: false, lossy: undefined }
const announced = { features: 0, maxOpen: 1_000, requestWindow: 65_536, maxRequest: 1_048_576, firstFlight: 16_384 }

describe('the bytes of a frame', () => {
  it.each<[string, string, (writer: FrameWriter) => void]>([
    [
      'HELLO of an asker',
      '0400000007',
      (w) => {
        writeHello(w)
      },
    ],
    [
      'HELLO of an answerer',
      '130000000701e807028080040380804005808001',
      (w) => {
        writeHello(w, announced)
      },
    ],
    [
      'HELLO that says which start of the node it is',
      '0c00000007' + '04ffffffffffff3f',
      (w) => {
        writeHello(w, { incarnation: 2 ** 48 - 1 })
      },
    ],
    [
      'REQUEST for one value',
      '092101904ea080406869',
      (w) => {
        writeRequest(w, 1, ASKED, utf8('hi'), 2)
      },
    ],
    [
      'REQUEST for many',
      '0601030105' + '6869',
      (w) => {
        writeRequest(w, 3, { timeout: 1, credit: 5, one: false, service: false, lossy: undefined }, utf8('hi'), 2)
      },
    ],
    [
      'REQUEST that allows losses',
      '08410301050210' + '6869',
      (w) => {
        writeRequest(
          w,
          3,
          { timeout: 1, credit: 5, one: false, service: false, lossy: { policy: 2, buffer: 16 } },
          utf8('hi'),
          2,
        )
      },
    ],
    [
      'REQUEST for the node itself',
      '06a1030105' + '6869',
      (w) => {
        writeRequest(w, 3, { timeout: 1, credit: 5, one: true, service: true, lossy: undefined }, utf8('hi'), 2)
      },
    ],
    [
      'REQUEST that goes on',
      '07' + '1103' + '0105' + '05' + '6869',
      (w) => {
        writeRequest(w, 3, { timeout: 1, credit: 5, one: false, service: false, lossy: undefined }, utf8('hihih'), 2)
      },
    ],
    [
      'REQUEST without a byte of its payload',
      '05' + '1103' + '0105' + '05',
      (w) => {
        writeRequest(w, 3, { timeout: 1, credit: 5, one: false, service: false, lossy: undefined }, utf8('hihih'), 0)
      },
    ],
    [
      'DATA that goes on',
      '041203' + '6869',
      (w) => {
        writeData(w, 3, utf8('hihih'), 0, 2)
      },
    ],
    [
      'DATA that ends it',
      '030203' + '68',
      (w) => {
        writeData(w, 3, utf8('hihih'), 4, 5)
      },
    ],
    [
      'REPLY',
      '040303' + '6869',
      (w) => {
        writeReply(w, 3, utf8('hi'), 0, 2, true, false)
      },
    ],
    [
      'an empty REPLY',
      '020303',
      (w) => {
        writeReply(w, 3, utf8(''), 0, 0, true, false)
      },
    ],
    [
      'the last REPLY',
      '042303' + '6869',
      (w) => {
        writeReply(w, 3, utf8('hi'), 0, 2, true, true)
      },
    ],
    [
      'REPLY that goes on',
      '051303' + '05' + '6869',
      (w) => {
        writeReply(w, 3, utf8('hihih'), 0, 2, true, false)
      },
    ],
    [
      'REPLY in the middle',
      '041303' + '6968',
      (w) => {
        writeReply(w, 3, utf8('hihih'), 1, 3, false, true)
      },
    ],
    [
      'REPLY at the end',
      '032303' + '68',
      (w) => {
        writeReply(w, 3, utf8('hihih'), 4, 5, false, true)
      },
    ],
    [
      'END',
      '0304ac02',
      (w) => {
        writeEnd(w, 300)
      },
    ],
    [
      'FAIL',
      '0b0501' + '04' + '42757379' + 'e807' + '6e6f',
      (w) => {
        writeFail(w, 1, 'Busy', 'no', 1_000)
      },
    ],
    [
      'FAIL that says as little as it can',
      '050501' + '01' + '78' + '00',
      (w) => {
        writeFail(w, 1, 'x', '', 0)
      },
    ],
    [
      'CANCEL',
      '02067f',
      (w) => {
        writeCancel(w, 127)
      },
    ],
    [
      'CREDIT',
      '0607ac02' + '808004',
      (w) => {
        writeCredit(w, 300, 65_536)
      },
    ],
  ])('%s', (_name, bytes, write) => {
    expect(hex(write)).toBe(bytes)
  })

  it('holds numbers up to 2^53 - 1', () => {
    const largest = Number.MAX_SAFE_INTEGER
    const write = (w: FrameWriter): void => {
      writeRequest(
        w,
        largest,
        { timeout: largest, credit: largest, one: false, service: false, lossy: undefined },
        utf8(''),
        0,
      )
    }
    expect(written(write)).toEqual(wire.frame(1, largest, wire.varint(largest), wire.varint(largest)))
    expect(written(write)[0]).toBe(1 + 3 * 8)
  })
})

describe('many frames in a row', () => {
  it('are the same bytes, however much was expected', () => {
    const values = [0, 1, 100, 2_047, 2_048, 5_000, 16_384].map((size) => wire.filled(size, size))
    const write = (w: FrameWriter): void => {
      values.forEach((value, i) => {
        writeReply(w, i + 1, value, 0, value.length, true, true)
        writeCredit(w, i + 1, 7)
        writeFail(w, i + 1, 'Busy', 'x'.repeat(3_000), 0)
      })
    }
    const frames = wire.join(
      ...values.flatMap((value, i) => [
        wire.reply(i + 1, value, { last: true }),
        wire.credit(i + 1, 7),
        wire.fail(i + 1, 'Busy', 0, 'x'.repeat(3_000)),
      ]),
    )
    for (const expected of [0, 300, 30_000, 1_000_000]) expect(Buffer.compare(written(write, expected), frames)).toBe(0)
  })

  it('leave as one chunk when they are small, and large payloads are not copied', () => {
    const large = wire.filled(16_384)
    const small = createWriter(10)
    for (let id = 1; id <= 5; id++) writeReply(small, id, utf8('hi'), 0, 2, true, true)
    expect(takeChunks(small)).toHaveLength(1)
    const mixed = createWriter(10)
    writeReply(mixed, 1, utf8('hi'), 0, 2, true, true)
    writeReply(mixed, 2, large, 0, 16_384, true, true)
    writeReply(mixed, 3, utf8('hi'), 0, 2, true, true)
    const chunks = takeChunks(mixed)
    expect(chunks).toHaveLength(3)
    expect(chunks[1]).toBe(large)
  })

  it('do not change what was handed out when the writer is used up', () => {
    const first = createWriter(10)
    writeReply(first, 1, utf8('hi'), 0, 2, true, true)
    const chunks = takeChunks(first)
    const before = wire.join(...chunks)
    const second = createWriter(10)
    writeReply(second, 1, utf8('ho'), 0, 2, true, true)
    takeChunks(second)
    expect(wire.join(...chunks)).toEqual(before)
  })

  it('of nothing are no chunks', () => {
    expect(takeChunks(createWriter(10))).toEqual([])
  })
})
