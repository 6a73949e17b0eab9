import { describe, expect, it } from '@jest/globals'
import {
  acceptsAddress,
  siteOf,
  inOrder,
  isLoopback,
  isAnyPort,
  isUnspecified,
  peerOf,
  withPeer,
  withoutPeer,
  type AddressRule,
} from '../../../src/core/peers/addresses.js'

describe('whose an address is', () => {
  it.each(['/ip6/:::f:f:f:f:f:f:f:/tcp/1', '/ip6/1:2:3:4:5:6:7:8::9/tcp/1', '/ip6/', '/ip4/'])(
    'can be asked of any text: %s',
    (text) => {
      expect(typeof siteOf(text)).toBe('string')
    },
  )
})

describe('a loopback address', () => {
  it.each([
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/127.0.0.1',
    '/ip4/127.255.255.254/tcp/1',
    '/ip6/::1/tcp/1',
    '/ip6/::1',
    '/ip6/0:0:0:0:0:0:0:1/tcp/1',
    '/dns/localhost/tcp/1',
    '/dns4/localhost/tcp/1',
    '/dns6/localhost',
  ])('is %s', (address) => {
    expect(isLoopback(address)).toBe(true)
  })

  it.each([
    '/ip4/12.7.0.1/tcp/127',
    '/ip4/128.0.0.1/tcp/1',
    '/ip4/192.168.127.1/tcp/1',
    '/ip4/0.0.0.0/tcp/1',
    '/ip6/::/tcp/1',
    '/ip6/::12/tcp/1',
    '/ip6/::1234/tcp/1',
    '/ip6/2001:db8::1/tcp/1',
    '/ip6/fe80::1/tcp/1',
    '/dns/localhost.example.org/tcp/1',
    '/dns/notlocalhost/tcp/1',
  ])('is not %s', (address) => {
    expect(isLoopback(address)).toBe(false)
  })
})

describe('an unspecified address', () => {
  it.each(['/ip4/0.0.0.0/tcp/1', '/ip4/0.0.0.0', '/ip6/::/tcp/1', '/ip6/::', '/ip6/0:0:0:0:0:0:0:0/tcp/1'])(
    'is %s',
    (address) => {
      expect(isUnspecified(address)).toBe(true)
    },
  )

  it.each([
    '/ip4/10.0.0.0/tcp/1',
    '/ip4/0.0.0.1/tcp/1',
    '/ip6/::1/tcp/1',
    '/ip6/2001:db8::/tcp/1',
    '/dns/0.0.0.0/tcp/1',
  ])('is not %s', (address) => {
    expect(isUnspecified(address)).toBe(false)
  })
})

it.each([
  ['/ip4/127.0.0.1/tcp/0', true],
  ['/ip6/::/tcp/0', true],
  ['/dns/a.example/tcp/0/p2p/bob', true],
  ['/ip4/127.0.0.1/tcp/1', false],
  ['/ip4/127.0.0.1/tcp/10', false],
  ['/ip4/127.0.0.1/tcp/09', false],
])('an address with port 0 has any: %s', (address, isAny) => {
  expect(isAnyPort(address)).toBe(isAny)
})

describe('an address of another peer', () => {
  const VIA: AddressRule['via'][] = ['loopback', 'private', 'public', undefined]
  /** Every combination of what the rule knows. */
  const rules: AddressRule[] = [true, false].flatMap((loopbackOnly) =>
    VIA.flatMap((via) => [true, false].map((anyOverLoopback) => ({ loopbackOnly, via, anyOverLoopback }))),
  )
  const taken = (address: string, some = rules): AddressRule[] => some.filter((rule) => acceptsAddress(address, rule))

  it.each(['/ip4/192.0.2.1/tcp/1', '/ip6/2001:db8::1/tcp/1'])('is taken always when it is %s', (address) => {
    expect(taken(address)).toEqual(rules)
  })

  it.each([
    '/ip4/0.0.0.0/tcp/1',
    '/ip6/::/tcp/1',
    '/ip4/169.254.169.254/tcp/80',
    '/dns/example.org/tcp/1',
    '/dns4/localhost/tcp/1',
    '/dnsaddr/example.org',
    '/unix/tmp/socket',
    '/memory/1',
    '/onion3/x:1',
    '/p2p/12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc',
    '',
  ])('is never taken when it is "%s"', (address) => {
    expect(taken(address)).toEqual([])
  })

  it('of a private network is taken, but not of a peer that is connected over a public one', () => {
    for (const address of ['/ip4/10.0.0.1/tcp/1', '/ip4/192.168.1.1/tcp/1', '/ip6/fd00::1/tcp/1']) {
      expect(taken(address)).toEqual(rules.filter(({ loopbackOnly, via }) => loopbackOnly || via !== 'public'))
    }
  })

  it('of loopback is taken of who is there, or while nobody knows where it is and others are there', () => {
    const isGood = ({ loopbackOnly, via, anyOverLoopback }: AddressRule): boolean =>
      loopbackOnly || via === 'loopback' || (via === undefined && anyOverLoopback)
    for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'])
      expect(taken(address)).toEqual(rules.filter(isGood))
  })
})

