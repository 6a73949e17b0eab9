/** What strangers say of addresses: of others', of honest peers', of what is no peer at all. */
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { peerIdFromString } from '@libp2p/peer-id'
import { createNode } from 'tinyp2p'
import { guest, IDENTIFY, PING, KADEMLIA, questionOf } from '../tools/guest.js'
import { address, idOf, inventedKey, KAD, kadMessage, kadPeer } from '../tools/protobuf.js'
import { atOnce, often, pause, type Attack, type Context } from './attack.js'

const TYPES = Object.keys(KAD) as (keyof typeof KAD)[]

/** Listens on so many loopback addresses, takes all and says nothing. */
async function listeners(amount: number, arrived: () => void): Promise<{ at: Uint8Array[]; close(): void }> {
  const servers: Server[] = []
  const at: Uint8Array[] = []
  for (let index = 0; index < amount; index++) {
    const server = createServer((socket) => {
      arrived()
      socket.on('error', () => undefined)
    })
    const host = `127.0.${2 + (index % 250)}.2`
    server.listen(0, host)
    await once(server, 'listening')
    servers.push(server)
    at.push(address(`/ip4/${host}/tcp/${(server.address() as { port: number }).port}`))
  }
  const close = (): void => {
    for (const server of servers) server.close()
  }
  return { at, close }
}

/** Where nobody listens. A peer without an address is none of the routing table, and is not asked. */
const HOME = address('/ip4/127.0.0.1/tcp/9')

/** Its answers to lookups name these. */
function teller(context: Context, closer: () => Uint8Array[], addresses = [HOME]) {
  return guest(context, {
    says: { protocols: [IDENTIFY, PING, KADEMLIA], addresses },
    kad(message) {
      const { type, key } = questionOf(message)
      context.fate.did()
      return kadMessage({ type: TYPES[type] ?? 'ping', key, closer: closer() })
    },
  })
}

export const hearsay: Attack[] = [
  {
    name: 'port-scan',
    does: 'Four peers a second come, name 24 addresses as their own and 20 invented peers at others, and go: does the victim dial them?',
    config: { discoveryInterval: 2_000 },
    // Each dial takes its time, so there are few in any case: that hearsay has no bound breaks the goals `attacker` and `stall`.
    // Scopes, other ports and names are held by specs (scopes, addresses, hearsay, kad-hostile).
    // Open: where doors hang up at once there were 1,400 dials in 10 s. Some 220 of them were of what strangers say of others, which has its
    // bound; the others were of what they give as their own addresses, again and again.
    own: { what: 'dials of what strangers named', most: 80 },
    async run(context) {
      let dials = 0
      const { at, close } = await listeners(200, () => (context.fate.figure = ++dials))
      const some = (amount: number) => Array.from({ length: amount }, () => at[Math.floor(Math.random() * at.length)]!)
      await context.start()
      context.fate.figure = 0
      await often(context, 4, () => {
        const closer = () => Array.from({ length: 20 }, () => kadPeer(idOf(inventedKey()), some(8)))
        void teller(context, closer, some(24))
          .then(async (line) => {
            await pause(1_500)
            await line.end()
          })
          .catch(() => undefined)
      })
      close()
    },
  },
  {
    name: 'addresses-of-another',
    does: 'One peer says in each answer to a lookup that an honest peer is at twelve addresses that accept and say nothing.',
    harmless: 'what the peer has said of itself counts',
    // So that the victim has no connection to the peer, and dials it for each question. That hearsay displaces what the peer has said
    // is not seen here any more, since the lane remembers where it was: specs of kad-hostile, gater, routing-table, dials and addresses hold it.
    config: { discoveryInterval: 2_000, stayConnected: 0, reqResp: { connectionKeepAlive: 1_000 } },
    own: { what: 'ms until that peer answers the victim', most: 1_000 },
    async run(context) {
      const { victim, fate, signal, over } = context
      const { at, close } = await listeners(12, () => undefined)
      const common = { listen: '/ip4/127.0.0.1/tcp/0', logger: () => {} }
      const [honest, asker] = await Promise.all([createNode(common), createNode(common)])
      honest.setEventHandler({ handleInboundRequest: (data) => data })
      await honest.request(victim.address, new Uint8Array(8))
      const closer = [kadPeer(peerIdFromString(honest.peerId).toMultihash().bytes, at)]
      await context.start()
      void atOnce(context, 1, async () => {
        const line = await teller(context, () => closer)
        // The victim does not hang up on who waits for an answer.
        line.stream('/tinyp2p/req-resp/1.0.0', Buffer.from('\nwait 60000')).end()
        await Promise.race([line.closed, over])
      })
      // Until it was asked, and the victim has closed its connection to the honest one.
      await pause(2_500)
      fate.figure = 0
      while (!signal.aborted) {
        const ask = asker.request(victim.address, Buffer.from(`ask ${honest.peerId}`), { timeout: 15_000 })
        const took = Number(Buffer.from(await ask.catch(() => Buffer.from('failed'))).toString())
        fate.figure = Math.max(fate.figure, Number.isNaN(took) ? 99_999 : took)
        await pause(2_500)
      }
      close()
    },
  },
]
