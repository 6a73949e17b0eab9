/** What comes before anybody is known: handshakes of Noise, their payloads, frames behind them; nonces of private networks. */
import '../../../src/platform/polyfill.js'
import { generateKeyPairFromSeed, publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { ConnectionEncrypter, Upgrader } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { preSharedKey } from '@libp2p/pnet'
import { NOISE } from '../../../src/libp2p/defaults.js'
import { quietLogger } from '../../../src/libp2p/logger.js'
import { tunedNoise } from '../../../src/libp2p/patches/noise-frames.js'
import { privateNetwork } from '../../../src/libp2p/private-network.js'
import { MAX_HANDSHAKE } from '../../../src/platform/noise-crypto.js'
import { textOfNetworkKey } from '../../../src/network-key.js'
import type { Random } from '../../../src/testing/network/random.js'
import { field } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { bothWays, oneOf, repeated, utf8 } from '../tools/chunks.js'
import { largeKey, someKey } from '../tools/identities.js'
import { SIGNED, STATIC_KEY } from '../tools/signed.js'
import { stock } from '../tools/stock.js'
import { SaidSocket } from '../tools/stream.js'

/** The longest message of Noise. */
const LONGEST = 65_535

interface Utils {
  decodeHandshakePayload(payload: Uint8Array, staticKey: Uint8Array): Promise<{ identityKey: Uint8Array }>
}

let utils: Utils

const signers = SIGNED.filter(({ noise }) => noise.length > 0)

const payloads: Target = {
  name: 'noise: payloads',
  share: 0.2,
  most: MAX_HANDSHAKE,
  memory: 256,
  outcomes: 5,
  throws: ['UnexpectedPeerError', 'UnsupportedKeyTypeError'],
  prepare: async () => void (utils = await stock('@chainsafe/libp2p-noise', 'utils.js')),
  good(random) {
    const { key, noise } = oneOf(random, signers)
    const extensions = field(4, join(field(1, random.bytes(4)), field(2, '/yamux/1.0.0'), field(2, '__proto__')))
    const theirs = random.below(6) === 0 ? someKey(random) : key
    return join(field(1, theirs), field(2, noise), ...(random.below(2) === 0 ? [extensions] : []))
  },
  large(random, size) {
    const { key, noise } = oneOf(random, signers)
    const many = Array.from({ length: size / 5 }, () => field(2, 'a'))
    const parts = [
      () => [field(1, largeKey(random, Math.min(size, 60_000)))],
      () => [field(1, key), field(2, noise), field(4, join(...many))],
      () => [field(1, key), field(2, new Uint8Array(Math.min(size, 60_000)))],
      () => [...many],
      () => [repeated(random, size)],
      () => [field(oneOf(random, [1, 4]), repeated(random, size - 16))],
    ]
    return join(...oneOf(random, parts)())
  },
  async read(input) {
    const { identityKey } = await utils.decodeHandshakePayload(input, STATIC_KEY)
    return peerIdFromPublicKey(publicKeyFromProtobuf(identityKey)).type
  },
}

async function encrypter(seed: number): Promise<ConnectionEncrypter> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))
  const upgrader = { getStreamMuxers: () => new Map() } as unknown as Upgrader
  return tunedNoise(NOISE)({ privateKey, peerId: peerIdFromPrivateKey(privateKey), logger: quietLogger()!, upgrader })
}

let [ours, theirs]: ConnectionEncrypter[] = []

async function both(): Promise<void> {
  ours ??= await encrypter(1)
  theirs ??= await encrypter(2)
}

function message(bytes: Uint8Array): Uint8Array {
  return join(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes)
}

const BROKEN = [
  ...['InvalidCryptoExchangeError', 'UnexpectedPeerError', 'UnexpectedEOFError', 'InvalidMessageLengthError', 'Error'],
  ...['InvalidDataLengthError', 'InvalidDataLengthLengthError', 'StreamResetError', 'StreamStateError', 'AbortError'],
]

function handshake(name: string, side: 'secureInbound' | 'secureOutbound'): Target {
  return {
    name,
    share: 0.008,
    most: 3 * LONGEST,
    memory: 256,
    // Keys, and their products.
    room: 4 * 1024 * 1024,
    outcomes: 2,
    throws: BROKEN,
    prepare: both,
    good: (random) =>
      join(
        random.bytes(1),
        message(random.bytes(side === 'secureInbound' ? 32 : oneOf(random, [80, 96, 200]))),
        message(random.bytes(oneOf(random, [48, 64, 200]))),
      ),
    large: (random, size) => join(random.bytes(1), message(random.bytes(Math.min(size, LONGEST)))),
    async read(input) {
      const { pieces } = bothWays(input)
      const socket = new SaidSocket(side === 'secureInbound' ? 'inbound' : 'outbound')
      const { signal } = new AbortController()
      const secured = ours![side](socket, { signal })
      socket.converse(pieces, secured)
      return (await secured).remotePeer.type
    },
  }
}

const frames: Target = {
  name: 'noise: frames',
  share: 0.004,
  most: LONGEST,
  memory: 256,
  // Two handshakes.
  room: 8 * 1024 * 1024,
  outcomes: 2,
  throws: BROKEN,
  prepare: both,
  good: (random: Random) =>
    join(random.bytes(1), ...Array.from({ length: 1 + random.below(3) }, () => message(random.bytes(20)))),
  large: (random, size) => join(random.bytes(1), ...Array.from({ length: size / 2 }, () => Uint8Array.of(0, 0))),
  async read(input) {
    const { pieces } = bothWays(input)
    const [near, far] = [new SaidSocket('inbound'), new SaidSocket('outbound')]
    near.heard = (bytes) => far.say(bytes)
    far.heard = (bytes) => near.say(bytes)
    const { signal } = new AbortController()
    const [secured, other] = await Promise.all([
      ours!.secureInbound(near, { signal }),
      theirs!.secureOutbound(far, { signal }),
    ])
    let heard = 0
    secured.connection.addEventListener('message', ({ data }) => (heard += data.byteLength))
    // Some good ones come first.
    for (let some = (input[0] ?? 0) % 3; some > 0; some--) other.connection.send(utf8('hello'))
    near.say(...pieces)
    const outcome = `${near.status}, ${heard === 0 ? 'nothing' : 'something'} heard`
    near.abort(new Error('the input is over'))
    far.abort(new Error('the input is over'))
    return outcome
  },
}

const protector = preSharedKey({ psk: utf8(textOfNetworkKey(STATIC_KEY)) })()

const nonces: Target = {
  name: 'nonces of private networks',
  share: 0.1,
  most: 65_536,
  memory: 256,
  outcomes: 2,
  throws: ['Error'],
  good: (random) => random.bytes(1 + 24 + random.below(30)),
  async read(input) {
    const { pieces } = bothWays(input)
    const socket = new SaidSocket((input[0] ?? 0) % 2 === 0 ? 'inbound' : 'outbound')
    let others = 0
    const guarded = privateNetwork(protector, () => others++)
    const made = guarded.protect(socket, { signal: new AbortController().signal })
    socket.converse(pieces, made)
    await made
    return `protected, ${others} others`
  },
}

export const secrets: Target[] = [
  payloads,
  handshake('noise: listener', 'secureInbound'),
  handshake('noise: dialler', 'secureOutbound'),
  frames,
  nonces,
]
