/** The addresses that we listen on: which can be asked for, and for which of them we vouch. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import { INTERFACES_INTERVAL } from '../../src/libp2p/defaults.js'
import { missingAddress, ownAddresses, unsupportedAddress } from '../../src/libp2p/own-addresses.js'

const [A, B, C] = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip4/198.51.100.1/tcp/9'] as const
const PEER = '/p2p/12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'

/** libp2p's books, as far as the service sees them. */
function books(...listening: string[]) {
  const said: string[] = []
  const listeners: (() => void)[] = []
  const net = { listening }
  const own = ownAddresses({
    addressManager: {
      getAddresses: () => net.listening.flatMap((one) => [multiaddr(one), multiaddr(`${one}${PEER}`)]),
      confirmObservedAddr: (address, options) => said.push(`+ ${address.toString()} ${options?.type}`),
      removeObservedAddr: (address) => said.push(`- ${address.toString()}`),
    },
    transportManager: { getAddrs: () => net.listening.map((one) => multiaddr(one)) },
    events: { addEventListener: (_type, listener) => listeners.push(listener) },
  })
  return { own, net, listeners, taken: () => said.splice(0) }
}

describe('what others are told', () => {
  it('is each address once, without a peer id, and confirmed before', () => {
    const { own, taken } = books(A, B)
    expect(own.list()).toEqual([A, B])
    expect(taken()).toEqual([`+ ${A} transport`, `+ ${B} transport`])
    expect(own.listening()).toEqual([A, B])
  })

  it('is confirmed as soon as we listen', () => {
    const { listeners, taken } = books(A)
    expect(taken()).toEqual([])
    for (const listener of listeners) listener()
    expect(taken()).toEqual([`+ ${A} transport`])
  })

  it('is also what others see of us, until they see something else', () => {
    const { own, taken } = books(A)
    own.observed([B, C])
    expect(taken()).toEqual([`+ ${B} observed`, `+ ${C} observed`])
    own.observed([C])
    expect(taken()).toEqual([`- ${B}`, `+ ${C} observed`])
    own.observed([])
    expect(taken()).toEqual([`- ${C}`])
  })
})

describe('interfaces', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('that come or go are told, once each time, until nobody watches', () => {
    const { own, net, taken } = books(A)
    let moves = 0
    own.watch(() => moves++)
    jest.advanceTimersByTime(INTERFACES_INTERVAL)
    expect([moves, taken()]).toEqual([0, []])
    net.listening = [B]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect([moves, taken()]).toEqual([1, [`- ${A}`, `+ ${B} transport`]])
    own.unwatch()
    net.listening = [C]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(moves).toBe(1)
  })
})

describe('an address to listen on', () => {
  it('is TCP over IP or a name', () => {
    const fine = [A, '/ip6/::1/tcp/0', '/dns/a.example/tcp/1', '/dns4/a.example/tcp/1', `/dns6/a.example/tcp/1${PEER}`]
    expect(unsupportedAddress(fine)).toBeUndefined()
    for (const other of ['/ip4/192.0.2.1/udp/1/quic-v1', `${A}/ws`, '/dnsaddr/a.example', '/unix/a']) {
      expect(unsupportedAddress([...fine, other])).toBe(other)
    }
  })

  it('is missing when it is IPv6 and nothing of IPv6 is listened on', () => {
    expect(missingAddress([A, '/ip6/::/tcp/1'], [A])).toBe('/ip6/::/tcp/1')
    expect(missingAddress([A, '/ip6/::/tcp/1'], [A, '/ip6/::1/tcp/1'])).toBeUndefined()
    expect(missingAddress([A], [A])).toBeUndefined()
  })
})
