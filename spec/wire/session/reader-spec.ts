/** What our reader makes of bytes: whole frames, wherever they are cut, and the violations of docs/session.md's table. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Farewell, FEATURES, FrameType, WITHOUT_HELLO } from '../../../src/wire/session/format.js'
import {
  checkPayload,
  createReader,
  createRequestFields,
  isIgnorable,
  readCredit,
  readFail,
  readFrames,
  readGoodbye,
  readHello,
  readRequest,
  rest,
  type Frame,
} from '../../../src/wire/session/reader.js'
import { CUT, readVarint } from '../../../src/wire/varint.js'
import {
  createWriter,
  takeChunks,
  writeCredit,
  writeData,
  writeFail,
  writeReply,
  writeRequest,
} from '../../../src/wire/session/writer.js'
import { bytes as utf8 } from '../../support/bytes.js'
import * as wire from '../../support/session.js'

interface Read {
  frames: { type: number; flags: number; id: number; body: Uint8Array }[]
  violation: string | undefined
}

/** The frames in these chunks, up to the first violation. */
function read(...chunks: Uint8Array[]): Read {
  const reader = createReader()
  const frames: Read['frames'] = []
  for (const chunk of chunks) {
    const violation = readFrames(reader, chunk, (frame) => {
      const { type, flags, id } = frame
      frames.push({ type, flags, id, body: rest(frame).slice() })
      return undefined
    })
    if (violation !== undefined) return { frames, violation }
  }
  return { frames, violation: undefined }
}

/** The one frame in these bytes, with its body still to be read. */
function only<Result>(bytes: Uint8Array, use: (frame: Frame) => Result): Result {
  const results: Result[] = []
  expect(
    readFrames(createReader(), bytes, (frame) => {
      results.push(use(frame))
      return undefined
    }),
  ).toBeUndefined()
  expect(results).toHaveLength(1)
  return results[0]!
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...[...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.slice(at[i], end))
}

const SOME = wire.join(
  wire.hello({ 1: 1_000, 9: Number.MAX_SAFE_INTEGER }),
  wire.request(1, utf8('hi'), { timeout: 10_000, credit: 1_048_608, one: true }),
  wire.request(300, wire.filled(200), { timeout: 1, credit: 65_536, lossy: { policy: 1, buffer: 4 }, total: 400 }),
  wire.data(300, wire.filled(200), true),
  wire.reply(1, utf8(''), { last: true }),
  wire.frame(0x8f, 7, utf8('of a later version')),
  wire.end(2),
  wire.fail(3, 'Overloaded', 1_000, 'später'),
  wire.cancel(300),
  wire.credit(300, 4_294_967_296),
)

