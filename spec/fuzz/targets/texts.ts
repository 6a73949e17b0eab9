/** Texts of addresses, peers, ranges and keys, as a config, a file or a stranger has them; what name servers and hosts files say. */
import '../../../src/platform/polyfill.js'
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { bitsOf, hostPrefix, prefixOf, textOf } from '../../../src/core/access/ranges.js'
import {
  acceptsAddress,
  hostNameOf,
  siteOf,
  inOrder,
  isLoopback,
  peerOf,
  rangeOf,
  withoutPeer,
} from '../../../src/core/peers/addresses.js'
import { scopeOf } from '../../../src/core/peers/scopes.js'
import { checkEntries } from '../../../src/edge/access/entries.js'
import { checkAbout, checkTarget, checkTcpAddress } from '../../../src/edge/targets.js'
import { parseSecret } from '../../../src/secret.js'
import { priceOfKey } from '../../../src/libp2p/gossip/keys.js'
import { boundPeerIds, peerIdOf } from '../../../src/libp2p/guards/peer-ids.js'
import { readNetworkKey, textOfNetworkKey } from '../../../src/network-key.js'
import { Names, type Family, type Sources } from '../../../src/platform/names.js'
import type { Random } from '../../../src/testing/network/random.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { hold, oneOf, text, utf8 } from '../tools/chunks.js'
import {
  KEYS,
  largeKey,
  longAddress,
  longId,
  someAddress,
  someAddressBytes,
  someId,
  someKey,
} from '../tools/identities.js'
import { SIGNED } from '../tools/signed.js'

/** Of a config, or of a file of ours: nobody writes more. */
const LONG = 16_384

const PEERS = SIGNED.flatMap(({ peer }) => (peer === '' ? [] : [peer]))
const MEANT = [
  'localhost:4001',
  'http://[::1]:80/',
  'ip4/1.2.3.4/tcp/1',
  '1.2.3.4:99999',
  '[::',
  '/',
  '/p2p/x',
  ' ',
  '@:1',
]

/** All that is asked of an address once it is there. */
function rules(address: string): string {
  const bits = bitsOf(address)
  hold(bits.length <= 2 && bits.every((all) => all.length <= 129), 'an address has no more bits than there are')
  hostPrefix(address)
  peerOf(withoutPeer(address))
  hostNameOf(address)
  isLoopback(address)
  if (address.split('/').length > 3) rangeOf(siteOf(address) === '' ? '/ip4/192.0.2.1/tcp/1' : address)
  inOrder(
    [address, '/ip4/192.0.2.1/tcp/1'].map((one) => ({ address: one, isConfirmed: true })),
    [],
  )
  const scope = scopeOf(address)
  const accepted = acceptsAddress(address, { loopbackOnly: false, via: 'public', anyOverLoopback: false })
  return `${scope}, ${accepted ? 'accepted' : 'not accepted'}`
}

function someText(random: Random): string {
  return random.below(3) === 0 ? oneOf(random, [...MEANT, ...PEERS]) : someAddress(random)
}

function repeated(random: Random, size: number, pieces: readonly string[]): Uint8Array {
  const piece = oneOf(random, pieces)
  return utf8(
    `${oneOf(random, ['', '/', '/ip6/', '1:', 'a'])}${piece.repeat(size / piece.length)}${oneOf(random, ['', ' ', '/', '!'])}`,
  )
}

const addressTexts: Target = {
  name: 'addresses as texts',
  share: 1,
  most: LONG,
  memory: 512,
  throws: ['P2pError'],
  outcomes: 5,
  good: (random) => utf8(someText(random)),
  large: (random, size) =>
    repeated(random, size, ['/ip4/1.2.3.4', ':', '1', 'a:', '/p2p/x', '1.', '/', '%', '0:', '[', ' ']),
  read(input) {
    const one = text(input)
    let target = 'no target'
    try {
      checkAbout(one)
      target = checkTarget(one).addresses.length === 0 ? 'a peer' : 'an address'
    } catch (error) {
      if ((error as Error).name !== 'P2pError') throw error
    }
    rules(one)
    return `${target}: ${rules(checkTcpAddress(one))}`
  },
}

/** Errors of stock multiaddr. */
const MULTIADDR = [
  'InvalidMultiaddrError',
  'UnknownProtocolError',
  'ParseError',
  'ValidationError',
  'RangeError',
  'Error',
]

const addressBytes: Target = {
  name: 'addresses as bytes',
  share: 2,
  // One may take all of a message of identify.
  most: 8_192,
  memory: 512,
  throws: [...MULTIADDR, 'TypeError: Invalid'],
  outcomes: 5,
  good: (random) => join(...Array.from({ length: 1 + random.below(2) }, () => someAddressBytes(random))),
  large: longAddress,
  prepare: boundPeerIds,
  read: (input) => rules(multiaddr(input).toString()),
}

