/** Gossip: frames, RPCs as stock gossipsub decodes them and as we look at them, signed messages and proofs. */
import { createHash } from 'node:crypto'
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { decodeRpc } from '../../../src/libp2p/gossip/decoding.js'
import { FrameReader, framed } from '../../../src/libp2p/gossip/frames.js'
import { priceOf } from '../../../src/libp2p/gossip/keys.js'
import { NewerWords } from '../../../src/libp2p/gossip/newer-words.js'
import { Repeats } from '../../../src/libp2p/gossip/repeats.js'
import { frameSize, unverified, verify } from '../../../src/libp2p/gossip/signed-message.js'
import { lastWords, workOf } from '../../../src/libp2p/gossip/work.js'
import type { Random } from '../../../src/testing/network/random.js'
import { messageId } from '../../../src/wire/gossip/message.js'
import { count, field } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { bothWays, hold, oneOf, repeated, text, utf8 } from '../tools/chunks.js'
import { longId, someId, someKey } from '../tools/identities.js'
import { SIGNED } from '../tools/signed.js'
import { stock } from '../tools/stock.js'

/** A frame that we read. */
const FRAME = 1_048_576

function someBytes(random: Random): Uint8Array {
  return random.bytes(random.below(12))
}

function some(random: Random, most: number, make: () => Uint8Array): Uint8Array[] {
  return Array.from({ length: random.below(most) }, make)
}

const TOPICS = ['news', 'né', '', '__proto__', 'constructor']

/** Fields of an RPC, after the specification, in some order. */
function someRpc(random: Random, message: () => Uint8Array): Uint8Array {
  const topic = (): string => oneOf(random, TOPICS)
  const ids = (number: number): Uint8Array[] => some(random, 4, () => field(number, someBytes(random)))
  const control = (): Uint8Array =>
    field(
      3,
      join(
        ...some(random, 3, () => field(1, join(field(1, topic()), ...ids(2)))),
        ...some(random, 3, () => field(2, join(...ids(1)))),
        ...some(random, 3, () => field(3, field(1, topic()))),
        ...some(random, 3, () =>
          field(
            4,
            join(
              field(1, topic()),
              field(2, join(field(1, someId(random)), field(2, someBytes(random)))),
              count(3, 60),
            ),
          ),
        ),
        ...some(random, 3, () => field(5, join(...ids(1)))),
      ),
    )
  const parts = [
    ...some(random, 3, () => field(1, join(count(1, random.below(2)), field(2, topic())))),
    ...some(random, 3, () => field(2, message())),
    ...some(random, 2, control),
    ...some(random, 2, () => field(9 + random.below(20), someBytes(random))),
  ]
  return join(...random.shuffle(parts))
}

function someMessage(random: Random): Uint8Array {
  return join(
    field(1, someId(random)),
    field(2, someBytes(random)),
    field(3, random.bytes(random.below(3) === 0 ? 7 : 8)),
    field(4, oneOf(random, TOPICS)),
    field(5, random.bytes(64)),
    ...(random.below(2) === 0 ? [field(6, someKey(random))] : []),
  )
}

const frames: Target = {
  name: 'gossip: frames',
  share: 4,
  // What is there at once. Between frames others have their turn.
  most: 131_072,
  // Empty frames, read twice.
  memory: 1_024,
  good: (random) => join(random.bytes(1), ...some(random, 4, () => framed(random.bytes(random.below(40))))),
  throws: ['Error'],
  read(input) {
    const { whole, pieces } = bothWays(input)
    const read = (chunks: Uint8Array[]): number => {
      const reader = new FrameReader(65_536)
      let sizes = 0
      for (const chunk of chunks) {
        reader.push(chunk)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) sizes += 1 + frame.length
      }
      return sizes
    }
    const sizes = read([whole])
    hold(sizes === read(pieces), 'the same frames are read when they are cut')
    return sizes === 0 ? 'no frame' : 'frames'
  },
}

/** What stock protobuf throws. */
const PROTOBUF = ['RangeError', 'Error', 'MaxLengthError', 'MaxSizeError']

