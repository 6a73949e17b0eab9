/** What the reason of a failed dial means. */
import { describe, expect, it } from '@jest/globals'
import { withAdvice } from '../../src/libp2p/advice.js'

const FAR = '/ip4/192.0.2.1/tcp/1'

describe('the reason of a failed dial', () => {
  it.each([
    ['connect ECONNREFUSED 192.0.2.1:1', 'nothing listens on this port'],
    ['connect EHOSTUNREACH 192.0.2.1:1', 'no way leads there from this machine'],
    ['timed out', 'nothing answers: the host is off, or a firewall drops what comes'],
    [
      'another node is there now, with another peer id',
      'the address is of a node that is there no more, or has lost its secret',
    ],
  ])('has a meaning: %s', (reason, meaning) => {
    expect(withAdvice(FAR, reason)).toBe(`${reason} (${meaning})`)
  })

  it('names this machine where the address is its own', () => {
    const reason = 'connect ECONNREFUSED 127.0.0.1:1'
    expect(withAdvice('/ip4/127.0.0.1/tcp/1', reason)).toBe(
      `${reason} (nothing listens on this port; this address is of this machine itself)`,
    )
  })

  it('stays as it is where nothing is known of it', () => {
    expect(withAdvice(FAR, 'no route')).toBe('no route')
  })
})
