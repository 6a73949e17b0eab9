/** Floods of a topic that the victim is in. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { messageId } from '../../../src/wire/gossip/message.js'
import { join } from '../../support/bytes.js'
import { varint } from '../../support/session.js'
import { forged, Gossiper, GOSSIP, ids, rpc, signed, signedBy, subscribe, TOPIC } from '../tools/gossip.js'
import { field, random, sized } from '../tools/protobuf.js'
import { dearSigner } from '../tools/rsa.js'
import { reopened } from './streams.js'
import { often, pause, turn, atOnce, type Attack, type Context } from './attack.js'

/** Sends what `piece` gives, as fast as the victim takes it or so often in a second; a new peer where one is ended. `count`: of each. */
async function flood(
  context: Context,
  piece: (round: number) => Uint8Array,
  {
    count = 1,
    perSecond,
    peers = 1,
    mute = false,
  }: { count?: number; perSecond?: number; peers?: number; mute?: boolean } = {},
): Promise<void> {
  const all: (Gossiper | undefined)[] = await Promise.all(
    Array.from({ length: peers }, () => Gossiper.join(context, { mute })),
  )
  // The victim hears that they are there.
  await pause(500)
  await context.start()
  const say = async (index: number, round: number): Promise<void> => {
    if (all[index]?.isOpen !== true) {
      await pause(100)
      all[index] = await Gossiper.join(context, { mute })
    }
    await all[index].stream.send(piece(round))
    context.fate.did(count)
  }
  if (perSecond !== undefined)
    return often(context, perSecond, (round) => say(round % peers, round).catch(() => undefined))
  let round = 0
  await atOnce(context, peers, async (index) => {
    await say(index, round++)
    await turn()
  })
}

/** Fields that a message may have once, and in which others they are. */
const REPEATED = [[2, 1], [3], [1, 3, 1], [1, 3, 3], [2, 3, 4, 2], [5, 2]]

/** A frame of so many bytes of this field without a byte. */
function repeated(size: number, number: number, around: number[]): Uint8Array {
  const piece = field(number, '')
  const all = new Uint8Array(size - (size % piece.length))
  for (let at = 0; at < all.length; at += piece.length) all.set(piece, at)
  return sized(around.reduceRight<Uint8Array>((inside, outside) => field(outside, inside), all))
}

/** Prepared frames in turn. */
async function turns(context: Context, frames: Uint8Array[], perSecond: number, together = 1): Promise<void> {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < frames.length; at += together) pieces.push(join(...frames.slice(at, at + together)))
  await flood(context, (round) => pieces[round % pieces.length]!, { count: together, perSecond: perSecond / together })
}

/** Where honest peers are. */
const HONEST = '127.0.0.1'

/** They take no part in the speaker's and the listener's connections: all that these hear of each other the victim hands on. */
async function fillMesh(context: Context): Promise<void> {
  const { fate, signal } = context
  await Promise.all(Array.from({ length: 20 }, () => Gossiper.join(context)))
  await pause(1_500)
  const heard = new Set<string>()
  const listener = await Gossiper.join(context, {
    from: HONEST,
    hear: (message) => heard.add(Buffer.from(message.data ?? []).toString('hex')),
  })
  const speaker = await Gossiper.join(context, { from: HONEST })
  const key = await generateKeyPair('Ed25519')
  await pause(500)
  await context.start()
  let soon = 0
  for (let sent = 1; !signal.aborted && listener.isOpen; sent++) {
    const data = random(100)
    await speaker.stream.send(rpc({ messages: [await signedBy(key, data)] }))
    fate.did()
    await pause(500)
    if (heard.has(Buffer.from(data).toString('hex'))) soon++
    fate.figure = (100 * soon) / sent
  }
}

const graft = rpc({ control: { graft: [{ topicID: TOPIC }] } })
const prune = rpc({ control: { prune: [{ topicID: TOPIC, peers: [], backoff: 1 }] } })

/** So many members send such frames so often in a second, each when its last one is under way. */
function crowd(peers: number, perSecond: number, frame: () => Uint8Array) {
  return async (context: Context): Promise<void> => {
    const joined = await Promise.all(
      Array.from({ length: peers }, (_, at) =>
        Gossiper.join(context, { from: `127.0.${1 + (at % 20)}.9`, mute: true }),
      ),
    )
    await pause(500)
    await context.start()
    const busy = new Set<Gossiper>()
    await often(context, perSecond, () => {
      for (const one of joined) {
        if (busy.has(one) || !one.isOpen) continue
        busy.add(one)
        void one.stream.send(frame()).finally(() => busy.delete(one))
        context.fate.did(60)
      }
    })
  }
}