describe('frames in chunks', () => {
  it('are read as they were written', () => {
    const { frames, violation } = read(SOME)
    expect(violation).toBeUndefined()
    expect(frames.map(({ type, flags, id }) => [type, flags, id])).toEqual([
      [0, 0, 0],
      [1, 0x20, 1],
      [1, 0x50, 300],
      [2, 0x10, 300],
      [3, 0x20, 1],
      [15, 0x80, 7],
      [4, 0, 2],
      [5, 0, 3],
      [6, 0, 300],
      [7, 0, 300],
    ])
  })

  it('are the same, wherever a chunk ends', () => {
    const whole = read(SOME)
    for (let place = 0; place <= SOME.length; place++) expect(read(...cut(SOME, [place]))).toEqual(whole)
  })

  it('are the same when every byte comes alone', () => {
    expect(read(...Array.from(SOME, (byte) => new Uint8Array([byte])))).toEqual(read(SOME))
  })

  it('may be as large as 17,408 bytes', () => {
    const body = wire.filled(17_406)
    const bytes = wire.frame(0x89, 1, body)
    expect(read(bytes).frames[0]!.body).toEqual(body)
    expect(read(...cut(bytes, [1, 2, 3, 4, 5, 9_000])).frames[0]!.body).toEqual(body)
  })

  it('are looked at where they lie, and only a cut one is put together', () => {
    const bytes = wire.reply(1, utf8('hello'))
    expect(only(bytes, (frame) => frame.bytes === bytes)).toBe(true)
    const reader = createReader()
    readFrames(reader, bytes.slice(0, 4), () => undefined)
    expect(reader.body).toHaveLength(bytes.length - 1)
  })

  it('are not given any more once the receiver has named a violation', () => {
    const seen: number[] = []
    const violation = readFrames(createReader(), SOME, (frame) => {
      seen.push(frame.type)
      return seen.length === 2 ? 'not that one' : undefined
    })
    expect([violation, seen]).toEqual(['not that one', [0, 1]])
  })

  it('come back as they were written, whatever they are and wherever they are cut', () => {
    const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
    const id = number.filter((value) => value > 0)
    const piece = fc.uint8Array({ maxLength: 300 })
    const anyFrame = fc.oneof(
      fc.record({
        kind: fc.constant('request' as const),
        id,
        timeout: number,
        credit: fc.nat(2 ** 31),
        one: fc.boolean(),
        service: fc.boolean(),
        piece,
        left: fc.nat(50),
      }),
      fc.record({ kind: fc.constant('data' as const), id, piece, left: fc.nat(50) }),
      fc.record({ kind: fc.constant('reply' as const), id, piece, left: fc.nat(50), last: fc.boolean() }),
      fc.record({
        kind: fc.constant('fail' as const),
        id,
        code: fc.stringMatching(/^[A-Za-z]{1,64}$/),
        message: fc.string(),
        after: number,
      }),
      fc.record({ kind: fc.constant('credit' as const), id, amount: fc.integer({ min: 1, max: 2 ** 32 }) }),
    )
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const writer = createWriter(100)
        const expected = sent.map((one) => {
          switch (one.kind) {
            case 'request': {
              const payload = wire.join(one.piece, wire.filled(one.left))
              writeRequest(writer, one.id, { ...one, lossy: undefined }, payload, one.piece.length)
              const total = one.left === 0 ? 0 : payload.length
              return [
                one.id,
                one.timeout,
                one.credit,
                one.one,
                one.service,
                total,
                Buffer.from(one.piece).toString('hex'),
              ]
            }
            case 'data':
              writeData(writer, one.id, wire.join(one.piece, wire.filled(one.left)), 0, one.piece.length)
              return [one.id, one.left > 0, Buffer.from(one.piece).toString('hex')]
            case 'reply': {
              const value = wire.join(one.piece, wire.filled(one.left))
              writeReply(writer, one.id, value, 0, one.piece.length, true, one.last)
              const total = one.left === 0 ? 0 : value.length
              return [one.id, one.left === 0 && one.last, total, Buffer.from(one.piece).toString('hex')]
            }
            case 'fail':
              writeFail(writer, one.id, one.code, one.message, one.after)
              // What is no text (half of a pair) cannot come back as it was.
              return [one.id, one.code, one.after, Buffer.from(one.message).toString()]
            case 'credit':
              writeCredit(writer, one.id, one.amount)
              return [one.id, one.amount]
          }
        })
        const fields = createRequestFields()
        const back: unknown[] = []
        const reader = createReader()
        for (const chunk of cut(wire.join(...takeChunks(writer)), places)) {
          const violation = readFrames(reader, chunk, (frame) => {
            const hasMore = (frame.flags & wire.MORE) !== 0
            const payload = (): string => Buffer.from(rest(frame)).toString('hex')
            if (frame.type === 1) {
              const broken = readRequest(frame, fields)
              const { timeout, credit, total } = fields
              const { flags } = frame
              const [one, service] = [(flags & wire.ONE) !== 0, (flags & wire.SERVICE) !== 0]
              back.push([frame.id, timeout, credit, one, service, total, payload()])
              return broken
            }
            if (frame.type === 2) back.push([frame.id, hasMore, payload()])
            else if (frame.type === 3) {
              const total = hasMore ? readVarint(frame) : 0
              back.push([frame.id, (frame.flags & wire.LAST) !== 0, total, payload()])
            } else if (frame.type === 5) {
              const { code, retryAfterMs, message } = readFail(frame)!
              back.push([frame.id, code, retryAfterMs, message])
            } else back.push([frame.id, readCredit(frame)])
            return undefined
          })
          expect(violation).toBeUndefined()
        }
        expect(back).toEqual(expected)
      }),
    )
  })
})

