import { describe, expect, it } from '@jest/globals'
import { mayName, scopeOf, viaOf, type Scope } from '../../../src/core/peers/scopes.js'

describe('the scope of an address', () => {
  it.each<[Scope, string[]]>([
    ['loopback', ['/ip4/127.0.0.1', '/ip4/127.255.255.254', '/ip6/::1', '/ip6/0:0:0:0:0:0:0:1', '/ip6/::ffff:127.0.0.1', '/ip6/::ffff:7f00:1', '/ip6/::127.0.0.1', '/ip6/64:ff9b::7f00:1', '/ip6/2002:7f00:1::']], // prettier-ignore
    ['private', ['/ip4/10.0.0.1', '/ip4/172.16.0.1', '/ip4/172.31.255.255', '/ip4/192.168.1.1', '/ip4/100.64.0.1', '/ip4/100.127.255.255', '/ip6/fc00::1', '/ip6/fdff::1', '/ip6/::ffff:10.0.0.1', '/ip6/2002:a00:1::1', '/ip6/64:ff9b::10.0.0.1']], // prettier-ignore
    ['public', ['/ip4/8.8.8.8', '/ip4/172.32.0.1', '/ip4/172.15.0.1', '/ip4/100.63.0.1', '/ip4/100.128.0.1', '/ip4/192.0.2.1', '/ip4/126.255.0.1', '/ip6/2001:db8::1', '/ip6/::ffff:8.8.8.8']], // prettier-ignore
    ['nowhere', ['/ip4/0.0.0.0', '/ip4/0.1.2.3', '/ip4/169.254.169.254', '/ip4/224.0.0.1', '/ip4/239.1.1.1', '/ip4/240.0.0.1', '/ip4/255.255.255.255', '/ip4/192.0.0.8', '/ip4/256.1.1.1', '/ip4/1.2.3', '/ip6/::', '/ip6/fe80::1', '/ip6/ff02::1', '/ip6/::ffff:169.254.169.254', '/ip6/::ffff:a9fe:a9fe', '/ip6/2002:a9fe:a9fe::', '/ip6/1::2::3', '/ip6/1:2:3', '/ip6/12345::1', '/ip6zone/eth0/ip6/fe80::1', '/dns4/localhost', '/dns/a.example']], // prettier-ignore
  ])('is %s', (scope, addresses) => {
    for (const address of addresses) expect([address, scopeOf(`${address}/tcp/1`)]).toEqual([address, scope])
  })

  it.each([
    '/ip4/8.8.8.8/tcp/0',
    '/ip4/8.8.8.8/udp/1',
    '/ip4/8.8.8.8/tcp/1/ws',
    '/ip4/8.8.8.8',
    '/dnsaddr/a.example',
    '',
  ])('is nowhere when it is no port of TCP: %s', (address) => {
    expect(scopeOf(address)).toBe('nowhere')
  })

  it('is the same with a peer id at its end', () => {
    expect(scopeOf('/ip4/8.8.8.8/tcp/1/p2p/bob')).toBe('public')
  })
})

it('a connection by name, or over a link, is a near one; the user has named it', () => {
  const over = ['/dns/localhost/tcp/1', '/dns4/a.example/tcp/1', '/ip6/fe80::1/tcp/1', '/ip4/8.8.8.8/tcp/1']
  expect(over.map(viaOf)).toEqual(['loopback', 'private', 'private', 'public'])
})

it('who is on this machine names all of its networks, who is in a private one names those, and others name the public one', () => {
  const addresses = ['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1', '/ip4/169.254.169.254/tcp/80']
  const may = (via: Scope | undefined): boolean[] => addresses.map((address) => mayName(address, via))
  expect(may('loopback')).toEqual([true, true, true, false])
  expect(may('private')).toEqual([false, true, true, false])
  for (const via of ['public', 'nowhere', undefined] as const) expect(may(via)).toEqual([false, false, true, false])
})
