/** The addresses that we listen on: which can be asked for, and for which of them we vouch. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import { INTERFACES_INTERVAL } from '../../src/libp2p/defaults.js'
import { listenFailure } from '../../src/libp2p/failure.js'
import { listenOn, ownAddresses } from '../../src/libp2p/own-addresses.js'
import { Interfaces, type Changes } from '../../src/platform/interfaces.js'

const [A, B, C] = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip4/198.51.100.1/tcp/9'] as const
const PEER = '/p2p/12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'

/** libp2p's books, as far as the service sees them. */
function books(...listening: string[]) {
  const said: string[] = []
  const listeners: (() => void)[] = []
  const net = { listening, interfaces: listening }
  const interfaces = new Interfaces(() =>
    net.interfaces.map((one) => ({ name: 'eth0', family: 'IPv4', address: one.split('/')[2]! })),
  )
  const own = ownAddresses(
    {
      addressManager: {
        getAddresses: () => net.listening.flatMap((one) => [multiaddr(one), multiaddr(`${one}${PEER}`)]),
        confirmObservedAddr: (address, options) => said.push(`+ ${address.toString()} ${options?.type}`),
        removeObservedAddr: (address) => said.push(`- ${address.toString()}`),
      },
      transportManager: { getAddrs: () => net.listening.map((one) => multiaddr(one)) },
      events: { addEventListener: (_type, listener) => listeners.push(listener) },
    },
    interfaces,
  )
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

const unexpected = (error: unknown): never => {
  throw error
}

describe('interfaces', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('that come or go are told, once each time, until nobody watches', () => {
    const { own, net, taken } = books(A)
    const told: Changes[] = []
    own.watch((changes) => told.push(changes), unexpected)
    jest.advanceTimersByTime(INTERFACES_INTERVAL)
    expect([told, taken()]).toEqual([[], []])
    net.listening = net.interfaces = [B]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(told.splice(0)).toEqual([{ moved: true, gone: new Set(['192.0.2.1']) }])
    expect(taken()).toEqual([`- ${A}`, `+ ${B} transport`])
    own.unwatch()
    net.listening = net.interfaces = [C]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(told).toEqual([])
  })

  it('that the system does not tell for a while harm nobody: where we listen is what it was, and changes are told', () => {
    const { own, net, taken } = books(A)
    const told: Changes[] = []
    own.watch((changes) => told.push(changes), unexpected)
    const listening = { get: () => { throw new Error('EMFILE') }, configurable: true } // prettier-ignore
    Object.defineProperty(net, 'listening', listening)
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect([own.listening(), told, taken()]).toEqual([[A], [], []])
    net.interfaces = [B]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(told).toEqual([{ moved: true, gone: new Set(['192.0.2.1']) }])
    Object.defineProperty(net, 'listening', { value: [B] })
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect([own.listening(), taken()]).toEqual([[B], [`- ${A}`, `+ ${B} transport`]])
  })

  it('that have changed are told again until that has worked, with those that change meanwhile, and failures are told too', () => {
    const { own, net } = books(A)
    const told: Changes[] = []
    const failures: unknown[] = []
    let isBroken = true
    own.watch(
      (changes) => {
        told.push(changes)
        if (isBroken) throw new Error('a bug')
      },
      (error) => failures.push(error),
    )
    net.interfaces = [B]
    jest.advanceTimersByTime(INTERFACES_INTERVAL)
    net.interfaces = [C]
    jest.advanceTimersByTime(INTERFACES_INTERVAL)
    // The first is back.
    net.interfaces = [A]
    isBroken = false
    jest.advanceTimersByTime(3 * INTERFACES_INTERVAL)
    const [a, b, c] = [A, B, C].map((one) => one.split('/')[2]!)
    expect(told).toEqual([[a], [a, b], [b, c]].map((gone) => ({ moved: true, gone: new Set(gone) })))
    expect(failures).toEqual([new Error('a bug'), new Error('a bug')])
  })

  it('that are missing for a moment leave what others are told as it is', () => {
    const { own, net, taken } = books(A)
    const told: Changes[] = []
    own.watch((changes) => told.push(changes), unexpected)
    net.listening = net.interfaces = []
    // Before any look has missed it.
    own.list()
    // libp2p leaves it out, as long as it is not known from others.
    expect(taken()).toEqual([`+ ${A} observed`])
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(new Set(taken())).toEqual(new Set([`+ ${A} observed`]))
    net.listening = net.interfaces = [A]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(taken()).toEqual([`- ${A}`, `+ ${A} transport`])
    expect(told).toEqual([])
  })

  it('that stay away take their addresses with them', () => {
    const { own, net, taken } = books(A)
    const told: Changes[] = []
    own.watch((changes) => told.push(changes), unexpected)
    net.listening = net.interfaces = []
    jest.advanceTimersByTime(10 * INTERFACES_INTERVAL)
    expect(taken().filter((line) => line.startsWith('-'))).toEqual([`- ${A}`])
    expect(told).toEqual([{ moved: true, gone: new Set(['192.0.2.1']) }])
  })

  it('are watched too where a named address is listened on', () => {
    const { own, net, taken } = books(A)
    const told: Changes[] = []
    own.watch((changes) => told.push(changes), unexpected)
    net.interfaces = [C]
    jest.advanceTimersByTime(2 * INTERFACES_INTERVAL)
    expect(told).toEqual([{ moved: true, gone: new Set(['192.0.2.1']) }])
    expect(taken()).toEqual([])
  })
})

describe('addresses to listen on', () => {
  it('are tried one after the other, named ports first, and each has what it got; the others are told with the reason', async () => {
    const named = [A, '/dns/a.example/tcp/1', '/dns4/a.example/tcp/1', '/dns6/a.example/tcp/1']
    const free = ['/ip6/::1/tcp/0']
    const others = ['/ip4/192.0.2.1/udp/1/quic-v1', `${A}/ws`, '/dnsaddr/a.example', '/unix/a']
    const tried: string[] = []
    let isBusy = false
    const listen = async (address: { toString(): string }): Promise<string[]> => {
      expect(isBusy).toBe(false)
      isBusy = true
      await Promise.resolve()
      isBusy = false
      tried.push(address.toString())
      if (tried.length === 1) throw new Error('in use')
      return [`got ${address.toString()}`]
    }
    // The first is there twice, and works the second time.
    const asked = [...free, A, ...named, ...others]
    const { bound, failures } = await listenOn({ services: { transports: { listen } } }, asked)
    expect(tried).toEqual([A, ...named, ...free])
    expect(bound).toEqual([
      ['got /ip6/::1/tcp/0'],
      undefined,
      ...named.map((one) => [`got ${one}`]),
      ...others.map(() => undefined),
    ])
    expect(failures.map(({ address }) => address)).toEqual([A, ...others])
    const { message } = listenFailure(failures)
    expect(message).toContain(`${A} (in use)`)
    expect(message).toContain('/unix/a (only TCP addresses can be listened on)')
  })
})