describe('a violation of the format', () => {
  it.each<[string, Uint8Array, string]>([
    ['a frame of no bytes', new Uint8Array([0]), 'a frame is too short'],
    ['a frame of one byte', new Uint8Array([1, 0]), 'a frame is too short'],
    ['a frame of 17,409 bytes', wire.frame(0x89, 1, wire.filled(17_407)), 'a frame is too long'],
    ['a length of four bytes', new Uint8Array([0x80, 0x80, 0x80, 0x01]), 'a frame is too long'],
    ['a length that is not minimal', new Uint8Array([0x82, 0x00, 4, 1]), 'a number is not minimal'],
    ['an id that is not minimal', new Uint8Array([3, 4, 0x81, 0x00]), 'a number is broken'],
    ['an id that is cut', new Uint8Array([3, 4, 0x81, 0x81]), 'a number is broken'],
    ['an id of 2^53', wire.frame(4, 2n ** 53n), 'a number is broken'],
    ['an id of nine bytes', wire.frame(4, 2n ** 60n), 'a number is broken'],
    ['an unknown type that must not be skipped', wire.frame(9, 1), 'frames of type 9 are unknown'],
    ['an unknown type with other flags', wire.frame(0x7f, 1), 'frames of type 15 are unknown'],
    ...[0, 4, 5, 6, 7].flatMap((type) =>
      [0x10, 0x20, 0x40, 0x80].map((flag): [string, Uint8Array, string] => [
        `flag ${flag} of type ${type}`,
        wire.frame(flag | type, 1),
        `a frame of type ${type} has a flag that it may not have`,
      ]),
    ),
    ...[0x22, 0x42, 0x82, 0x43, 0x83].map((head): [string, Uint8Array, string] => [
      `the head ${head}`,
      wire.frame(head, 1),
      `a frame of type ${head & 15} has a flag that it may not have`,
    ]),
  ])('is %s', (_what, bytes, violation) => {
    expect(read(wire.hello(), bytes)).toMatchObject({ frames: [{ type: 0 }], violation })
    // Cut anywhere it is the same, though it may be seen before all of it is there.
    for (let place = 1; place < Math.min(bytes.length, 8); place++) {
      expect(read(...cut(bytes, [place])).violation).toBe(violation)
    }
  })

  it('is named before a byte of a frame that is too long is kept', () => {
    const reader = createReader()
    expect(readFrames(reader, new Uint8Array([0x81, 0x88, 0x01]), () => undefined)).toBe('a frame is too long')
    expect(reader.body).toBeUndefined()
  })
})

describe('numbers', () => {
  it('that run out of their frame are cut, even if the next frame would complete them', () => {
    const bytes = wire.join(wire.frame(0x89, 1, new Uint8Array([0x80])), new Uint8Array([1, 1, 1]))
    let first: number | undefined
    readFrames(createReader(), bytes, (frame) => {
      first ??= readVarint(frame)
      return undefined
    })
    expect(first).toBe(CUT)
  })
})

