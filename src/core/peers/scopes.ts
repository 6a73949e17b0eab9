/**
 * How far an address reaches, and so who may name it to us. What a stranger names is dialled only where the stranger itself is: a node
 * is no way into a machine or a network that the stranger cannot reach.
 */
import { bytesAt, bytesOf4, groupsOf6 } from './ip.js'

/**
 * `nowhere`: nothing that a stranger may name: unspecified, link-local, multicast and reserved addresses, names, other transports,
 * port 0.
 */
export type Scope = 'loopback' | 'private' | 'public' | 'nowhere'

/** How far a multiaddr of TCP reaches. */
export function scopeOf(address: string): Scope {
  const [, family, host = '', port] = /^\/(ip4|ip6)\/([^/]+)\/tcp\/(\d+)(?:\/p2p\/[^/]+)?$/.exec(address) ?? []
  if (family === undefined || Number(port) === 0) return 'nowhere'
  return family === 'ip4' ? scopeOf4(bytesOf4(host)) : scopeOf6(groupsOf6(host))
}

/**
 * Over what kind of network the other side of a connection is, by the address of that. One that is dialled by name is one that the user has
 * named, and may be near, as on a link of our own.
 */
export function viaOf(address: string): Scope {
  if (/^\/dns[46]?\/localhost(\/|$)/.test(address)) return 'loopback'
  const scope = scopeOf(address)
  return scope === 'nowhere' ? 'private' : scope
}

/**
 * May who is connected to us over `via` name this address, as its own or another's? Whoever is on this machine may name all of its
 * networks. `undefined`: nobody is known to be connected so.
 */
export function mayName(address: string, via: Scope | undefined): boolean {
  const scope = scopeOf(address)
  if (scope === 'public') return true
  if (scope === 'private') return via === 'private' || via === 'loopback'
  return scope === 'loopback' && via === 'loopback'
}

type Bytes = readonly number[]

/** RFC 1122, 1918, 3927, 5771, 6598, 6890. */
function scopeOf4(bytes: Bytes | undefined): Scope {
  if (bytes === undefined) return 'nowhere'
  const [a = 0, b = 0, c = 0] = bytes
  if (a === 127) return 'loopback'
  if (a === 10 || (a === 192 && b === 168) || (a === 172 && b >> 4 === 1) || (a === 100 && b >> 6 === 1))
    return 'private'
  // This network, link-local, protocol assignments (192.0.0.0/24), multicast, reserved, broadcast.
  if (a === 0 || (a === 169 && b === 254) || (a === 192 && b === 0 && c === 0) || a >= 224) return 'nowhere'
  return 'public'
}

/** RFC 4193, 4291, 6052; of the forms that carry an address of IPv4 that one counts (RFC 3056: 6to4). */
function scopeOf6(groups: Bytes | undefined): Scope {
  if (groups === undefined) return 'nowhere'
  const [first = 0, second = 0, , , , fifth = 0] = groups
  const starts = (length: number): boolean => groups.slice(0, length).every((group) => group === 0)
  if (starts(7)) return groups[7] === 1 ? 'loopback' : 'nowhere'
  const isMapped = starts(5) && (fifth === 0 || fifth === 0xffff)
  if (isMapped || (first === 0x64 && second === 0xff9b)) return scopeOf4(bytesAt(groups, 6))
  if (first === 0x2002) return scopeOf4(bytesAt(groups, 1))
  if (first >> 9 === 0x7e) return 'private'
  // Of all others only global unicast (2000::/3).
  return first >> 13 === 1 ? 'public' : 'nowhere'
}
