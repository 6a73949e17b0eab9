import { describe, expect, it } from '@jest/globals'
import { bitsOf, hostPrefix, prefixOf, textOf } from '../../../src/core/access/ranges.js'

describe('a range of addresses', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001:DB8:0:0::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1/128'],
    ['2001:db8::ffff/47', '2001:db8::/47'],
    ['::ffff:10.1.2.3', '10.1.2.3/32'],
    ['::ffff:a01:203', '10.1.2.3/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('%s is %s', (text, canonical) => {
    expect(textOf(prefixOf(text)!)).toBe(canonical)
    expect(prefixOf(canonical)).toBe(prefixOf(text))
  })

  it.each([
    '',
    '/',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0/8',
    '256.0.0.1',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    ':::/3',
  ])('%j is none', (text) => {
    expect(prefixOf(text)).toBeUndefined()
  })
})

describe('an address', () => {
  const isIn = (address: string, range: string): boolean =>
    bitsOf(address).some((all) => all.startsWith(prefixOf(range)!))

  it.each([
    ['/ip4/10.9.8.7/tcp/1', '10.0.0.0/8', true],
    ['/ip4/11.9.8.7/tcp/1', '10.0.0.0/8', false],
    ['/ip4/192.0.2.129/tcp/1/p2p/x', '192.0.2.128/25', true],
    ['/ip4/192.0.2.127/tcp/1', '192.0.2.128/25', false],
    ['/ip6/2001:db8::5/tcp/1', '2001:db8::/32', true],
    ['/ip6zone/eth0/ip6/fe80::5/tcp/1', 'fe80::/10', true],
    ['/ip6/fe80::5%eth0/tcp/1', 'fe80::/10', true],
    // The same host, written in other ways.
    ['/ip6/::ffff:10.9.8.7/tcp/1', '10.0.0.0/8', true],
    ['/ip4/10.9.8.7/tcp/1', '::ffff:10.0.0.0/104', true],
    ['/ip6/64:ff9b::a09:807/tcp/1', '10.0.0.0/8', true],
    ['/ip6/2002:a09:807::1/tcp/1', '10.0.0.0/8', true],
    // All of IPv6, and nothing of IPv4; and the other way round.
    ['/ip4/10.9.8.7/tcp/1', '::/0', false],
    ['/ip6/::ffff:10.9.8.7/tcp/1', '::/0', false],
    ['/ip6/2001:db8::5/tcp/1', '0.0.0.0/0', false],
    ['/dns4/a.example/tcp/1', '0.0.0.0/0', false],
    ['/ip4/nonsense/tcp/1', '0.0.0.0/0', false],
  ])('%s in %s: %s', (address, range, expected) => {
    expect(isIn(address, range)).toBe(expected)
  })

  it('is of a host: itself in IPv4, its /64 in IPv6', () => {
    expect(textOf(hostPrefix('/ip4/192.0.2.1/tcp/1')!)).toBe('192.0.2.1/32')
    expect(textOf(hostPrefix('/ip6/2001:db8:1:2:3::4/tcp/1')!)).toBe('2001:db8:1:2::/64')
    expect(hostPrefix('/dns4/a.example/tcp/1')).toBeUndefined()
  })
})