describe('the body of HELLO', () => {
  const after = (...body: Uint8Array[]): unknown => {
    const hello = { ...WITHOUT_HELLO }
    return only(wire.frame(0, 0, ...body), (frame) => readHello(frame, hello)) ?? hello
  }
  const { varint } = wire

  it('changes what it names, and skips what it does not know', () => {
    const limits = { maxOpen: 256, requestWindow: 65_536, maxRequest: 1_048_576 }
    expect(after()).toEqual({ features: 0, ...limits, incarnation: 0, firstFlight: 0 })
    expect(after(varint(4), varint(2 ** 48 - 1))).toEqual({
      features: 0,
      ...limits,
      incarnation: 2 ** 48 - 1,
      firstFlight: 0,
    })
    expect(after(varint(1), varint(7), varint(1_000), varint(5), varint(0), varint(3))).toMatchObject({
      features: 3,
      maxOpen: 7,
      requestWindow: 65_536,
    })
    expect(after(varint(2), varint(2 ** 32), varint(3), varint(9))).toMatchObject({
      requestWindow: 4_294_967_296,
      maxRequest: 9,
    })
  })

  it.each<[string, Uint8Array[]]>([
    ['half a pair', [varint(1)]],
    ['a number that is cut', [varint(1), new Uint8Array([0x80])]],
    ['a number that is not minimal', [varint(1), new Uint8Array([0x80, 0])]],
    ['a window under 65,536', [varint(2), varint(65_535)]],
    ['a window over the most credit that there may be', [varint(2), varint(2 ** 32 + 1)]],
  ])('is broken by %s', (_what, body) => {
    expect(typeof after(...body)).toBe('string')
  })

  it('has no id', () => {
    const hello = { ...WITHOUT_HELLO }
    expect(only(wire.frame(0, 1), (frame) => readHello(frame, hello))).toBe('HELLO has an id')
  })
})

describe('the body of REQUEST', () => {
  const after = (bytes: Uint8Array): unknown => {
    const fields = createRequestFields()
    return only(bytes, (frame) => readRequest(frame, fields) ?? { ...fields, payload: rest(frame) })
  }

  it('has what its flags say, and nothing of the request before it', () => {
    const fields = createRequestFields()
    const lossy = { policy: 2, buffer: 9 }
    only(wire.request(1, utf8('x'), { credit: 5, lossy, total: 7 }), (frame) => readRequest(frame, fields))
    expect(fields).toEqual({ timeout: 0, credit: 5, policy: 2, buffer: 9, total: 7 })
    only(wire.request(2, utf8('x'), { timeout: 3 }), (frame) => readRequest(frame, fields))
    expect(fields).toMatchObject({ timeout: 3, credit: 0, total: 0 })
  })

  it('may be as little as two numbers', () => {
    expect(after(wire.request(1, utf8('')))).toMatchObject({ timeout: 0, credit: 0, payload: new Uint8Array() })
  })

  it('carries up to 16,384 bytes', () => {
    expect(after(wire.request(1, wire.filled(16_384)))).toMatchObject({ timeout: 0 })
    expect(after(wire.request(1, wire.filled(16_385)))).toBe('a payload is too long for one frame')
    expect(only(wire.data(1, wire.filled(16_384)), checkPayload)).toBeUndefined()
    expect(only(wire.data(1, wire.filled(16_385)), checkPayload)).toBe('a payload is too long for one frame')
  })

  it.each<[string, Uint8Array]>([
    ['no timeout', wire.frame(1, 1)],
    ['no credit', wire.frame(1, 1, wire.varint(1))],
    ['more than the most credit', wire.request(1, utf8(''), { credit: 2 ** 32 + 1 })],
    ['a policy that is unknown', wire.request(1, utf8(''), { lossy: { policy: 3, buffer: 1 } })],
    ['LOSSY and no policy', wire.frame(1 | wire.LOSSY, 1, wire.varint(1), wire.varint(1))],
    ['LOSSY and no buffer', wire.frame(1 | wire.LOSSY, 1, wire.varint(1), wire.varint(1), wire.varint(0))],
    ['MORE and no total', wire.frame(1 | wire.MORE, 1, wire.varint(1), wire.varint(1))],
  ])('is broken by %s', (_what, bytes) => {
    expect(typeof after(bytes)).toBe('string')
  })
})

