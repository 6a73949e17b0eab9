/** What a refusal says: bounded, and of an error only what its author meant for strangers. */
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  checkRejection,
  cutCode,
  cutMessage,
  isDeliberate,
  rejectCommand,
  rejectionOf,
} from '../../../src/edge/answers/reasons.js'
import { P2pError } from '../../../src/errors.js'
import { thrown } from '../../support/promises.js'

const size = (text: string): number => new TextEncoder().encode(text).length

describe('a refusal', () => {
  it('says what its caller says', () => {
    expect(rejectCommand(2, checkRejection(undefined))).toEqual({ type: 'reject', exchange: 2 })
    expect(rejectCommand(2, checkRejection('no'))).toEqual({ type: 'reject', exchange: 2, reason: 'no' })
    expect(rejectCommand(2, checkRejection({ code: 'Busy', message: 'later', retryAfterMs: 1.5 }))).toEqual({
      type: 'reject',
      exchange: 2,
      reason: 'later',
      code: 'Busy',
      retryAfterMs: 2,
    })
    expect(rejectCommand(2, checkRejection({ code: '' }))).toEqual({ type: 'reject', exchange: 2 })
  })

  it('never makes somebody wait for longer than a timer can', () => {
    expect(rejectCommand(2, { retryAfterMs: Number.MAX_VALUE })).toMatchObject({ retryAfterMs: 2 ** 31 - 1 })
  })

  it('says of an error that was handed to it no more than of one that was thrown', () => {
    expect(checkRejection(new Error('the password is 1234'))).toEqual({})
    expect(checkRejection(Object.assign(new Error('gone'), { expose: true })).message).toBe('gone')
    expect(checkRejection(runInNewContext('new Error("the password is 1234")'))).toEqual({})
  })

  it.each([null, 7, true, () => 'no'])('is no %p', (reason) => {
    expect(thrown(() => checkRejection(reason))).toMatchObject({ code: 'InvalidConfig' })
    expect(thrown(() => checkRejection(reason)).message).toContain(
      'a reason is a text or { code, message, retryAfterMs }',
    )
  })

  it('has no other fields than these', () => {
    const refused = thrown(() => checkRejection({ mesage: 'no' }))
    expect(refused).toMatchObject({ code: 'InvalidConfig' })
    expect(refused.message).toContain('a reason has no option "mesage" (did you mean message?)')
  })
})

describe('an error', () => {
  it('says nothing to strangers', () => {
    const secret = Object.assign(new Error('no such file /home/bob/key'), { code: 'ENOENT' })
    for (const error of [secret, 'text', undefined, null, 7, { message: 'x' }, new P2pError('DialError', 'nobody')]) {
      expect(rejectCommand(2, rejectionOf(error))).toEqual({ type: 'reject', exchange: 2 })
    }
  })

  it('says its message and its code, if that is a text, when it is exposed', () => {
    const error = (more: object): object => Object.assign(new Error('no such block'), { expose: true, ...more })
    expect(rejectionOf(error({ code: 'NotFound' }))).toMatchObject({ code: 'NotFound', message: 'no such block' })
    expect(rejectionOf(error({ code: 404 }))).toEqual({ message: 'no such block' })
    expect(rejectionOf({ expose: 'yes', message: 'no' })).toEqual({})
  })

  it('is a rejection on purpose when it is exposed, or our Overloaded', () => {
    const deliberate = [{ expose: true }, new P2pError('Overloaded', 'full')]
    const faults = [{ expose: 'yes' }, {}, null, undefined, 'text', new P2pError('DialError', 'nobody'), new Error('x')]
    expect([...deliberate, ...faults].map(isDeliberate)).toEqual([
      ...deliberate.map(() => true),
      ...faults.map(() => false),
    ])
  })

  it('says when to come again, when it is our Overloaded', () => {
    const error = new P2pError('Overloaded', '64 dials are under way', { retryAfterMs: 250 })
    expect(rejectionOf(error)).toEqual({ code: 'Overloaded', retryAfterMs: 250 })
  })
})

describe('what is sent of it', () => {
  it('is a code of printable ASCII, cut to 64 characters', () => {
    expect(cutCode('Not Found\n\u{1F600}!')).toBe('Not Found!')
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => /^[ -~]{0,64}$/.test(cutCode(text))))
  })

  it('is a message of at most 4,096 bytes, cut between two characters', () => {
    expect(cutMessage('x'.repeat(5_000))).toBe('x'.repeat(4_096))
    expect(cutMessage('half \ud83d')).toBe('half \ufffd')
    expect(cutMessage('é'.repeat(3_000))).toBe('é'.repeat(2_048))
    expect(cutMessage(`x${'\u{1F600}'.repeat(2_000)}`)).toBe(`x${'\u{1F600}'.repeat(1_023)}`)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 6_000, minLength: 1_000 }), (text) => {
        const cut = cutMessage(text)
        expect(text.startsWith(cut)).toBe(true)
        expect(size(cut)).toBeLessThanOrEqual(4_096)
        if (cut !== text) expect(size(text.slice(0, cut.length + 2))).toBeGreaterThan(4_096)
      }),
    )
  })
})
