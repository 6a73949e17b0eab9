/** Errors of libp2p in words that their readers know. */
import { describe, expect, it } from '@jest/globals'
import { StreamCloseEvent } from '@libp2p/interface'
import { NO_HANDSHAKE } from '../../src/core/access/lists.js'
import { failureOf, listenFailure, reasonOf, reasonOfDial } from '../../src/libp2p/failure.js'

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

describe('the reason of a failure', () => {
  it.each([
    [named('UnexpectedEOFError', 'Unexpected EOF - stream closed while reading 0/1 bytes'), 'the other side hung up'],
    [named('TimeoutError', 'whatever'), 'timed out'],
    [named('Error', 'connection error 10.0.0.1:1: refused\n  at x'), 'connection error 10.0.0.1:1: refused'.slice(29)],
    ['a text', 'a text'],
    [new StreamCloseEvent(false, new Error('refused')), 'refused'],
    [new StreamCloseEvent(true, named('TimeoutError', '')), 'timed out'],
    [new StreamCloseEvent(false), 'it was closed meanwhile'],
    [new CustomEvent('walk:peer'), 'it ended by the event walk:peer'],
    [undefined, 'no reason was given'],
    [{}, 'no reason was given'],
  ])('is one line: %s', (error, reason) => {
    expect(reasonOf(error)).toBe(reason)
  })
})

describe('the reason of a dial that fails', () => {
  it.each([
    ['Error', 'connection error 10.0.0.1:1: connect ECONNRESET 10.0.0.1:1'],
    ['EncryptionFailedError', 'read ECONNRESET'],
    ['EncryptionFailedError', 'write EPIPE'],
    ['EncryptionFailedError', 'Unexpected EOF - stream closed while reading 0/1 bytes'],
    ['UnexpectedEOFError', 'Unexpected EOF - stream closed while reading 27/72 bytes'],
    ['EncryptionFailedError', 'Missing newline'],
    ['EncryptionFailedError', 'Message length too long - 14038 > 1024'],
    ['EncryptionFailedError', 'Message length length too long - 3 > 2'],
  ])('is one, with a hint, however it ends before it is known who is there: %s %s', (name, message) => {
    expect(reasonOfDial(named(name, message))).toBe(NO_HANDSHAKE)
    expect(NO_HANDSHAKE).toMatch(/it may not let us in, or is full.* another network key.* another service/)
  })

  it.each([
    [
      'EncryptionFailedError',
      'Payload identity key x does not match',
      'another node is there now, with another peer id',
    ],
    ['EncryptionFailedError', 'Protocol selection failed - could not negotiate /noise', undefined],
    ['Error', 'connect ECONNREFUSED 10.0.0.1:1', undefined],
  ])('is its own where it says more: %s %s', (name, message, reason = message) => {
    expect(reasonOfDial(named(name, message))).toBe(reason)
  })
})

it('has the error as its cause where libp2p throws an event', () => {
  const cause = new Error('refused')
  expect(failureOf('cannot open a stream', new StreamCloseEvent(false, cause))).toEqual({
    message: 'cannot open a stream: refused',
    cause,
  })
})

describe('a failure to listen', () => {
  it('has each address with its own reason, and their errors', () => {
    const a = new Error('all failed:\n\n  /ip4/10.0.0.1/tcp/1: Error: listen EADDRINUSE: in use\n    at x\n')
    const b = new Error('only TCP')
    const [first, second] = [
      { address: '/ip4/10.0.0.1/tcp/1', cause: a },
      { address: '/unix/x', cause: b },
    ]
    expect(listenFailure([first])).toEqual({
      message: 'cannot listen on /ip4/10.0.0.1/tcp/1 (listen EADDRINUSE: in use)',
      cause: a,
    })
    const both = listenFailure([first, second])
    expect(both.message).toMatch(/EADDRINUSE: in use\), \/unix\/x \(only TCP\)$/)
    expect((both.cause as AggregateError).errors).toEqual([a, b])
  })
})
