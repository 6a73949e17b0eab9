/** What a peer says of itself: identify, its pushes, pings, signed peer records. */
import '../../../src/platform/polyfill.js'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection, PeerData, PeerId, StreamHandler } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { HEARSAY } from '../../../src/core/parameters.js'
import { IDENTIFIED, IDENTIFY, IDENTIFY_PUSH, PING_UNREAD } from '../../../src/libp2p/defaults.js'
import { Gater } from '../../../src/libp2p/gater.js'
import { modest } from '../../../src/libp2p/guards/identify.js'
import { boundPeerIds } from '../../../src/libp2p/guards/peer-ids.js'
import { answerPings } from '../../../src/libp2p/guards/ping-server.js'
import { quietLogger } from '../../../src/libp2p/logger.js'
import type { Random } from '../../../src/testing/network/random.js'
import { field, sized } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { bothWays, hold, oneOf } from '../tools/chunks.js'
import { longAddress, someAddressBytes, someKey } from '../tools/identities.js'
import { SIGNED } from '../tools/signed.js'
import { stock } from '../tools/stock.js'
import { connectionOf, SaidStream } from '../tools/stream.js'

const LONGEST = IDENTIFY.maxMessageSize!
const PEERS = SIGNED.filter(({ peer }) => peer !== '').map((one) => ({ ...one, id: peerIdFromString(one.peer) }))
const US = peerIdFromString('12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp')
/** What stock identify throws of what it cannot read, and of keys and addresses. */
const THROWS = [
  ...[
    'InvalidMessageError',
    'InvalidPublicKeyError',
    'InvalidParametersError',
    'InvalidMultihashError',
    'InvalidSignatureError',
  ],
  ...['UnexpectedEOFError', 'InvalidDataLengthError', 'InvalidDataLengthLengthError', 'InvalidMessageLengthError'],
  ...[
    'StreamResetError',
    'StreamStateError',
    'InvalidMultiaddrError',
    'UnsupportedKeyTypeError',
    'ParseError',
    'ValidationError',
  ],
  ...['RangeError', 'MaxLengthError', 'MaxSizeError', 'VerificationError', 'UnknownProtocolError', 'Error'],
  // A peer id that is neither a key nor a hash is one of HTTP; and not all keys look at the length of a signature themselves.
  // (Stock code stumbles over DER that is cut, and over an observed address of a zone alone. Who has asked hears it.)
  "TypeError: Cannot read properties of undefined (reading '0')",
  "TypeError: Cannot read properties of undefined (reading 'code')",
  ...['TypeError: Invalid URL', 'TypeError: "sig" must be'],
]

/** Which peer it is, and its messages. */
function someMessages(random: Random): Uint8Array {
  const which = random.below(PEERS.length)
  const { key, envelope } = PEERS[which]!
  const message = (): Uint8Array =>
    sized(
      ...random.shuffle([
        field(1, random.below(8) === 0 ? someKey(random) : key),
        ...Array.from({ length: random.below(3) }, () => field(2, someAddressBytes(random))),
        ...Array.from({ length: random.below(3) }, () => field(3, oneOf(random, ['/ipfs/id/1.0.0', '', '__proto__']))),
        field(4, someAddressBytes(random)),
        field(5, oneOf(random, ['/tinychain/identify/1.0.0', '\u001b[31m'])),
        field(6, oneOf(random, ['tinyp2p', '__proto__', 'né'])),
        ...(random.below(3) === 0 ? [field(8, oneOf(random, PEERS).envelope), field(8, envelope)] : []),
      ]),
    )
  return join(Uint8Array.of(which), random.bytes(1), ...Array.from({ length: 1 + random.below(2) }, message))
}

function largeMessage(random: Random, size: number): Uint8Array {
  const which = random.below(PEERS.length)
  const length = Math.min(size, LONGEST - 800)
  const piece = oneOf(random, [
    () => longAddress(random, length - 20),
    () => someAddressBytes(random),
    () => new Uint8Array(),
    () => longAddress(random, 10),
  ])()
  // Some of them may be there once only.
  const number = oneOf(random, [2, 2, 3, 4, 5, 6, 8])
  const times = Math.max(1, Math.floor(length / (piece.length + 2)))
  const pieces = Array.from({ length: times }, () => field(number, piece))
  return join(Uint8Array.of(which, 0), sized(field(1, PEERS[which]!.key), ...pieces))
}

// As createHost does it.
boundPeerIds()

const kept: PeerData[] = []

/** A peer store that looks at what it is given. */
const peerStore = {
  patch: (_: PeerId, data: PeerData) => keep(data),
  merge: (_: PeerId, data: PeerData) => keep(data),
  get: () => Promise.reject(Object.assign(new Error('nobody'), { name: 'NotFoundError' })),
}

