/** Kademlia: questions as our server reads them, and answers as they come through to kad-dht. */
import '../../../src/platform/polyfill.js'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { multiaddr } from '@multiformats/multiaddr'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { TABLE } from '../../../src/core/parameters.js'
import { KAD_ANSWER_SIZE, KAD_QUESTION_SIZE } from '../../../src/libp2p/defaults.js'
import { Gater } from '../../../src/libp2p/gater.js'
import { FrameReader, framed } from '../../../src/libp2p/gossip/frames.js'
import { Admission } from '../../../src/libp2p/guards/admission.js'
import { boundPeerIds } from '../../../src/libp2p/guards/peer-ids.js'
import { KadClient } from '../../../src/libp2p/kad/client.js'
import { FIND_NODE } from '../../../src/libp2p/kad/messages.js'
import { KadServer } from '../../../src/libp2p/kad/server.js'
import type { Random } from '../../../src/testing/network/random.js'
import { KADEMLIA } from '../../../src/wire/protocols.js'
import { count, field } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'
import { encodeQuestion } from '../../support/kad-question.js'
import type { Target } from '../target.js'
import { bothWays, hold, oneOf, repeated } from '../tools/chunks.js'
import { longAddress, longId, someAddressBytes, someId } from '../tools/identities.js'
import { SIGNED } from '../tools/signed.js'
import { stock } from '../tools/stock.js'
import { connectionOf, SaidStream } from '../tools/stream.js'

const [us, them] = ['Ed25519', 'secp256k1'].map((type) =>
  peerIdFromString(SIGNED.find((one) => one.type === type)!.peer),
) as [PeerId, PeerId]
const ADDRESSES = [multiaddr('/ip4/192.0.2.1/tcp/4001')]

// As createHost does it.
boundPeerIds()

const { kadRate } = limitsOf()

function server(gater: Gater, refused: (what: string) => void): KadServer {
  const known = { id: them, addresses: ADDRESSES.map((address) => ({ multiaddr: address, isCertified: false })) }
  const components = {
    peerId: us,
    peerStore: { get: () => Promise.resolve(known) },
    addressManager: { getAddresses: () => ADDRESSES },
    events: { addEventListener: () => undefined },
  }
  return new KadServer(
    components as unknown as ConstructorParameters<typeof KadServer>[0],
    gater,
    new Admission(kadRate),
    (_, what) => refused(what),
  )
}

function somePeer(random: Random): Uint8Array {
  const addresses = Array.from({ length: random.below(3) }, () => field(2, someAddressBytes(random)))
  return join(field(1, someId(random)), ...addresses, ...(random.below(2) === 0 ? [count(3, random.below(5))] : []))
}

function someMessage(random: Random, peers: number): Uint8Array {
  return join(
    count(1, random.below(8) === 0 ? random.below(9) : 4),
    ...(random.below(4) === 0 ? [] : [field(2, someId(random))]),
    ...Array.from({ length: random.below(peers) }, () => field(oneOf(random, [8, 8, 9]), somePeer(random))),
    ...(random.below(8) === 0 ? [field(3, join(field(1, 'key'), field(2, 'value'), field(5, 'now')))] : []),
  )
}

const questions: Target = {
  name: 'kad: questions',
  share: 0.6,
  most: 2 * KAD_QUESTION_SIZE,
  memory: 256,
  outcomes: 3,
  good: (random) =>
    join(random.bytes(1), ...Array.from({ length: 1 + random.below(2) }, () => framed(someMessage(random, 2)))),
  large: (random, size) =>
    random.below(2) === 0
      ? join(
          random.bytes(1),
          framed(join(count(1, 4), field(2, longId(random, Math.min(size, KAD_QUESTION_SIZE - 20))))),
        )
      : join(random.bytes(1), ...Array.from({ length: size / 3 }, () => framed(count(1, 4)))),
  async read(input) {
    const { pieces } = bothWays(input)
    let why: string | undefined
    const its = server(new Gater(us.toString()), (what) => (why = what))
    its.changed(them, true)
    await Promise.resolve()
    const stream = new SaidStream()
    its.handle(stream, connectionOf(them))
    stream.say(...pieces)
    const answered = stream.sent > 0 ? 'answered' : 'not answered'
    stream.vanish()
    return why ?? answered
  },
}

interface Messages {
  Message: { decode(bytes: Uint8Array): { closer: { multiaddrs: Uint8Array[] }[] } }
}

let stockMessages: Messages

const answers: Target = {
  name: 'kad: answers',
  share: 0.6,
  most: KAD_ANSWER_SIZE + 4,
  memory: 512,
  outcomes: 3,
  prepare: async () => void (stockMessages = await stock('@libp2p/kad-dht', 'message/dht.js')),
  good: (random) => join(random.bytes(1), framed(someMessage(random, 5))),
  large(random, size) {
    const piece = oneOf(random, [
      () => field(8, new Uint8Array()),
      () => field(8, join(field(1, longId(random, size - 40)), field(2, someAddressBytes(random)))),
      () => field(8, somePeer(random)),
      () => field(8, join(field(1, someId(random)), field(2, longAddress(random, 100)))),
      () => count(5, 1),
      () => field(8, repeated(random, size - 16)),
      () => repeated(random, size - 16),
    ])()
    return join(random.bytes(1), framed(join(...Array.from({ length: size / (piece.length + 1) }, () => piece))))
  },
  async read(input) {
    const { pieces } = bothWays(input)
    let why: string | undefined
    const gater = new Gater(us.toString())
    const under = new SaidStream('outbound', KADEMLIA)
    const connection = connectionOf(them, () => under)
    const components = {
      peerId: us,
      connectionManager: {
        getConnections: (id: PeerId) => (id.equals(them) ? [connection] : []),
        openStream: () => under,
      },
      peerStore: { getInfo: () => Promise.reject(new Error('nobody')) },
      ping: { ping: () => Promise.resolve(0) },
      registrar: { handle: () => Promise.resolve() },
    } as unknown as KadDHTComponents
    const refused = (_: string, what: string): void => void (why = what)
    const client = new KadClient(
      components,
      gater,
      server(gater, () => undefined),
      refused,
    )
    const stream = await client.guarded().connectionManager.openStream(them, KADEMLIA)
    stream.send(framed(encodeQuestion({ type: FIND_NODE, key: them.toMultihash().bytes })))
    const reader = new FrameReader(KAD_ANSWER_SIZE)
    let peers = -1
    stream.addEventListener('message', ({ data }) => {
      reader.push(data as Uint8Array)
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        const { closer } = stockMessages.Message.decode(frame)
        hold(closer.length <= TABLE.bucketSize, 'no more peers are handed on than a bucket has')
        peers = closer.length
      }
    })
    under.say(...pieces)
    under.vanish()
    return why ?? (peers < 0 ? 'no answer' : peers === 0 ? 'nobody' : 'peers')
  },
}

export const kad: Target[] = [questions, answers]
