import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  decodeHistoryValue,
  decodeServiceRequest,
  encodeHistoryValue,
  encodeServiceRequest,
  type HistoryValue,
  type ServiceRequest,
} from '../../../src/wire/session/service.js'
import { bytes as utf8, join } from '../../support/bytes.js'
import { filled, varint } from '../../support/session.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }).map((text) => `\uFEFF${text}`),
)
const anyRequest: fc.Arbitrary<ServiceRequest> = fc.oneof(
  fc.record({ kind: fc.constant('history' as const), topic: anyText, count: fc.maxSafeNat().filter((n) => n > 0) }),
  fc.record({ kind: fc.constant('receipt' as const), topic: anyText, id: anyText }),
  fc.record({ kind: fc.constant('twin' as const), address: fc.stringMatching(/^\/[a-z0-9./:]{1,100}$/) }),
  fc.record({ kind: fc.constant('blob' as const), hash: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
)
const anyValue: fc.Arbitrary<HistoryValue> = fc.record({
  age: fc.maxSafeNat(),
  from: anyText,
  proof: fc.uint8Array({ maxLength: 300 }),
  data: fc.uint8Array({ maxLength: 300 }),
})

describe('a request of a node', () => {
  it.each<[string, ServiceRequest, string]>([
    ['history', { kind: 'history', topic: 'ab', count: 300 }, '01' + '026162' + 'ac02'],
    ['a receipt', { kind: 'receipt', topic: 'ab', id: 'c' }, '02' + '026162' + '0163'],
    ['a twin', { kind: 'twin', address: '/ip4/1.2.3.4/tcp/5' }, '04' + '12' + hex(utf8('/ip4/1.2.3.4/tcp/5'))],
    ['a large message', { kind: 'blob', hash: filled(32) }, '03' + hex(filled(32))],
  ])('for %s has these bytes', (_what, request, bytes) => {
    expect(hex(encodeServiceRequest(request))).toBe(bytes)
    expect(decodeServiceRequest(encodeServiceRequest(request))).toEqual(request)
  })

  it('comes back as it was, and is broken wherever it is cut or goes on', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const bytes = encodeServiceRequest(request)
        expect(decodeServiceRequest(bytes)).toEqual(request)
        expect(decodeServiceRequest(join(bytes, new Uint8Array(1)))).toBeUndefined()
        for (let at = 0; at < bytes.length; at++) {
          const cut = decodeServiceRequest(bytes.subarray(0, at))
          // A number may end earlier and be another number; all else is broken.
          if (cut !== undefined) expect(cut.kind).toBe('history')
        }
      }),
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['of kind 0', utf8('\0')],
    ['of a later kind', join(varint(5), filled(32))],
    ['a twin at what no address is', join(varint(4), varint(7), utf8('/a\x1b[1mb'))],
    ['a twin nowhere', join(varint(4), varint(0))],
    ['history of 0 broadcasts', join(varint(1), varint(1), utf8('t'), varint(0))],
    ['history of a number that is not minimal', join(varint(1), varint(1), utf8('t'), new Uint8Array([0x81, 0]))],
    ['history of 2^53 broadcasts', join(varint(1), varint(1), utf8('t'), varint(2n ** 53n))],
    ['a topic of 1,025 bytes', join(varint(1), varint(1_025), filled(1_025), varint(1))],
    ['a topic longer than all of it', join(varint(1), varint(2 ** 40), utf8('t'), varint(1))],
    ['a hash of 31 bytes', join(varint(3), filled(31))],
  ])('is broken: %s', (_what, bytes) => {
    expect(decodeServiceRequest(bytes)).toBeUndefined()
  })

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 4 }), (bytes, kind) => {
        decodeServiceRequest(bytes)
        decodeServiceRequest(join(varint(kind), bytes))
        decodeHistoryValue(bytes)
      }),
      { numRuns: 1_000 },
    )
  })

  it('has a text that is no UTF-8 read as far as it can be', () => {
    const request = decodeServiceRequest(join(varint(2), varint(1), utf8('t'), varint(1), new Uint8Array([0xff])))
    expect(request).toEqual({ kind: 'receipt', topic: 't', id: '\ufffd' })
  })
})

describe('a remembered broadcast', () => {
  it('has these bytes', () => {
    const value = { age: 300, from: 'bob', proof: utf8('p'), data: utf8('data') }
    expect(hex(encodeHistoryValue(value))).toBe('ac02' + '03626f62' + '0170' + '64617461')
  })

  it('comes back as it was, and is broken where its head is cut', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeHistoryValue(value)
        expect(decodeHistoryValue(bytes)).toEqual(value)
        const head = bytes.length - value.data.length
        expect(decodeHistoryValue(bytes.subarray(0, head - 1))).toBeUndefined()
        expect(decodeHistoryValue(bytes.subarray(0, head))).toEqual({ ...value, data: new Uint8Array() })
      }),
    )
  })

  it('has no proof over 4,096 bytes', () => {
    const value = (size: number): HistoryValue => ({ age: 1, from: 'bob', proof: filled(size), data: utf8('d') })
    expect(decodeHistoryValue(encodeHistoryValue(value(4_096)))).toEqual(value(4_096))
    expect(decodeHistoryValue(encodeHistoryValue(value(4_097)))).toBeUndefined()
  })
})