describe('the bodies of CREDIT and FAIL', () => {
  it.each<[string, Uint8Array[], number]>([
    ['1', [wire.varint(1)], 1],
    ['2^32', [wire.varint(2 ** 32)], 4_294_967_296],
    ['nothing', [], -1],
    ['0', [wire.varint(0)], -1],
    ['more than 2^32', [wire.varint(2 ** 32 + 1)], -1],
    ['two numbers', [wire.varint(1), wire.varint(1)], -1],
  ])('a CREDIT of %s', (_what, body, amount) => {
    expect(only(wire.frame(7, 1, ...body), readCredit)).toBe(amount)
  })

  it('a FAIL with the longest code and the longest message is read', () => {
    const failure = only(wire.fail(1, 'x'.repeat(64), 2 ** 40, 'ü'.repeat(2_048)), readFail)
    expect(failure).toEqual({ code: 'x'.repeat(64), retryAfterMs: 2 ** 40, message: 'ü'.repeat(2_048) })
  })

  it('a FAIL whose text is no UTF-8 is shown as far as it can be', () => {
    const bytes = wire.frame(5, 1, wire.varint(2), new Uint8Array([65, 0xff]), wire.varint(0), new Uint8Array([0xc3]))
    expect(only(bytes, readFail)).toEqual({ code: 'A\ufffd', retryAfterMs: 0, message: '\ufffd' })
  })

  it.each<[string, Uint8Array]>([
    ['no code', wire.frame(5, 1)],
    ['an empty code', wire.fail(1, '')],
    ['a code of 65 bytes', wire.fail(1, 'x'.repeat(65))],
    ['a code that is cut', wire.frame(5, 1, wire.varint(9), utf8('short'))],
    ['no time', wire.frame(5, 1, wire.varint(1), utf8('x'))],
    ['a message over 4,096 bytes', wire.fail(1, 'x', 0, 'x'.repeat(4_097))],
  ])('a FAIL with %s is broken', (_what, bytes) => {
    expect(only(bytes, readFail)).toBeUndefined()
  })
})

describe('the body of GOODBYE', () => {
  it.each([...Object.values(Farewell)])('is the word %d, and nothing after it', (says) => {
    expect(only(wire.frame(0x80 | FrameType.GOODBYE, 1, Uint8Array.of(says)), readGoodbye)).toBe(says)
    expect(only(wire.frame(0x80 | FrameType.GOODBYE, 1, Uint8Array.of(says, 0)), readGoodbye)).toBeUndefined()
  })

  it.each([[[]], [[5]], [[0x80]]])('is broken as %p', (body) => {
    expect(only(wire.frame(0x80 | FrameType.GOODBYE, 1, Uint8Array.from(body)), readGoodbye)).toBeUndefined()
  })
})

describe('frames of a later version', () => {
  it('that may be skipped are given as such, those of today are not', () => {
    const skipped = (frame: Frame): boolean => isIgnorable(frame, { ...WITHOUT_HELLO, features: FEATURES })
    expect(only(wire.frame(0x8b, 0, wire.filled(100)), skipped)).toBe(true)
    expect(only(wire.frame(0xff, 5), skipped)).toBe(true)
    expect(only(wire.credit(1, 1), skipped)).toBe(false)
    expect(only(wire.goodbye(1, 0), skipped)).toBe(false)
  })

  it('may be those of a feature that the other side has not named', () => {
    const skipped = (frame: Frame): boolean => isIgnorable(frame, WITHOUT_HELLO)
    expect(only(wire.goodbye(1, 0), skipped)).toBe(true)
    expect(only(wire.credit(1, 1), skipped)).toBe(false)
  })
})
