import { describe, expect, it } from '@jest/globals'
import { isP2pError, P2pError } from '../src/errors.js'

describe('P2pError', () => {
  it('is an Error with a name, a code and a message', () => {
    const error = new P2pError('DialError', 'nobody answers')
    expect(error).toBeInstanceOf(Error)
    expect(error.code).toBe('DialError')
    expect(String(error)).toBe('P2pError: nobody answers')
    expect(error.stack).toContain('P2pError: nobody answers')
  })

  it('carries its cause, where there is one', () => {
    const cause = new Error('ECONNREFUSED')
    expect(new P2pError('DialError', 'nobody answers', { cause }).cause).toBe(cause)
    expect('cause' in new P2pError('Aborted', 'aborted', { cause: undefined })).toBe(false)
    expect('cause' in new P2pError('Aborted', 'aborted')).toBe(false)
  })

  it('says when to try again, where that is known', () => {
    expect(new P2pError('Overloaded', 'too much', { retryAfterMs: 250 }).retryAfterMs).toBe(250)
    expect('retryAfterMs' in new P2pError('Overloaded', 'too much')).toBe(false)
  })

  it('carries the code of the other side, as it came, where there is one', () => {
    expect(new P2pError('RequestRejected', 'no', { remoteCode: 'NotFound' }).remoteCode).toBe('NotFound')
    expect('remoteCode' in new P2pError('RequestRejected', 'no')).toBe(false)
  })

  it('may be printed: what a peer has put into its message or code cannot reach a terminal', () => {
    const error = new P2pError('RequestRejected', 'no: \x1b[2J\r\nroot\u202e', { remoteCode: 'a\x1b[1m' })
    expect(error.message).toBe('no: \ufffd[2J\ufffd\ufffdroot\ufffd')
    expect(error.remoteCode).toBe('a\ufffd[1m')
    expect(error.stack).not.toContain('\x1b')
  })

  it('shows its code when it is logged or serialised', () => {
    expect(Object.keys(new P2pError('NodeStopped', 'stopped'))).toEqual(['code'])
  })
})

describe('isP2pError', () => {
  it('tells our errors from others', () => {
    expect(isP2pError(new P2pError('DialError', 'nobody answers'))).toBe(true)
    for (const other of [new Error('DialError'), { code: 'DialError' }, 'DialError', null, undefined]) {
      expect(isP2pError(other)).toBe(false)
    }
  })

  it('tells one code from another', () => {
    const error: unknown = new P2pError('DialError', 'nobody answers')
    expect(isP2pError(error, 'DialError')).toBe(true)
    expect(isP2pError(error, 'Aborted')).toBe(false)
  })
})