const rpcs: Target = {
  name: 'gossip: RPCs',
  share: 2,
  most: FRAME,
  // (Stock: a frame of 1 MiB is decoded at once, and one of nothing but empty fields takes some 50 ms.)
  time: 100,
  // A field of two bytes becomes an object.
  memory: 256,
  throws: PROTOBUF,
  outcomes: 6,
  good: (random) => someRpc(random, () => someMessage(random)),
  large(random, size) {
    if (random.below(4) === 0) {
      // One that may be there once, again and again.
      const around = oneOf(random, [[1], [2], [3], [3, 1], [3, 3], [3, 4], [3, 4, 2]])
      return around.reduceRight((inside, number) => field(number, inside), repeated(random, size - 16))
    }
    const piece = oneOf(random, [
      () => field(1, new Uint8Array()),
      () => field(2, field(4, 'a')),
      () => field(2, field(1, longId(random, size - 40))),
      () => field(3, new Uint8Array()),
      () => field(3, field(4, field(2, new Uint8Array()))),
      () => field(3, field(2, new Uint8Array())),
      () => field(3, field(1, join(...Array.from({ length: 40 }, () => field(2, new Uint8Array()))))),
      () => field(9, new Uint8Array()),
      () => someRpc(random, () => someMessage(random)),
      () => count(9, 1),
    ])()
    const rest = join(field(9, 'x'), piece)
    return join(...Array.from({ length: Math.ceil(size / rest.length) }, () => rest))
  },
  read(input) {
    const rpc = decodeRpc(input)
    hold(workOf(rpc) > 0, 'it is work')
    const words = new NewerWords()
    words.hear(rpc)
    words.rest(lastWords(rpc))
    // (Between messages others have their turn.)
    return (
      rpc.messages.slice(0, 16).map(messageOutcome).sort()[0] ?? (rpc.control === undefined ? 'no message' : 'control')
    )
  },
}

const repeats = new Repeats(() => undefined)

function messageOutcome(message: RPC.Message): string {
  hold(frameSize(message) > 0, 'it has a size')
  const price = priceOf(message)
  const id = messageId(unverified(message).data)
  if (!repeats.hasHeard(id, message) && !repeats.isReplay(message) && message.from?.length === 38)
    repeats.note(id, message)
  try {
    return `${unverified(message).from === '' ? 'nobody' : 'a signer'}, price ${price}`
  } catch {
    return `no signer, price ${price}`
  }
}

interface Raw {
  validateToRawMessage(policy: 'StrictSign', message: RPC.Message): Promise<{ valid: boolean; error?: string }>
}

let raw: Raw
const signed = SIGNED.flatMap(({ messages: all }) => all)
const proofs = SIGNED.flatMap(({ peer, proofs: all }) => {
  return all.map(({ data, proof }) => join(utf8(`${peer}\n${data}\n`), proof))
})

const messages: Target = {
  name: 'gossip: signed messages',
  share: 0.25,
  most: FRAME,
  memory: 256,
  throws: PROTOBUF,
  prepare: async () => void (raw = await stock<Raw>('@chainsafe/libp2p-gossipsub', 'utils/buildRawMessage.js')),
  outcomes: 5,
  good: (random) => (random.below(2) === 0 ? oneOf(random, signed) : someMessage(random)),
  large: (random, size) => join(oneOf(random, signed), field(oneOf(random, [1, 2, 4, 5, 6]), new Uint8Array(size))),
  async read(input) {
    const message = { ...RPC.Message.decode(input) }
    if (priceOf(message) === undefined) return 'no key that we take'
    const { valid, error } = await raw.validateToRawMessage('StrictSign', message)
    return valid ? 'valid' : `invalid: ${error}`
  },
}

const histories: Target = {
  name: 'gossip: proofs',
  share: 0.25,
  // As long as src/wire/session/service.ts lets a signer and a proof be.
  most: 4_096 + 1_024,
  outcomes: 2,
  good: (random) => oneOf(random, proofs),
  large: (random, size) => join(utf8(`${'1'.repeat(Math.min(1_024, size))}\n\n`), random.bytes(size)),
  async read(input) {
    const [from = '', data = ''] = text(input.subarray(0, 2_048)).split('\n')
    const at = from.length + data.length + 2
    const proof = input.subarray(at)
    const found = await verify({ topic: 'news', data: utf8(data), from: from.slice(0, 1_024), proof })
    return found === undefined
      ? 'no proof'
      : `a proof of ${createHash('sha256').update(found.from).digest('hex').slice(0, 2)}`
  },
}

export const gossip: Target[] = [frames, rpcs, messages, histories]
