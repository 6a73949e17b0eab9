/** A peer that is to be kept, and that has moved where nobody near us hears of it. */
import { expect, it } from '@jest/globals'
import type { P2pNode } from 'tinyp2p'
import { simulate } from 'tinyp2p/testing'

it('is found within a tick by the network, though others know it and we know an old address', async () => {
  const net = simulate({ seed: 4 })
  // Nobody visits others by himself.
  const still = { stayConnected: 0, discoveryInterval: 3_600_000 }
  const nodes: P2pNode[] = []
  for (let i = 0; i < 61; i++) {
    nodes.push(await net.createNode({ ...still, bootNodes: nodes[0]?.addresses ?? [] }))
    await net.run(200)
  }
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
  const bob = await net.createNode({ ...still, secret, bootNodes: nodes[4]!.addresses })
  await net.run(60_000)
  const client = await net.createNode({ keep: bob.addresses, bootNodes: nodes[0]!.addresses, stayConnected: 0 })
  await net.run(60_000)
  const isThere = async (): Promise<boolean> => {
    return (await net.until(client.status())).connections.includes(bob.peerId)
  }
  expect(await isThere()).toBe(true)
  await net.crash(bob)
  await net.run(20_000)
  expect(await isThere()).toBe(false)
  const moved = await net.createNode({ ...still, secret, bootNodes: nodes[8]!.addresses })
  expect(moved.addresses).not.toEqual(bob.addresses)
  await net.run(31_000)
  expect(await isThere()).toBe(true)
}, 30_000)
