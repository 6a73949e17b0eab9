/** What many identities do together, each of them little: no peer, and no range of addresses, is beyond its share. */
import * as wire from '../../support/session.js'
import { GOSSIP, Gossiper, rpc } from '../tools/gossip.js'
import { guest } from '../tools/guest.js'
import { Line } from '../tools/line.js'
import { random } from '../tools/protobuf.js'
import { Session } from '../tools/session.js'
import { atOnce, often, pause, turn, type Attack, type Context } from './attack.js'

/** Of 200 ranges of addresses. */
const from = (index: number): string => `127.0.${1 + (index % 200)}.9`

/** So many members, 20 at a time: a handshake has a deadline. */
async function members(context: Context, amount: number): Promise<Gossiper[]> {
  const all: Gossiper[] = []
  while (all.length < amount) {
    const some = Array.from({ length: 20 }, (_, at) => Gossiper.join(context, { from: from(all.length + at) }))
    all.push(...(await Promise.all(some)))
  }
  return all
}

/** A guest with a session, a stream of gossip, requests, a large one that never ends, and questions of Kademlia. */
async function creep(context: Context, index: number): Promise<Line> {
  const line = await guest(context, { from: from(index) })
  const session = new Session(line, context)
  await session.send(session.requests(20, 'give 100000', { credit: 1_000 }), session.requests(20, 'work 1'))
  const topics = Array.from({ length: 50 }, (_, at) => ({ topic: `${index} ${at}`, subscribe: true }))
  line.stream(GOSSIP, rpc({ subscriptions: topics }))
  for (let at = 0; at < 5; at++) line.stream('/tinyp2p/req-resp/1.0.0', wire.join(wire.varint(100_000), random(5_000)))
  for (let at = 0; at < 5; at++) line.stream('/nobody/1.0.0')
  context.fate.did()
  return line
}

export const crowds: Attack[] = [
  {
    name: 'handlers-dear-fresh',
    does: 'Ten new identities a second, each with an address of its own, ask once for what costs the handler 50 ms of computing.',
    harmless: 'each of them asks once',
    async run(context) {
      await context.start()
      await often(context, 10, (count) => {
        void Line.open(context, { from: from(count) })
          .then((line) => {
            const session = new Session(line, context)
            context.fate.did()
            return session.send(session.request('work 50'))
          })
          .catch(() => undefined)
      })
    },
  },
  {
    name: 'handlers-dear-fifty',
    does: 'Fifty peers with addresses of their own have the handler compute for 4 ms again and again, four requests at a time.',
    harmless: 'its requests have turns, behind those of peers whose handlers are quick',
    async run(context) {
      const lines = await Promise.all(Array.from({ length: 50 }, (_, at) => Line.open(context, { from: from(at) })))
      const all = lines.map((line) => new Session(line, context))
      await context.start()
      await atOnce(context, all.length, async (index) => {
        const session = all[index]!
        if (session.unanswered >= 4) return pause(5)
        context.fate.did()
        await session.send(session.request('work 4', { timeout: 5_000 }))
      })
    },
  },
  {
    name: 'gossip-topics-many',
    does: '200 members with addresses of their own subscribe to 2,000 new topics a second each.',
    async run(context) {
      const all = await members(context, 200)
      await context.start()
      const busy = new Set<Gossiper>()
      await often(context, 2, () => {
        for (const one of all) {
          if (busy.has(one) || !one.isOpen) continue
          const name = Math.random()
          const subscriptions = Array.from({ length: 1_000 }, (_, at) => ({ topic: `${name} ${at}`, subscribe: true }))
          busy.add(one)
          void one.stream.send(rpc({ subscriptions })).finally(() => busy.delete(one))
          context.fate.did(1_000)
        }
      })
    },
  },
  {
    name: 'ends-at-once',
    does: '200 members with sessions end their connections at once, and come back for the next time.',
    harmless: 'they go by themselves',
    async run(context) {
      const come = async (): Promise<Gossiper[]> => {
        const all = await members(context, 200)
        for (const { line } of all) await new Session(line, context).stream.send(wire.request(1, Buffer.from('x')))
        await pause(500)
        return all
      }
      let all = await come()
      await context.start()
      while (!context.signal.aborted) {
        context.fate.did(all.length)
        await Promise.all(all.map(({ line }) => line.end()))
        await pause(500)
        all = await come().catch(() => [])
        await turn()
      }
    },
  },
  {
    name: 'creep',
    does: 'Five new identities a second come and stay, each with a little of everything.',
    harmless: 'each of them is within its share, and whoever needs a place takes it from them',
    async run(context) {
      await context.start()
      await often(context, 5, (count) => void creep(context, count).catch(() => undefined))
    },
  },
]
