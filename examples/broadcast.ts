/**
 * Three nodes in one process: one broadcasts, the others hear it, and the same bytes again are refused.
 *
 *   npx tsx examples/broadcast.ts
 */
import { firstValueFrom, timeout } from 'rxjs'
import { createNode, P2pError } from 'tinyp2p'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (data: Uint8Array): string => new TextDecoder().decode(data)
const config = { listen: '/ip4/127.0.0.1/tcp/0', topics: ['news'] }

const alice = await createNode(config)
const bob = await createNode({ ...config, bootNodes: alice.addresses })
const carol = await createNode({ ...config, bootNodes: alice.addresses })

const bothHear = Promise.all(
  Object.entries({ bob, carol }).map(async ([name, node]) => {
    const { data, from } = await firstValueFrom(node.broadcasts$('news').pipe(timeout(10_000)))
    console.log(`${name} heard ${decode(data)} from ${from}`)
  }),
)

// A broadcast goes to the peers that are connected and in the topic: wait until both are.
const { recipients } = await alice.broadcast('news', encode('the news'), { waitForPeers: { min: 2 } })
console.log(`sent to ${recipients.length} peers`)
await bothHear

try {
  await alice.broadcast('news', encode('once'))
  await alice.broadcast('news', encode('once'))
} catch (error) {
  if (!(error instanceof P2pError)) throw error
  console.log(`${error.code}: ${error.message}`)
}
await Promise.all([alice.stop(), bob.stop(), carol.stop()])
