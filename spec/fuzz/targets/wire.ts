/** What src/wire reads, but for sessions. */
import { addByte, BROKEN, CUT, encodeVarint, MAX_VARINT_BYTES, readVarint } from '../../../src/wire/varint.js'
import { createFrameReader, encodeFrame, readFrame, takePayload, type FrameReader } from '../../../src/wire/v1.js'
import { decodeAnnouncement, encodeAnnouncement, isAnnouncement } from '../../../src/wire/gossip/announcement.js'
import {
  decodeHistoryValue,
  decodeServiceRequest,
  encodeHistoryValue,
  encodeServiceRequest,
} from '../../../src/wire/session/service.js'
import type { Random } from '../../../src/testing/network/random.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { bothWays, hold, isEqual, isSame, oneOf } from '../tools/chunks.js'

const NUMBERS = [0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]

function number(random: Random): number {
  return random.below(2) === 0 ? oneOf(random, NUMBERS) : random.below(1_000)
}

/** What the bytes of a varint mean, written a second time. */
function meaning(bytes: Uint8Array): number {
  let value = 0n
  for (const [index, byte] of bytes.entries()) {
    value |= BigInt(byte & 127) << BigInt(7 * index)
    if (byte < 128) return (byte === 0 && index > 0) || value > Number.MAX_SAFE_INTEGER ? BROKEN : Number(value)
    if (index === 7) return BROKEN
  }
  return CUT
}

const varints: Target = {
  name: 'varint',
  share: 10,
  most: 64,
  good: (random) => encodeVarint(number(random)),
  read(input) {
    const cursor = { bytes: input, at: 0, end: input.length }
    const value = readVarint(cursor)
    hold(value === meaning(input), 'a number is read as it is written')
    const partial = { value: 0, size: 0 }
    let slow = CUT
    for (let at = 0; at < input.length && slow === CUT; at++) slow = addByte(partial, input[at]!, MAX_VARINT_BYTES)
    hold(value < 0 || slow === value, 'byte by byte it is the same number')
    return value === CUT ? 'cut' : value === BROKEN ? 'broken' : `a number of ${cursor.at} bytes`
  },
}

const LIMIT = 65_536

function readAll(reader: FrameReader, chunks: Uint8Array[]): string {
  for (const [index, chunk] of chunks.entries()) {
    const progress = readFrame(reader, chunk)
    hold((reader.payload.bytes?.length ?? 0) <= 16_384 + 8 * reader.payload.received, 'a declared length is no memory')
    if (progress === 'done' && index < chunks.length - 1) return 'excess'
    if (progress !== 'more') return progress
  }
  return 'more'
}

const v1: Target = {
  name: 'frames of version 1',
  share: 10,
  most: LIMIT + 4,
  outcomes: 5,
  good: (random) => join(random.bytes(1), ...encodeFrame(random.bytes(random.below(40)))),
  large: (random, size) => join(random.bytes(1), ...encodeFrame(new Uint8Array(size))),
  read(input) {
    const { whole, pieces } = bothWays(input)
    const [one, other] = [createFrameReader(LIMIT), createFrameReader(LIMIT)]
    const outcome = readAll(one, [whole])
    const same = readAll(other, pieces)
    hold(outcome === same, `it is ${outcome} in one piece, and not ${same}`)
    if (outcome === 'done') hold(isEqual(takePayload(one), takePayload(other)), 'the payloads are the same')
    return outcome
  },
}

const services: Target = {
  name: 'service requests',
  share: 10,
  most: LIMIT,
  outcomes: 5,
  good(random) {
    switch (random.below(4)) {
      case 0:
        return encodeServiceRequest({ kind: 'history', topic: 'news', count: 1 + number(random) })
      case 1:
        return encodeServiceRequest({ kind: 'receipt', topic: 'né', id: String(number(random)) })
      case 2:
        return encodeServiceRequest({ kind: 'blob', hash: random.bytes(32) })
      default:
        return encodeServiceRequest({ kind: 'twin', address: `/ip4/192.0.2.${random.below(300)}/tcp/4001` })
    }
  },
  read(input) {
    const request = decodeServiceRequest(input)
    if (request === undefined) return 'broken'
    hold(isSame(decodeServiceRequest(encodeServiceRequest(request)), request), 'it says the same when it is said again')
    return request.kind
  },
}

const histories: Target = {
  name: 'values of histories',
  share: 10,
  most: LIMIT,
  outcomes: 2,
  good: (random) =>
    encodeHistoryValue({
      age: number(random),
      from: '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
      proof: random.bytes(random.below(100)),
      data: random.bytes(random.below(20)),
    }),
  read(input) {
    const value = decodeHistoryValue(input)
    if (value === undefined) return 'broken'
    hold(value.data.length + value.proof.length < input.length, 'nothing is read that is not there')
    return value.data.length === 0 ? 'empty' : 'a value'
  },
}

const announcements: Target = {
  name: 'announcements',
  share: 6,
  most: LIMIT,
  good: (random) => encodeAnnouncement({ hash: random.bytes(32), size: number(random) % 2 ** 48 }),
  read(input) {
    const announcement = decodeAnnouncement(input)
    if (announcement === undefined) return isAnnouncement(input) ? 'broken' : 'none'
    hold(isEqual(encodeAnnouncement(announcement), input), 'it says the same when it is said again')
    return 'an announcement'
  },
}

export const wire: Target[] = [varints, v1, services, histories, announcements]
