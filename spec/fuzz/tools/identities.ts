/** Keys, peer ids and addresses as strangers have them: good ones, odd ones, dear ones. */
import { createHash } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import type { Random } from '../../../src/testing/network/random.js'
import { count, field, idOf } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'
import { varint } from '../../support/session.js'
import { oneOf } from './chunks.js'
import { SIGNED } from './signed.js'

/** Public keys as protocol buffers: of each kind, and one that is dear to verify with. */
export const KEYS: readonly Uint8Array[] = SIGNED.map(({ key }) => key)

/** Protocol buffers, DER, and what is inside, of about this size. */
export function largeKey(random: Random, size: number): Uint8Array {
  const number = join(Uint8Array.of(0x02, 0x82, size >> 8, size & 255), random.bytes(size))
  const nested = join(...Array.from({ length: size >> 1 }, () => Uint8Array.of(0x30, 0x80)))
  return join(count(1, random.below(5)), field(2, oneOf(random, [number, nested, KEYS[0]!])), count(1, 0))
}

export function someKey(random: Random): Uint8Array {
  return oneOf(random, KEYS)
}

/** A multihash: a key, the hash of one, or what is none. */
export function someId(random: Random): Uint8Array {
  const key = someKey(random)
  switch (random.below(4)) {
    case 0:
      return join(Uint8Array.of(0x12, 0x20), createHash('sha256').update(key).digest())
    case 1:
      return join(varint(oneOf(random, [0, 0x11, 0x13, 0x1b, 0xb220])), varint(32), random.bytes(32))
    default:
      return key.length < 128 ? idOf(key) : join(Uint8Array.of(0), varint(key.length), key)
  }
}

const HOSTS = [
  ...['/ip4/192.0.2.1', '/ip4/127.0.0.1', '/ip4/10.1.2.3', '/ip6/2001:db8::1', '/ip6/::ffff:1.2.3.4', '/ip6/::1'],
  ...[
    '/dns/example.com',
    '/dns4/localhost',
    '/dnsaddr/bootstrap.example',
    '/ip6zone/eth0/ip6/fe80::1',
    '/unix/tmp%2Fa',
  ],
  ...['/ip4/10.0.0.0/ipcidr/8', '/memory/1', '/ip6/64:ff9b::10.0.0.1', '/ip6/2002:a00:1::'],
]
const PORTS = ['/tcp/4001', '/tcp/0', '/tcp/65535', '/udp/4001/quic-v1', '/tcp/443/tls/ws', '/tcp/80/http', '']
const ENDS = [
  ...[
    '',
    '',
    '/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
    '/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
  ],
  '/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/p2p-circuit',
]

export function someAddress(random: Random): string {
  return `${oneOf(random, HOSTS)}${oneOf(random, PORTS)}${oneOf(random, ENDS)}`
}

const known = new Map<string, Uint8Array>()

export function someAddressBytes(random: Random): Uint8Array {
  const text = someAddress(random)
  const bytes = known.get(text) ?? multiaddr(text).bytes
  known.set(text, bytes)
  return bytes
}

/** A multihash that is as long as it can be. */
export function longId(random: Random, size: number): Uint8Array {
  return join(varint(oneOf(random, [0, 0x11, 0x12])), varint(size), random.bytes(size))
}

/** One part of an address that is as long as it can be: a peer id, a path, a name. */
export function longAddress(random: Random, size: number): Uint8Array {
  const code = oneOf(random, [421, 400, 53, 56, 42, 445, 466, 481])
  return join(varint(code), varint(size), random.bytes(size))
}
