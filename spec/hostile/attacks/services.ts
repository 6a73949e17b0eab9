/** What nodes ask of each other: histories, receipts, large messages, twins. */
import { createNode } from 'tinyp2p'
import { encodeAnnouncement, HASH_BYTES } from '../../../src/wire/gossip/announcement.js'
import { encodeServiceRequest, type ServiceRequest } from '../../../src/wire/session/service.js'
import { join, SESSION } from '../../support/session.js'
import { Gossiper, rpc, signed, signedBy, TOPIC } from '../tools/gossip.js'
import { IDENTIFY, PING } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import { newKey, random } from '../tools/protobuf.js'
import { Session } from '../tools/session.js'
import { pause, turn, atOnce, type Attack, type Context } from './attack.js'

/** Asks this, so often in one write, again and again; a pause of so many ms between. */
async function flood(context: Context, make: () => ServiceRequest, amount: number, rest: number): Promise<void> {
  let one = new Session(await Line.open(context), context)
  await context.start()
  await atOnce(context, 1, async () => {
    if (!one.stream.isOpen) {
      context.fate.refused('session ended', one.unanswered)
      one = new Session(await Line.open(context), context)
    }
    const asked = { service: true, one: false, credit: 32 }
    await one.send(join(...Array.from({ length: amount }, () => one.request(encodeServiceRequest(make()), asked))))
    one.did(amount)
    await (rest === 0 ? turn() : pause(rest))
  })
}

/** The topic of the victim has something to tell: 256 messages of 4 kB. */
async function fill(context: Context): Promise<void> {
  const member = await Gossiper.join(context)
  await pause(300)
  for (const frame of await signed(256, 4_096)) await member.stream.send(frame)
  await pause(1_000)
  await member.line.end()
}

const LARGE = { largeMessages: { maxSize: 8 * 2 ** 20 } }

export const services: Attack[] = [
  {
    name: 'history-at-once',
    does: 'One peer asks 1,000 times in one write for the history of a topic that has 1 MiB, each second.',
    async run(context) {
      await fill(context)
      await flood(context, () => ({ kind: 'history', topic: TOPIC, count: 1_000 }), 1_000, 1_000)
    },
  },
  {
    name: 'receipts',
    does: 'One peer sends receipts for messages that nobody has broadcast, as fast as it can.',
    run: (context) => flood(context, () => ({ kind: 'receipt', topic: TOPIC, id: 'x'.repeat(40) }), 200, 0),
  },
  {
    name: 'blobs',
    does: 'One peer asks for large messages that nobody has, as fast as it can.',
    run: (context) => flood(context, () => ({ kind: 'blob', hash: random(HASH_BYTES) }), 200, 0),
  },
  {
    name: 'twins',
    does: 'One peer says that the victim has twins, at another address each time, as fast as it can.',
    // For what it costs. That one word counts, twins-spec holds.
    harmless: 'one word of a peer counts',
    run: (context) =>
      flood(context, () => ({ kind: 'twin', address: `/ip4/10.0.${random(1)[0]}.${random(1)[0]}/tcp/1` }), 200, 0),
  },
  {
    name: 'large-blocked',
    does: 'One member announces large messages that it never hands over, while another one broadcasts large ones.',
    harmless: 'honest ones go on',
    config: { pubsub: LARGE },
    own: { what: 'honest large messages that arrived within 2 s, %', least: 90 },
    async run(context) {
      const { victim, fate, over, signal } = context
      const liar = await Gossiper.join(context, {
        says: { protocols: [IDENTIFY, PING, '/meshsub/1.1.0', SESSION] },
        // It takes the question and says nothing.
        serve: { [SESSION]: () => undefined },
      })
      const { privateKey } = await newKey()
      const member = await createNode({
        ...{ listen: '/ip4/127.0.0.1/tcp/0', bootNodes: victim.address, topics: [TOPIC], logger: () => {} },
        pubsub: LARGE,
      })
      const heard = async (): Promise<number> =>
        Number(Buffer.from(await member.request(victim.peerId, Buffer.from('heard'))).toString())
      await member.joined(TOPIC)
      await pause(1_000)
      const before = await heard()
      await context.start()
      for (let i = 0; i < 8; i++) {
        const data = encodeAnnouncement({ hash: random(HASH_BYTES), size: 8 * 2 ** 20 })
        await liar.stream.send(rpc({ messages: [await signedBy(privateKey, data)] }))
        fate.did()
      }
      await pause(100)
      for (let sent = 1; !signal.aborted; sent++) {
        await member.broadcast(TOPIC, random(200_000)).catch(() => undefined)
        await Promise.race([pause(1_000), over])
        if (sent > 2) fate.figure = Math.min(100, (100 * ((await heard()) - before)) / (sent - 2))
      }
    },
  },
]
