/** Coming late: what was broadcast before, then what is broadcast meanwhile, each once; nothing that was forged. */
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

/** All in the topic, and each knows it of all others. */
async function everyone(amount: number): Promise<P2pNode[]> {
  const nodes = await Promise.all(Array.from({ length: amount }, () => startNode({ topics: [TOPIC] })))
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
    /** One after the other, as long as somebody joins. */
    const speaking = nodes.map(async (node, who) => {
      while (!isOver) {
        await node.broadcast(TOPIC, titled(`of ${who} ${rounds[who]}`, 60))
        rounds[who]!++
        await next(nodes[(who + 1) % nodes.length]!.broadcasts$(TOPIC)).catch(() => undefined)
      }
    })
    const replay = 30
    const joined = (async () => {
      for (const process of late) {
        // Every node has so much to tell.
        await Promise.all(nodes.map((node) => nextFew(node.broadcasts$(TOPIC), replay)))
        await process.writes(TOPIC, { replay })
        await Promise.all(nodes.map((node) => process.order('dial', { address: node.addresses[0]! })))
        await process.wrote(TOPIC, replay + 30)
      }
    })()
    await joined.finally(() => (isOver = true))
    await Promise.all(speaking)
    for (const [who, node] of nodes.entries()) await node.broadcast(TOPIC, titled(`last ${who}`, 60))
    for (const process of late) {
      for (const who of nodes.keys()) {
        await process.wroteText(TOPIC, `last ${who}`)
      }
      const lines = process.journal(TOPIC)
      expect(lines.every(isIntact)).toBe(true)
      let old = 0
      for (const who of nodes.keys()) {
        const heard = lines.filter(({ text }) => text.startsWith(`of ${who} `))
        const numberOf = ({ text }: { text: string }): number => Number(text.split(' ')[2])
        const first = Math.min(...heard.filter((line) => lines.indexOf(line) < replay).map(numberOf))
        const numbers = heard.map(numberOf).sort((a, b) => a - b)
        expect(new Set(numbers).size).toBe(numbers.length)
        // From the first that was replayed up to the last that there was. (Gossip brings some that are older still, by IHAVE.)
        expect(numbers.filter((number) => number >= first)).toEqual(
          Array.from({ length: rounds[who]! - first }, (_, i) => first + i),
        )
        expect(new Set(heard.map(({ from }) => from))).toEqual(new Set([nodes[who]!.peerId]))
        old += heard.length
      }
      expect(old).toBeGreaterThanOrEqual(replay + 30)
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