function keep(data: PeerData): Promise<void> {
  const { addresses = [], protocols = [], metadata = {} } = data
  hold(addresses.length <= HEARSAY.perPeer, 'no more addresses are kept than may be')
  hold(protocols.length <= IDENTIFIED.protocols, 'no more protocols are kept than may be')
  const texts = metadata instanceof Map ? [...metadata.values()] : Object.values(metadata)
  hold(
    texts.every((bytes) => bytes!.length <= IDENTIFIED.agentLength),
    'no longer texts are kept than may be',
  )
  kept.push(data)
  return Promise.resolve()
}

let handlePush: StreamHandler = () => undefined

function components() {
  return {
    peerId: US,
    peerStore,
    registrar: {
      handle: (protocol: string, handler: StreamHandler) => {
        if (protocol.includes('push')) handlePush = handler
        return Promise.resolve()
      },
    },
    logger: quietLogger()!,
    nodeInfo: { userAgent: 'fuzz' },
    addressManager: { getAddresses: () => [], addObservedAddr: () => undefined },
    connectionManager: { getConnections: () => [] },
    events: { addEventListener: () => undefined, safeDispatchEvent: () => true },
  }
}

type Parts = Parameters<ReturnType<typeof identify>>[0] & Parameters<ReturnType<typeof identifyPush>>[0]

const gater = new Gater(US.toString())
const service = modest(gater, identify(IDENTIFY))(components() as unknown as Parts)

async function said(
  input: Uint8Array,
  read: (connection: Connection, stream: SaidStream) => Promise<unknown>,
): Promise<string> {
  const { id } = PEERS[input[0]! % PEERS.length] ?? PEERS[0]!
  const { pieces } = bothWays(input.subarray(1))
  const stream = new SaidStream()
  stream.say(...pieces).finish()
  kept.length = 0
  await read(
    connectionOf(id, () => stream),
    stream,
  )
  const addresses = kept.flatMap(({ addresses: all = [] }) => all)
  return addresses.length === 0 ? 'no address' : 'addresses'
}

const identifying: Target = {
  name: 'identify',
  share: 0.2,
  most: 2 * LONGEST,
  memory: 512,
  outcomes: 4,
  throws: THROWS,
  good: someMessages,
  large: largeMessage,
  read(input) {
    const { signal } = new AbortController()
    return said(input, (connection) => service.identify(connection, { signal }))
  },
}

const pushing: Target = {
  name: 'identify: pushes',
  share: 0.1,
  most: 2 * LONGEST,
  // (Stock: each has a timer of some seconds.)
  memory: 512,
  outcomes: 4,
  throws: THROWS,
  prepare: async () => {
    const push = modest(gater, identifyPush(IDENTIFY_PUSH))(components() as unknown as Parts)
    await (push as unknown as { start(): Promise<void> }).start()
  },
  good: someMessages,
  large: largeMessage,
  read: (input) => said(input, async (connection, stream) => handlePush(stream, connection)),
}

const admission = { refuses: () => undefined }

const pings: Target = {
  name: 'pings',
  share: 0.6,
  most: 65_536,
  memory: 256,
  outcomes: 2,
  good: (random) => random.bytes(1 + 32 * random.below(4)),
  read(input) {
    const { whole, pieces } = bothWays(input)
    let why: string | undefined
    const stream = new SaidStream()
    answerPings(admission, (_, what) => (why = what))(stream, connectionOf(PEERS[0]!.id))
    stream.say(...pieces)
    hold(stream.sent === whole.length - (whole.length % 32), 'each 32 bytes are answered')
    hold(stream.writeBufferLength <= PING_UNREAD, 'no more waits than may')
    const outcome = why ?? (stream.sent === 0 ? 'no ping' : 'pings')
    stream.vanish()
    return outcome
  },
}

interface Records {
  RecordEnvelope: { openAndCertify(data: Uint8Array, domain: string): Promise<{ payload: Uint8Array }> }
  PeerRecord: { DOMAIN: string; createFromProtobuf(bytes: Uint8Array): { multiaddrs: unknown[] } }
}

let records: Records
let decode: (bytes: Uint8Array) => { payload: Uint8Array }

const envelopes: Target = {
  name: 'signed peer records',
  share: 0.2,
  most: LONGEST,
  memory: 512,
  outcomes: 4,
  throws: THROWS,
  prepare: async () => {
    records = await stock('@libp2p/peer-record', 'index.js')
    const { Envelope } = await stock<{ Envelope: { decode: typeof decode } }>(
      '@libp2p/peer-record',
      'envelope/envelope.js',
    )
    decode = (bytes) => Envelope.decode(bytes)
  },
  good: (random) => oneOf(random, PEERS).envelope,
  async read(input) {
    const { RecordEnvelope, PeerRecord } = records
    // The record by itself, too: a signature over it is good for any signer's bytes.
    const { multiaddrs } = PeerRecord.createFromProtobuf(decode(input).payload)
    await RecordEnvelope.openAndCertify(input, PeerRecord.DOMAIN)
    return multiaddrs.length === 0 ? 'good, no address' : 'good'
  },
}

export const identities: Target[] = [identifying, pushing, pings, envelopes]