const ranges: Target = {
  name: 'ranges of addresses',
  share: 2,
  most: LONG,
  throws: ['P2pError'],
  outcomes: 4,
  good: (random) =>
    utf8(
      `${oneOf(random, ['10.0.0.0', '192.0.2.255', '2001:db8::', '::', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8', ...PEERS])}${oneOf(random, ['', '/0', '/8', '/32', '/64', '/128', '/129'])}`,
    ),
  large: (random, size) => repeated(random, size, [':', '1', '1:', '1.', '/', '::', 'f', '0:', '1.1.1.1.', '/8']),
  read(input) {
    const one = text(input)
    const prefix = prefixOf(one)
    if (prefix !== undefined) hold(prefixOf(textOf(prefix)) === prefix, `${one} is the range that it is written as`)
    const [entry] = checkEntries(one, 'it')
    return prefix === undefined
      ? 'a peer'
      : `IPv${prefix[0]}, ${entry !== undefined && prefix.length > 33 ? 'long' : 'short'}`
  },
}

const networkKeys: Target = {
  name: 'keys of private networks',
  share: 1,
  most: LONG,
  throws: ['P2pError'],
  outcomes: 2,
  good(random) {
    const key = random.bytes(32)
    const base64 = Buffer.from(key).toString('base64')
    return utf8(random.below(2) === 0 ? textOfNetworkKey(key) : `/key/swarm/psk/1.0.0/\n/base64/\n${base64}\n`)
  },
  large: (random, size) =>
    join(
      utf8(oneOf(random, ['x', '/key/swarm/psk/1.0.0/\n/base16/\n', '/key/swarm/psk/1.0.0/\n/base64/\n'])),
      repeated(random, size, [' ', '\n', 'a', '\t\n', '=', '\r', '0f']),
    ),
  read(input) {
    const key = readNetworkKey(text(input), 'it')
    hold(key.length === 32, 'a key has 32 bytes')
    return key.every((byte) => byte === 0) ? 'a key of zeros' : 'a key'
  },
}

const secrets: Target = {
  name: 'secrets',
  share: 1,
  most: LONG,
  throws: ['P2pError'],
  good: (random) =>
    utf8(oneOf(random, ['4zvwRjXUKGfvwnParsHAS3HuSVzV5cA4McphgmoCtajS', '11111111111111111111111111111111'])),
  large: (random, size) => repeated(random, size, ['1', 'z', ' ']),
  read: (input) => `${parseSecret(text(input)).length} bytes`,
}

const peerIds: Target = {
  name: 'peer ids as bytes',
  share: 2,
  // Of a peer in an answer of Kademlia.
  most: 8_192,
  good: someId,
  outcomes: 3,
  large: (random, size) => longId(random, size),
  read(input) {
    const id = peerIdOf(input)
    if (id === undefined) return 'nobody'
    hold(id.toString().length > 0, 'a peer id has a text')
    return id.type
  },
}

const keys: Target = {
  name: 'public keys',
  share: 0.5,
  most: 65_536,
  memory: 512,
  outcomes: 5,
  throws: [
    ...['InvalidPublicKeyError', 'InvalidParametersError', 'UnsupportedKeyTypeError', 'RangeError', 'Error'],
    // DER that is none, and points that are on no curve.
    ...['InvalidMessageError', 'TypeError', 'SyntaxError'],
  ],
  good: someKey,
  large: (random, size) =>
    random.below(2) === 0 ? join(oneOf(random, KEYS), random.bytes(size)) : largeKey(random, size),
  read(input) {
    const price = priceOfKey(input)
    const key = publicKeyFromProtobuf(input)
    hold(key.toMultihash().bytes.length > 0, 'a key has an id')
    return `${key.type}, ${price === undefined ? 'not taken' : price}`
  },
}

const HOSTS = [
  '# all',
  '127.0.0.1 localhost',
  '::1 localhost boot.example',
  '192.0.2.1\tboot.example # ours',
  '192.0.2.2 x boot.example',
]

/** The first byte says which name server there is. */
function sources(input: Uint8Array): Sources {
  const kind = (input[0] ?? 0) % 4
  const lines = text(input.subarray(1)).split('\n')
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }))
  const resolve = kind === 0 ? () => Promise.resolve(lines) : failing(oneByte(input))
  return {
    resolver: () =>
      ({ resolve4: resolve, resolve6: resolve, cancel: () => undefined }) as unknown as ReturnType<Sources['resolver']>,
    hosts: () => Promise.resolve(kind === 1 ? lines.join('\n') : ''),
    system: kind === 3 ? failing('ENOTFOUND') : () => Promise.resolve(lines),
  }
}

function oneByte(input: Uint8Array): string {
  return (input[1] ?? 0) % 2 === 0 ? 'ENODATA' : 'ENOTFOUND'
}

const hosts: Target = {
  name: 'hosts files, name servers',
  share: 0.5,
  // A list of blocked names.
  most: 1024 * 1024,
  memory: 256,
  outcomes: 2,
  throws: ['Error'],
  good: (random) =>
    join(
      random.bytes(1),
      utf8(Array.from({ length: random.below(5) }, () => oneOf(random, HOSTS)).join(oneOf(random, ['\n', '\r\n']))),
    ),
  large: (random, size) =>
    join(Uint8Array.of(1), repeated(random, size, [' ', '\t', '#', '0.0.0.0 boot.example\n', 'a'])),
  async read(input) {
    const names = new Names(sources(input))
    const family = ([4, 6] as Family[])[(input[0] ?? 0) % 2]!
    const found = await names.find('boot.example', family)
    hold(found.length <= 8, 'no more addresses are found than may be')
    names.stop()
    return found.length === 0 ? 'none' : 'addresses'
  },
}

export const texts: Target[] = [addressTexts, addressBytes, ranges, networkKeys, secrets, peerIds, keys, hosts]
