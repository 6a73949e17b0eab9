/** Which addresses of this machine have come, which are gone, and which are only missing for a moment. */
import { describe, expect, it } from '@jest/globals'
import { interfaceAddresses, Interfaces, MISSED_LOOKS, type InterfaceAddress } from '../../src/platform/interfaces.js'

const lo = at('lo', '127.0.0.1')
const wired = at('eth0', '192.0.2.1')
const wireless = at('wlan0', '198.51.100.1')
const six = at('eth0', '2001:db8::1')
const temporary = at('eth0', '2001:db8::cafe')
const local = at('eth0', 'fe80::1')

function at(name: string, address: string): InterfaceAddress {
  return { name, address, family: address.includes(':') ? 'IPv6' : 'IPv4' }
}

/** What each look after the first says: `moved`, and the addresses that are gone. */
function looks(...lists: (InterfaceAddress[] | undefined)[]): string[] {
  let next = 0
  const interfaces = new Interfaces(() => lists[next++])
  return lists.slice(1).map(() => {
    const { moved, gone } = interfaces.look()
    return [...(moved ? ['moved'] : []), ...gone].join(' ')
  })
}

describe('an address', () => {
  it('that comes is told once', () => {
    expect(looks([lo], [lo, wired], [lo, wired])).toEqual(['moved', ''])
  })

  it('that is missing for a moment, with its interface, is neither gone nor new', () => {
    expect(looks([lo, wired, six], [lo], [lo], [lo, wired, six], [lo, wired, six])).toEqual(['', '', '', ''])
  })

  it('that stays away is gone after three looks, once', () => {
    expect(MISSED_LOOKS).toBe(3)
    expect(looks([lo, wired], [lo], [lo], [lo], [lo], [lo])).toEqual(['', '', '', 'moved 192.0.2.1', ''])
  })

  it('is new again when it comes back later', () => {
    expect(looks([wired], [], [], [], [], [wired]).at(-1)).toBe('moved')
  })

  it('has as long the next time', () => {
    expect(looks([wired], [], [], [wired], [], [], [wired])).toEqual(Array(6).fill(''))
  })

  it('of an interface that has another one now is gone at once: it was taken away', () => {
    expect(looks([lo, wired], [lo, at('eth0', '192.0.2.9')])).toEqual(['moved 192.0.2.1'])
    expect(looks([six, temporary], [six])).toEqual(['moved 2001:db8::cafe'])
  })

  it('may come back when its interface has an address of its own alone, or one of the other family', () => {
    expect(looks([wired, six, local], [local], [local, six], [local, six, wired])).toEqual(['', '', ''])
    expect(looks([six, local], [local], [local], [local, six])).toEqual(['', '', ''])
  })

  it('may come back whatever other interfaces do', () => {
    expect(looks([lo, wired], [lo, wireless], [lo, wireless, wired])).toEqual(['moved', ''])
  })

  it('that no look has seen is not gone', () => {
    expect(looks([lo], [lo, wired])).not.toContain(expect.stringContaining('10.7.0.5'))
  })

  it('that means something on its own wire alone is no news, and its connections are lost with it', () => {
    const veth = at('veth1', 'fe80::2')
    expect(looks([lo], [lo, veth])).toEqual([''])
    expect(looks([lo, veth], [lo], [lo], [lo], [lo]).at(-1)).toBe('fe80::2')
  })

  it('is not gone because the system does not tell for a while', () => {
    expect(looks([wired], undefined, undefined, undefined, undefined, [wired])).toEqual(Array(5).fill(''))
  })
})

it('this machine has at least its own', () => {
  expect(interfaceAddresses()).toContainEqual({ name: expect.any(String), address: '127.0.0.1', family: 'IPv4' })
})
