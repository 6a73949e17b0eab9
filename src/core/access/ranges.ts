/**
 * Ranges of IP addresses in CIDR form (RFC 4632, RFC 4291), as prefixes of bits in text: `4` and up to 32 of IPv4, `6` and up to 128 of
 * IPv6. An IPv4 address that is written as one of IPv6 (`::ffff:192.0.2.1`) is one of IPv4. So an address is in one of thousands of
 * ranges after a look for each length of prefix that there is, at most 162.
 */
import { bytesAt, bytesOf4, groupsOf6 } from '../peers/ip.js'

/** A prefix in text. */
export type Prefix = string

const MAPPED = `6${bits([0, 0, 0, 0, 0, 0xffff], 16)}`

/** The range that a text names, `10.0.0.0/8`, or a single address; `undefined`: it names none. Bits beyond the prefix count for nothing. */
export function prefixOf(text: string): Prefix | undefined {
  const [, host = '', length] = /^([^/]+?)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const all = bitsOfHost(host, false)
  if (all === undefined) return undefined
  const size = all.length - 1
  const wanted = length === undefined ? size : Number(length)
  if (wanted > size) return undefined
  return canonical(all.slice(0, 1 + wanted))
}

/** The range as people write it. */
export function textOf(prefix: Prefix): string {
  const length = prefix.length - 1
  if (prefix.startsWith('4')) {
    return `${numbers(prefix.slice(1).padEnd(32, '0'), 8).join('.')}/${length}`
  }
  const groups = numbers(prefix.slice(1).padEnd(128, '0'), 16).map((group) => group.toString(16))
  return `${shortened(groups)}/${length}`
}

/**
 * The bits of the IP address of a multiaddr, and those of the address of IPv4 that it leads to by a translation (NAT64, RFC 6052; 6to4, RFC
 * 3056). None: it has a name.
 */
export function bitsOf(address: string): string[] {
  const [, family = '', host = ''] = /^(?:\/ip6zone\/[^/]+)?\/(ip4|ip6)\/([^/]+)/.exec(address) ?? []
  if (family === '') return []
  const own = bitsOfHost(host.replace(/%.*$/, ''))
  if (own === undefined) return []
  const inside = own.startsWith('6') ? translated(groupsOf6(host.replace(/%.*$/, ''))!) : undefined
  return inside === undefined ? [own] : [own, `4${bits(inside, 8)}`]
}

/** What a ban of an address concerns: the host of IPv4, and the /64 of IPv6, in which a host may take any number. */
export function hostPrefix(address: string): Prefix | undefined {
  const own = bitsOf(address)[0]
  return own?.slice(0, own.startsWith('6') ? 65 : 33)
}

function bitsOfHost(host: string, isWhole = true): string | undefined {
  const bytes = bytesOf4(host)
  if (bytes !== undefined) return `4${bits(bytes, 8)}`
  const groups = groupsOf6(host)
  if (groups === undefined) return undefined
  const all = `6${bits(groups, 16)}`
  return isWhole ? canonical(all) : all
}

/** A range of mapped addresses is one of IPv4. One that is wider is of IPv6 alone: `::/0` says nothing of IPv4. */
function canonical(prefix: Prefix): Prefix {
  return prefix.startsWith(MAPPED) ? `4${prefix.slice(MAPPED.length)}` : prefix
}

function translated(groups: readonly number[]): readonly number[] | undefined {
  if (groups[0] === 0x2002) return bytesAt(groups, 1)
  const isNat64 = groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0)
  return isNat64 ? bytesAt(groups, 6) : undefined
}

function bits(values: readonly number[], width: number): string {
  return values.map((value) => value.toString(2).padStart(width, '0')).join('')
}

function numbers(text: string, width: number): number[] {
  return Array.from({ length: text.length / width }, (_, at) => parseInt(text.slice(at * width, (at + 1) * width), 2))
}

/** Without the longest run of zeros (RFC 5952). */
function shortened(groups: string[]): string {
  const whole = groups.join(':')
  const runs = [...whole.matchAll(/(?<![\da-f])0(?::0)+(?![\da-f])/g)].sort((a, b) => b[0].length - a[0].length)
  const [run] = runs
  if (run === undefined) return whole
  const before = whole.slice(0, run.index).replace(/:$/, '')
  const after = whole.slice(run.index + run[0].length).replace(/^:/, '')
  return `${before}::${after}`
}
