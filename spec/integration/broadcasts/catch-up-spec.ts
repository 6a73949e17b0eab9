/** Coming late: what was broadcast before, then what is broadcast meanwhile, each once; nothing that was forged. */
import { setTimeout } from 'node:timers/promises'
import type { P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../../support/another-process.js'
import { isIntact, titled, titleOf } from '../../support/child-broadcasts.js'
import {
  bytes,
  canReach,
  hearsSubscription,
  next,
  nextFew,
  startNode,
  stateOf,
  stopNodes,
} from '../../support/nodes.js'

afterEach(() => Promise.all([stopNodes(), endProcesses()]), 20_000)

const TOPIC = 'block'

/** As many as a replay can have, so that a late subscriber is given all that there ever was. */
const REPLAY = 1_000

/** All in the topic, and each knows it of all others. */
async function everyone(amount: number): Promise<P2pNode[]> {
  const nodes = await Promise.all(
    Array.from({ length: amount }, () => startNode({ topics: [TOPIC], pubsub: { history: { messages: REPLAY } } })),
  )
  for (const [i, node] of nodes.entries()) {
    for (const other of nodes.slice(0, i)) {
      await node.dial(other.addresses[0]!)
      await Promise.all([canReach(node, other, TOPIC), canReach(other, node, TOPIC)])
    }
  }
  return nodes
}

describe('a late subscriber', () => {
  it('has no gap and no repeat while broadcasts go on from several nodes', async () => {
    const [nodes, late] = await Promise.all([
      everyone(3),
      Promise.all(Array.from({ length: 3 }, () => AnotherProcess.start())),
    ])
    const rounds: number[] = nodes.map(() => 0)
    let isOver = false
    /** One after the other, as long as somebody joins; slower and slower, so that a replay has room for all. */
    const speaking = nodes.map(async (node, who) => {
      while (!isOver) {
        await node.broadcast(TOPIC, titled(`of ${who} ${rounds[who]}`, 60))
        rounds[who]!++
        await next(nodes[(who + 1) % nodes.length]!.broadcasts$(TOPIC)).catch(() => undefined)
        await setTimeout(rounds[who]! / 2)
      }
    })
    const allHear30 = () => Promise.all(nodes.map((node) => nextFew(node.broadcasts$(TOPIC), 30)))
    const joined = (async () => {
      for (const process of late) {
        // Every node has something to tell.
        await allHear30()
        await process.writes(TOPIC, { replay: REPLAY })
        await Promise.all(nodes.map((node) => process.order('dial', { address: node.addresses[0]! })))
        await process.wrote(TOPIC, 1)
      }
      await allHear30()
    })()
    await joined.finally(() => (isOver = true))
    await Promise.all(speaking)
    const all = rounds.flatMap((amount, who) => Array.from({ length: amount }, (_, i) => `of ${who} ${i}`))
    expect(all.length).toBeLessThan(REPLAY)
    for (const [who, node] of nodes.entries()) await node.broadcast(TOPIC, titled(`last ${who}`, 60))
    all.push(...nodes.map((_, who) => `last ${who}`))
    for (const process of late) {
      for (const who of nodes.keys()) {
        await process.wroteText(TOPIC, `last ${who}`)
      }
      const lines = process.journal(TOPIC)
      expect(lines.every(isIntact)).toBe(true)
      expect(lines.map(({ text }) => text).sort()).toEqual([...all].sort())
      for (const { text, from } of lines) expect(from).toBe(nodes[Number(text.split(' ')[1])]!.peerId)
    }
  }, 90_000)

  it('is given nothing that its signer did not sign, and holds it against who gave it', async () => {
    const [signer, forger] = (await everyone(2)) as [P2pNode, P2pNode]
    const heard = nextFew(forger.broadcasts$(TOPIC), 4)
    for (const title of ['one', 'two', 'three', 'four']) await signer.broadcast(TOPIC, bytes(title))
    await heard
    const history = stateOf(forger).topics.joined.get(TOPIC)!.history
    history[0] = { ...history[0]!, data: bytes('forged') }
    history[1] = { ...history[1]!, from: forger.peerId }
    history[2] = { ...history[2]!, proof: history[3]!.proof }
    await signer.stop()

    const late = await startNode()
    const titles: string[] = []
    const first = new Promise<void>((resolve) => {
      late.broadcasts$(TOPIC, { replay: 10 }).subscribe(({ data }) => {
        titles.push(titleOf(data))
        resolve()
      })
    })
    await late.dial(forger.addresses[0]!)
    await hearsSubscription(late, forger, TOPIC)
    await first
    expect(titles).toEqual(['four'])
    expect((await late.explain({ peer: forger.peerId })).gossip.score).toBeLessThan(0)
  }, 60_000)
})