/** Of messages that nobody has. */
const longIds = (): Uint8Array[] => Array.from({ length: 60 }, () => random(15_000))

export const gossip: Attack[] = [
  {
    name: 'gossip-valid',
    does: 'One member broadcasts 5,000 valid messages of 100 bytes a second.',
    // More would take too long to sign.
    run: async (context) => turns(context, await signed(40_000, 100), 5_000, 50),
  },
  {
    name: 'gossip-large',
    does: 'One member broadcasts valid messages of 60 kB, 300 a second.',
    run: async (context) => turns(context, await signed(1_500, 60_000), 300),
  },
  {
    name: 'gossip-graft-prune',
    does: 'One member grafts and prunes itself in turn, as fast as it can.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 500 }, () => join(graft, prune))), { count: 1_000 }),
  },
  {
    name: 'gossip-graft-in-frame',
    does: 'One member grafts itself 4,000 times in each frame, as fast as it can.',
    async run(context) {
      const frame = rpc({ control: { graft: Array.from({ length: 4_000 }, () => ({ topicID: TOPIC })) } })
      await flood(context, () => frame, { count: 4_000 })
    },
  },
  {
    name: 'gossip-invalid-many',
    does: '20 members broadcast messages with false signatures as fast as they can, and come back with other names.',
    async run(context) {
      const message = await signedBy(await generateKeyPair('Ed25519'), random(100))
      const frame = rpc({ messages: Array.from({ length: 50 }, () => ({ ...forged(message), data: random(100) })) })
      await flood(context, () => frame, { count: 50, peers: 20 })
    },
  },
  {
    name: 'gossip-bad-signatures',
    does: 'One member broadcasts 2,000 messages with false signatures a second.',
    async run(context) {
      const message = await signedBy(await generateKeyPair('Ed25519'), random(100))
      const frames = Array.from({ length: 4_000 }, () => rpc({ messages: [{ ...forged(message), data: random(100) }] }))
      await turns(context, frames, 2_000, 20)
    },
  },
  {
    name: 'gossip-unknown-topics',
    does: 'One peer broadcasts 5,000 messages a second of topics that nobody is in.',
    run: async (context) => turns(context, await signed(20_000, 100, 'nowhere'), 5_000, 50),
  },
  {
    name: 'gossip-ihave',
    does: 'One member offers 4,000 messages that do not exist in each frame, as fast as it can.',
    async run(context) {
      const frames = Array.from({ length: 20 }, () =>
        rpc({ control: { ihave: [{ topicID: TOPIC, messageIDs: ids(4_000) }] } }),
      )
      await flood(context, (round) => frames[round % 20]!, { count: 4_000 })
    },
  },
  {
    name: 'gossip-iwant',
    does: 'One member asks for 4,000 messages that do not exist in each frame, as fast as it can, and reads nothing.',
    async run(context) {
      const frames = Array.from({ length: 20 }, () => rpc({ control: { iwant: [{ messageIDs: ids(4_000) }] } }))
      await flood(context, (round) => frames[round % 20]!, { count: 4_000, mute: true })
    },
  },
  {
    name: 'gossip-iwant-large',
    does: 'One member asks again and again for 50 messages of 60 kB that another one has broadcast, and reads nothing.',
    // The stock queue has a bound too. That a peer that reads nothing is passed over, pubsub-hostile-spec holds.
    harmless: 'the queue to the peer is bounded',
    async run(context) {
      const data = Array.from({ length: 50 }, () => random(60_000))
      const key = await generateKeyPair('Ed25519')
      const teller = await Gossiper.join(context)
      await pause(500)
      for (const one of data) await teller.stream.send(rpc({ messages: [await signedBy(key, one)] }))
      const messageIDs = data.map((one) => Buffer.from(messageId(one)))
      const frame = rpc({ control: { iwant: [{ messageIDs }] } })
      await flood(context, () => frame, { count: 50, perSecond: 100, mute: true })
    },
  },
  {
    name: 'gossip-idontwant',
    does: 'One member refuses 500 messages in each frame, as fast as it can.',
    async run(context) {
      const frames = Array.from({ length: 20 }, () => rpc({ control: { idontwant: [{ messageIDs: ids(500) }] } }))
      await flood(context, (round) => frames[round % 20]!, { count: 500 })
    },
  },
  {
    name: 'gossip-idontwant-long',
    does: 'Sixty members refuse messages whose ids have 15 kB, 180 a second each.',
    run: crowd(60, 3, () => rpc({ control: { idontwant: [{ messageIDs: longIds() }] } })),
  },
  {
    name: 'gossip-topics-long',
    does: 'Sixty members subscribe to topics whose names have 15 kB, 120 a second each.',
    run: crowd(60, 2, () =>
      rpc({
        subscriptions: Array.from({ length: 60 }, () => ({
          topic: `${Math.random()}`.padEnd(15_000, '.'),
          subscribe: true,
        })),
      }),
    ),
  },
  {
    name: 'gossip-subscriptions',
    does: 'One peer joins and leaves topics with names of its own, as fast as it can.',
    run: (context) =>
      flood(
        context,
        (round) =>
          join(
            ...Array.from({ length: 200 }, (_, at) =>
              subscribe(`topic ${(round * 200 + at) % 10_000}`, round % 2 === 0),
            ),
          ),
        { count: 200 },
      ),
  },
  {
    name: 'gossip-toggles',
    does: 'One peer joins and leaves the topic of the victim, as fast as it can.',
    run: (context) =>
      flood(context, () => join(...Array.from({ length: 200 }, (_, at) => subscribe(TOPIC, at % 2 === 0))), {
        count: 200,
      }),
  },
  {
    name: 'gossip-empties',
    does: 'One peer sends empty frames, as fast as it can.',
    run: (context) => flood(context, () => new Uint8Array(10_000), { count: 10_000 }),
  },
  {
    name: 'gossip-replay',
    does: 'One member broadcasts the same valid message 5,000 times a second.',
    async run(context) {
      const [frame] = await signed(1, 100)
      await turns(
        context,
        Array.from({ length: 50 }, () => frame!),
        5_000,
        50,
      )
    },
  },
  {
    name: 'gossip-mesh',
    does: '20 members of one address fill the mesh and hand nothing on; another one speaks, and a third listens.',
    own: { what: 'messages that the listener had within 0.5 s, %', least: 90 },
    run: fillMesh,
  },
  {
    name: 'gossip-huge',
    does: 'One peer opens streams of gossip and declares a frame of 1 GiB on each, 50 a second.',
    async run(context) {
      const member = await Gossiper.join(context)
      await context.start()
      await often(context, 50, () => {
        context.fate.did()
        return member.line.stream(GOSSIP, join(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x04), new Uint8Array(1_000)))
      })
    },
  },
  {
    name: 'gossip-repeated',
    does: 'Four members send frames of 1 MB that say one topic, one record or one control again and again, four a second each.',
    async run(context) {
      const frames = REPEATED.map(([number, ...around]) => repeated(1_040_000, number!, around))
      await flood(context, (round) => frames[round % frames.length]!, { peers: 4, perSecond: 16 })
    },
  },
  {
    name: 'gossip-reopened',
    does: 'One member opens its stream of gossip anew 300 times a second, each with 60 kB of a frame of 512 KiB.',
    run: (context) => reopened(context, GOSSIP, join(varint(524_288), random(60_000))),
  },
  {
    name: 'gossip-dear-rsa',
    does: 'One member sends frames of 1 MB with the same valid message 800 times, whose RSA key is dear to verify with.',
    async run(context) {
      const message = dearSigner()(random(20))
      const frame = rpc({ messages: Array.from({ length: 800 }, () => message) })
      await flood(context, () => frame, { count: 800 })
    },
  },
  {
    name: 'gossip-dear-rsa-many',
    does: 'One member broadcasts 300 valid messages a second that differ, and whose RSA key is dear to verify with.',
    async run(context) {
      const sign = dearSigner()
      const frames = Array.from({ length: 1_500 }, () => rpc({ messages: [sign(random(20))] }))
      await turns(context, frames, 300, 5)
    },
  },
  {
    name: 'gossip-dear-secp256k1',
    does: 'One member sends frames of 1 MB with the same valid message 4,900 times, signed with secp256k1.',
    async run(context) {
      const message = await signedBy(await generateKeyPair('secp256k1'), random(20))
      const frame = rpc({ messages: Array.from({ length: 4_900 }, () => message) })
      await flood(context, () => frame, { count: 4_900 })
    },
  },
]
