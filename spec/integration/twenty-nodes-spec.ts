/** Twenty nodes in one process that know one boot node: all find each other, and a broadcast of each reaches all others. */
import type { P2pNode } from 'tinyp2p'
import { afterEach, expect, it } from '@jest/globals'
import { bytes, hearsSubscription, knowsWithin, startNode, stopNodes, text, within } from '../support/nodes.js'

afterEach(stopNodes, 15_000)

const AMOUNT = 20

it('twenty nodes of one machine find each other through one boot node, and each of them is heard by all', async () => {
  const began = performance.now()
  // Kept open: on a slow machine finding each other takes longer than the 10 s after which idle connections are closed.
  const common = { topics: ['block'], reqResp: { connectionKeepAlive: 60_000 }, discoveryInterval: 10_000 }
  const boot = await startNode(common)
  const config = { ...common, bootNodes: boot.addresses }
  const others = await Promise.all(Array.from({ length: AMOUNT - 1 }, () => startNode(config)))
  const nodes = [boot, ...others]
  const without = (node: P2pNode) => nodes.filter((other) => other !== node)

  await Promise.all(nodes.map((node) => knowsWithin(60_000, node, ...without(node))))
  const found = performance.now()

  await Promise.all(others.map((node) => hearsSubscription(node, boot, 'block')))
  const seen = new Map(nodes.map((node) => [node, new Set<string>()]))
  const allHeard = Promise.all(
    nodes.map(
      (node) =>
        new Promise<void>((resolve) => {
          node.broadcasts$('block').subscribe(({ data, from }) => {
            expect(text(data)).toBe(from)
            seen.get(node)!.add(from)
            if (seen.get(node)!.size === AMOUNT - 1) resolve()
          })
        }),
    ),
  )
  const published = performance.now()
  await Promise.all(nodes.map((node) => node.broadcast('block', bytes(node.peerId))))
  await within(20_000, allHeard, 'all broadcasts').catch((error: Error) => {
    throw new Error(`${error.message}: ${[...seen.values()].map(({ size }) => size).join(' ')}`)
  })
  const heard = performance.now()
  for (const node of nodes) expect(seen.get(node)).toEqual(new Set(without(node).map(({ peerId }) => peerId)))
  const seconds = (from: number, to: number) => `${((to - from) / 1_000).toFixed(1)} s`
  console.info(`twenty nodes: all known in ${seconds(began, found)}, all heard in ${seconds(published, heard)}`)
}, 120_000)
