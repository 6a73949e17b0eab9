/**
 * A network in which one fault never heals: the boot node leaves for good. Of those who met through it some go and come back, and
 * two are parted from all others for two minutes. Once they are healed they must know and reach each other within two ticks, and
 * so must all others.
 */
import type { P2pNode } from '../../src/node/p2p-node.js'
import { simulate } from '../../src/testing/index.js'
import { Random } from '../../src/testing/network/random.js'
import { Violation } from './violation.js'

/** How many discovery ticks after the healing. */
const TICKS = 2
const PARTED = 120_000
/** They have met by then. */
const MEET = 40_000

export async function runLiveness(seed: number): Promise<void> {
  const random = new Random(`liveness ${seed}`)
  const between = (least: number, most: number): number => least + random.below(most - least + 1)
  const latency = between(1, 60)
  const net = simulate({ seed, latency, jitter: between(0, Math.min(latency, 20)) })
  const tick = between(5_000, 30_000)
  const config = { discoveryInterval: tick, reqResp: { connectionKeepAlive: between(5_000, 20_000) } }
  const boot = await net.createNode(config)
  const start = async (): Promise<P2pNode> => {
    const node = await net.createNode({ ...config, bootNodes: boot.addresses })
    node.setEventHandler({ handleInboundRequest: (data) => data })
    return node
  }
  const nodes = [await start(), await start()]
  for (let others = between(0, 9); others > 0; others--) {
    await net.run(between(0, 3_000))
    nodes.push(await start())
  }
  await net.run(MEET)
  if (random.below(2) === 0) await net.until(boot.stop())
  else await net.crash(boot)
  await net.run(between(0, 3_000))
  const alone = nodes.slice(0, 2)
  net.partition([[alone[0]!], [alone[1]!], nodes.slice(2)])
  for (let end = net.now + PARTED; net.now < end; await net.run(Math.min(between(5_000, 40_000), end - net.now))) {
    // One of the others restarts, and remembers nobody: those who knew it find it.
    if (nodes.length < 5 || random.below(3) > 0) continue
    const index = between(2, nodes.length - 1)
    await net.crash(nodes[index]!)
    await net.run(Math.min(between(100, 5_000), Math.max(0, end - net.now)))
    nodes[index] = await net.restart(nodes[index]!)
    nodes[index].setEventHandler({ handleInboundRequest: (data) => data })
  }
  net.heal()
  await net.run(TICKS * tick)
  for (const a of nodes) {
    const known = await net.until(a.knownPeers())
    for (const b of nodes) {
      if (a === b) continue
      const names = `of ${nodes.length}, n${nodes.indexOf(a)} … n${nodes.indexOf(b)}`
      if (!(b.peerId in known))
        throw new Violation('liveness', `${names} does not know it ${TICKS} ticks later`, net.now)
      const answer = await net.until(a.request(b.peerId, Uint8Array.of(1)).then(() => 'ok', String))
      if (answer !== 'ok') throw new Violation('liveness', `${names} does not reach it: ${answer}`, net.now)
    }
  }
  for (const node of nodes) await net.until(node.stop())
}