describe('the peer id at the end of a multiaddr', () => {
  it.each([
    ['/ip4/1.2.3.4/tcp/1/p2p/Q', 'Q', '/ip4/1.2.3.4/tcp/1'],
    ['/p2p/Q', 'Q', ''],
    ['/ip4/1.2.3.4/tcp/1', undefined, '/ip4/1.2.3.4/tcp/1'],
    ['/ip4/1.2.3.4/tcp/1/p2p/R/p2p-circuit/p2p/Q', 'Q', '/ip4/1.2.3.4/tcp/1/p2p/R/p2p-circuit'],
    ['/ip4/1.2.3.4/tcp/1/p2p/R/p2p-circuit', undefined, '/ip4/1.2.3.4/tcp/1/p2p/R/p2p-circuit'],
    ['', undefined, ''],
  ])('of "%s" is %p', (address, peer, rest) => {
    expect(peerOf(address)).toBe(peer)
    expect(withoutPeer(address)).toBe(rest)
  })
})

describe('the order of addresses', () => {
  const order = (addresses: string[], own: string[] = [], hearsay: string[] = []): string[] =>
    inOrder(
      [...hearsay.map((address) => ({ address, isConfirmed: false })), ...addresses.map((address) => ({ address, isConfirmed: true }))], // prettier-ignore
      own,
    ).map(({ address }) => address)

  it('has what is confirmed before hearsay, wherever that is', () => {
    expect(order(['/ip4/9.9.9.9/tcp/1'], ['/ip4/10.0.0.7/tcp/1'], ['/ip4/10.0.0.1/tcp/1'])).toEqual([
      '/ip4/9.9.9.9/tcp/1',
      '/ip4/10.0.0.1/tcp/1',
    ])
  })

  it('has our own network before others', () => {
    const own = ['/ip4/10.0.0.7/tcp/1', '/ip6/2001:db8::7/tcp/1']
    const [far, near] = [
      ['/ip4/10.0.1.1/tcp/1', '/ip6/2001:db8:0:1::1/tcp/1', '/dns4/example.org/tcp/1'],
      ['/ip4/10.0.0.1/tcp/1', '/ip6/2001:db8:0:0:1::1/tcp/1', '/ip4/127.0.0.1/tcp/1'],
    ]
    expect(
      order([...far, ...near], own)
        .slice(0, 3)
        .sort(),
    ).toEqual(near.sort())
  })

  it('has IPv6 and IPv4 in turn', () => {
    const addresses = [
      '/ip4/1.0.0.1/tcp/1',
      '/ip4/1.0.0.2/tcp/1',
      '/ip6/2::1/tcp/1',
      '/ip6/2::2/tcp/1',
      '/ip6/2::3/tcp/1',
    ]
    expect(order(addresses).map((address) => address.slice(1, 4))).toEqual(['ip6', 'ip4', 'ip6', 'ip4', 'ip6'])
  })

  it('is otherwise as they were given', () => {
    const addresses = ['/ip4/3.0.0.1/tcp/1', '/ip4/1.0.0.1/tcp/1', '/ip4/2.0.0.1/tcp/1']
    expect(order(addresses)).toEqual(addresses)
  })
})

describe('an address with its peer', () => {
  it('ends in the peer id, once', () => {
    expect(withPeer('/ip4/1.2.3.4/tcp/1', 'bob')).toBe('/ip4/1.2.3.4/tcp/1/p2p/bob')
    expect(withPeer('/ip4/1.2.3.4/tcp/1/p2p/bob', 'bob')).toBe('/ip4/1.2.3.4/tcp/1/p2p/bob')
  })
})
