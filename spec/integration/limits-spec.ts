/** Limits of the config reach what they bound in libp2p: a look from outside, at a node as `createNode` makes it. */
import { afterEach, expect, it } from '@jest/globals'
import { createNode } from '../../src/create-node.js'
import type { Limits } from '../../src/core/limits/limits.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { messageId } from '../../src/wire/gossip/message.js'
import { filled } from '../support/session.js'
import { LOOPBACK, nextFew } from '../support/nodes.js'
import { rawGossipIn, stopRaw } from '../support/raw-gossip.js'

const TOPIC = 'block'
const nodes: P2pNode[] = []

afterEach(async () => {
  await stopRaw()
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function limited(limits: Partial<Limits>): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK, topics: [TOPIC], limits })
  nodes.push(node)
  return node
}

it.each([
  [50_000, [8, 9]],
  [undefined, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
])('gossipCacheBytes of %p: of ten broadcasts of 20,000 bytes peers can ask for %j', async (gossipCacheBytes, left) => {
  const node = await limited(gossipCacheBytes === undefined ? {} : { gossipCacheBytes })
  const address = node.addresses[0]!
  const sent = Array.from({ length: 10 }, (_, index) => filled(20_000, index))
  const heard = nextFew(node.broadcasts$(TOPIC), 10)
  const [teller, asker] = [await rawGossipIn(TOPIC, address), await rawGossipIn('another', address)]
  for (const data of sent) await teller.publish(TOPIC, data)
  await heard
  asker.iwant(...sent.map((data) => messageId(data)))
  await asker.until(() => asker.messages.length >= left.length)
  expect(asker.messages.map(({ data }) => data![0])).toEqual(left)
})
