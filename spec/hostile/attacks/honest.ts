/** No attacks: what honest peers may do, and what no defence may cost them. */
import { createNode, type P2pNode } from 'tinyp2p'
import { join } from '../../support/bytes.js'
import { varint } from '../../support/session.js'
import { Line } from '../tools/line.js'
import { pause, atOnce, type Attack, type Context } from './attack.js'

const QUIET = { listen: '/ip4/127.0.0.1/tcp/0', logger: () => {} }
const MiB = 1_048_576

/** So many nodes that ask the victim, with so many requests in flight each; the figure is how many of 100 are answered. */
async function clients(context: Context, amount: number, inFlight: number, data: Uint8Array): Promise<void> {
  const { fate, victim } = context
  const nodes: P2pNode[] = await Promise.all(Array.from({ length: amount }, () => createNode(QUIET)))
  await Promise.all(nodes.map((node) => node.request(victim.address, new Uint8Array(1))))
  let answered = 0
  await context.start()
  await atOnce(context, amount * inFlight, async (index) => {
    const isAnswered = await nodes[index % amount]!.request(victim.address, data).then(() => true, () => false) // prettier-ignore
    if (context.signal.aborted) return
    fate.did()
    if (isAnswered) answered++
    fate.figure = (100 * answered) / fate.done
  })
}

const ALL = { what: 'answered, %', least: 100 }

export const honest: Attack[] = [
  {
    name: 'honest-full-rate',
    does: 'Ten clients ask 32 bytes at full rate, 100 requests in flight each.',
    honest: true,
    own: ALL,
    run: (context) => clients(context, 10, 100, new Uint8Array(32)),
  },
  {
    name: 'honest-thousand',
    does: 'One client has 1,000 requests in flight.',
    honest: true,
    own: ALL,
    run: (context) => clients(context, 1, 1_000, new Uint8Array(32)),
  },
  {
    name: 'honest-large-answers',
    does: 'Four clients ask for 1 MiB at full rate, 20 requests in flight each.',
    honest: true,
    own: ALL,
    run: (context) => clients(context, 4, 20, Buffer.from(`give ${MiB}`)),
  },
  {
    name: 'honest-large-requests',
    does: 'Two clients send 900 kB at full rate, five requests in flight each.',
    honest: true,
    own: ALL,
    run: (context) => clients(context, 2, 5, new Uint8Array(900_000)),
  },
  {
    name: 'honest-v1-streams',
    does: 'One peer of the origin asks over 500 streams at once, each in good order, every half second.',
    honest: true,
    own: ALL,
    async run(context) {
      const { fate } = context
      const line = await Line.open(context, { from: '127.0.0.1' })
      let [sent, answered] = [0, 0]
      await context.start()
      while (!context.signal.aborted) {
        for (let i = 0; i < 500; i++) {
          const stream = line.stream('/tinyp2p/req-resp/1.0.0', join(varint(32), new Uint8Array(32)))
          stream.onData = () => (stream.onData = void answered++)
          stream.end()
        }
        await Promise.race([pause(500), context.over])
        fate.did(500)
        if (sent > 0) fate.figure = Math.min(100, (100 * answered) / sent)
        sent += 500
      }
    },
  },
  {
    name: 'honest-twenty',
    does: 'Twenty nodes start at once on one machine, with the victim as their boot node.',
    honest: true,
    own: { what: 'connected within 3 s', least: 20 },
    async run(context) {
      const { fate, victim } = context
      await context.start()
      fate.figure = 0
      const begin = performance.now()
      const one = async (): Promise<void> => {
        const node = await createNode({ ...QUIET, bootNodes: victim.address })
        await node.request(victim.peerId, new Uint8Array(32))
        if (performance.now() - begin < 3_000) fate.figure = fate.figure! + 1
      }
      await Promise.all(Array.from({ length: 20 }, () => one().catch(() => undefined)))
      await context.over
    },
  },
]
