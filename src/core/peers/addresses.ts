/**
 * Rules about multiaddrs that the core and every network need, as pure functions of their text. Whether a multiaddr is
 * valid at all, the edge checks.
 */
import { mayName, type Scope } from './scopes.js'

/** Is this the address of a loopback interface (127.0.0.0/8, ::1, localhost)? */
export function isLoopback(address: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/(::1|0:0:0:0:0:0:0:1)(\/|$)|^\/dns[46]?\/localhost(\/|$)/.test(address)
}

/** Is this an address that means "every interface" (0.0.0.0, ::) and cannot be dialled? */
export function isUnspecified(address: string): boolean {
  return /^\/ip4\/0\.0\.0\.0(\/|$)|^\/ip6\/(::|0:0:0:0:0:0:0:0)(\/|$)/.test(address)
}

/** Has it port 0, which means "any free one" where somebody listens, and cannot be dialled? */
export function isAnyPort(address: string): boolean {
  return /\/tcp\/0(\/|$)/.test(address)
}

/** What decides whether an address that a peer has said of itself is accepted. */
export interface AddressRule {
  /** Every address that we listen on is a loopback one. */
  loopbackOnly: boolean
  /** How the peer is connected to us. `undefined`: it is not. */
  via: Scope | undefined
  /** Some peer is connected to us over loopback, so there are other nodes on this machine. */
  anyOverLoopback: boolean
}

/**
 * May this address of another peer go into the table? A public one may; a private or loopback one only if the peer is connected to us over
 * such a network; names, and what no host can have, never (`mayName`). If there is no connection to the peer, its private address
 * is accepted, and its loopback address when other nodes run on this machine, so that a network on one machine needs no flags.
 */
export function acceptsAddress(address: string, { loopbackOnly, via, anyOverLoopback }: AddressRule): boolean {
  if (loopbackOnly) return mayName(address, 'loopback')
  return mayName(address, via ?? (anyOverLoopback ? 'loopback' : 'private'))
}

/** The peer id at the end of a multiaddr, if there is one. */
export function peerOf(address: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1]
}

/** The multiaddr without the peer id at its end. */
export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

/** The multiaddr, ending in the peer's id. */
export function withPeer(address: string, peer: string): string {
  return peerOf(address) === undefined ? `${address}/p2p/${peer}` : address
}

/** The host in an address of an IP address. */
export function ipOf(address: string): string {
  return address.split('/')[2]!
}

/** A host in an address by its name, and the families of the IP addresses that are meant. */
export interface HostName {
  readonly name: string
  readonly families: readonly (4 | 6)[]
}

/** `undefined`: it has an IP address, or (`/dnsaddr`) stands for whole addresses. */
export function hostNameOf(address: string): HostName | undefined {
  const [, family = '', name] = /^\/dns([46]?)\/([^/]+)\//.exec(address) ?? []
  return name === undefined ? undefined : { name, families: family === '' ? [6, 4] : family === '6' ? [6] : [4] }
}

/** The address with an IP address in place of the host's name. */
export function atHost(address: string, ip: string): string {
  return address.replace(/^\/dns[46]?\/[^/]+/, `/ip${ip.includes(':') ? 6 : 4}/${ip}`)
}

/** An address at which a peer may be. */
export interface Candidate {
  address: string
  /** The user named it, or the peer itself did. Otherwise it is hearsay. */
  isConfirmed: boolean
}

/**
 * The best first: what is confirmed before hearsay, our own network before others, and IPv6 and IPv4 in turn. `own`: addresses
 * of ours.
 */
export function inOrder(candidates: Candidate[], own: string[]): Candidate[] {
  if (candidates.length < 2) return candidates
  const networks = new Set(own.map((address) => networkOf(address)))
  const groups: Candidate[][] = [[], [], [], []]
  for (const candidate of candidates) {
    const { address, isConfirmed } = candidate
    const isNear = isLoopback(address) || networks.has(networkOf(address))
    groups[(isConfirmed ? 0 : 2) + (isNear ? 0 : 1)]!.push(candidate)
  }
  return groups.flatMap(inTurn)
}

function inTurn(candidates: Candidate[]): Candidate[] {
  const six = candidates.filter(({ address }) => address.startsWith('/ip6/'))
  const others = candidates.filter(({ address }) => !address.startsWith('/ip6/'))
  const pairs = Array.from({ length: Math.max(six.length, others.length) }, (_, index) => [six[index], others[index]])
  return pairs.flat().filter((candidate) => candidate !== undefined)
}

/** Has this address a meaning only in the network where it is used (RFC 1918, RFC 6598, link-local, unique local)? */
export function isPrivate(address: string): boolean {
  return /^\/ip4\/(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)|^\/ip6\/(f[cd]|fe[89ab])/i.test(
    address,
  )
}

/**
 * Whose address this is, as far as it can be told: the site. Of public ones somebody has a whole network: a /24 of IPv4, and a /48 of
 * IPv6, which providers give to one customer. Inside, each address of IPv4 is a host, but in a /64 of IPv6 a host may take any number.
 */
export function siteOf(address: string): string {
  if (address.startsWith('/ip6/')) return networkOf(address, isPrivate(address) ? 4 : 3)
  return isPrivate(address) ? ipOf(address) : networkOf(address)
}

/** Who shares a budget: all of one site. On loopback, where all are of one machine, each is for itself, as `alone`. */
export function rangeOf(address: string, alone: string = ipOf(address)): string {
  return isLoopback(address) ? alone : siteOf(address)
}

/** The network that an address is most probably in: a /24 of IPv4, a /64 of IPv6 (`groups` of 16 bits); a name is a network of its own. */
function networkOf(address: string, groups = 4): string {
  const [, family = '', host = ''] = address.split('/')
  if (family === 'ip4') return host.slice(0, host.lastIndexOf('.'))
  if (family !== 'ip6') return host
  const [before = '', after] = host.split('::') as [string, string?]
  const head = before === '' ? [] : before.split(':')
  const missing = after === undefined ? 0 : 8 - head.length - (after === '' ? 0 : after.split(':').length)
  return [...head, ...Array<string>(Math.max(0, missing)).fill('0'), ...(after?.split(':') ?? [])]
    .slice(0, groups)
    .join(':')
}
