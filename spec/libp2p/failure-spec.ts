/** Errors of libp2p in words that their readers know. */
import { describe, expect, it } from '@jest/globals'
import { StreamCloseEvent } from '@libp2p/interface'
import { failureOf, listenFailure, reasonOf } from '../../src/libp2p/failure.js'

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
