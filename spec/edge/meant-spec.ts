/** What a text that is no multiaddr was probably meant to be. */
import { describe, expect, it } from '@jest/globals'
import { checkTcpAddress } from '../../src/edge/targets.js'
import { isLikeAddress, meantAddress } from '../../src/edge/meant.js'

describe('a text that is no multiaddr', () => {
  it.each([
    ['localhost:4001', '/dns/localhost/tcp/4001'],
    ['boot.example.org:4001', '/dns/boot.example.org/tcp/4001'],
    ['192.0.2.1:4001', '/ip4/192.0.2.1/tcp/4001'],
    ['[2001:db8::1]:4001', '/ip6/2001:db8::1/tcp/4001'],
    ['tcp://192.0.2.1:4001', '/ip4/192.0.2.1/tcp/4001'],
    ['http://boot.example.org:80/', '/dns/boot.example.org/tcp/80'],
    [':4001', '/ip4/0.0.0.0/tcp/4001'],
    ['ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.1/tcp/4001'],
  ])('is understood where it has a host and a port: %s', (text, address) => {
    expect(meantAddress(text, checkTcpAddress)).toBe(address)
    expect(isLikeAddress(text)).toBe(true)
  })

  it.each([
    '',
    'foo',
    '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc',
    '/ip4/192.0.2.1',
    'a b:1',
    '2001:db8::1:4001',
    'a:b',
  ])('is not understood otherwise: %s', (text) => {
    expect(meantAddress(text, () => undefined)).toBeUndefined()
    expect(isLikeAddress(text)).toBe(false)
  })

  it.each(['localhost:99999', '300.1.1.1:80', '[1:2]:80', 'foo/bar/tcp/1', 'ip4/192.0.2.1/tcp/1/ws'])(
    'gets no advice that would be refused next: %s',
    (text) => {
      expect(meantAddress(text, checkTcpAddress)).toBeUndefined()
      expect(isLikeAddress(text)).toBe(true)
    },
  )
})
