/**
 * A node that writes into whatever it gets: its validator, its handler, its subscribers. What it hands on, keeps for others and remembers is
 * what was broadcast all the same.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { NodeConfig, P2pNode } from 'tinyp2p'
import { messageId } from '../../../src/wire/gossip/message.js'
import { startGated } from '../../support/gated-node.js'
import { canReach, MiB, nextFew, stopNodes } from '../../support/nodes.js'
import { rawGossipIn, stopRaw } from '../../support/raw-gossip.js'
import { filled } from '../../support/session.js'

const [PLAIN, GUARDED] = ['plain', 'guarded']
const TOPICS = [PLAIN, GUARDED]
const pubsub = { largeMessages: { maxSize: MiB } }
const SMALL = [filled(100, 1), filled(40_000, 2)]
const ALL = [...SMALL, filled(200_000, 3)]

/** Of the writer alone all others know, and they remember nothing. */
let denied: Set<string>
let writer: P2pNode
let teller: P2pNode
let written = 0

function spoil(data: Uint8Array): void {
  written++
  data.fill(0)
}

async function join(config: NodeConfig = {}): Promise<P2pNode> {
  const others = new Set(denied)
  const forgetful = { ...pubsub, history: { messages: 0 } }
  const node = await startGated(
    { pubsub: forgetful, ...config },
    { denied: others, gossipsub: { heartbeatInterval: 500 } },
  )
  denied.add(node.peerId)
  await node.dial(writer.addresses[0]!)
  return node
}

beforeEach(async () => {
  denied = new Set()
  const validators = {
    [GUARDED]: (data: Uint8Array) => {
      spoil(data)
      return 'accept' as const
    },
  }
  const config = { topics: TOPICS, pubsub: { ...pubsub, validators } }
  writer = await startGated(config, { gossipsub: { heartbeatInterval: 500 } })
  writer.setEventHandler({ handleBroadcast: (_, data) => spoil(data) })
  for (const topic of TOPICS) writer.broadcasts$(topic).subscribe(({ data }) => spoil(data))
  teller = await join({ topics: TOPICS })
})

afterEach(() => Promise.all([stopNodes(), stopRaw()]), 20_000)

/** What they are of, whatever their order. */
const known = (broadcasts: { data: Uint8Array }[]): number[] =>
  broadcasts.map(({ data }) => ALL.findIndex((one) => Buffer.compare(one, data) === 0)).sort()

describe.each(TOPICS)('what is broadcast in a topic that is %s', (topic) => {
  it('reaches others as it was, small and large, when it comes, late and on demand', async () => {
    const reader = await join({ topics: TOPICS })
    const asker = await rawGossipIn('another', writer.addresses[0]!)
    await canReach(teller, writer, topic)
    while ((await writer.explain({ topic })).subscribers.filter(({ inMesh }) => inMesh).length < 2) await pause(20)
    const [here, there] = [writer, reader].map((node) => nextFew(node.broadcasts$(topic), ALL.length))
    for (const one of ALL) await teller.broadcast(topic, one.slice())
    await here
    asker.iwant(...SMALL.map(messageId))
    expect(known(await there!)).toEqual([0, 1, 2])
    await asker.until(() => asker.messages.length === SMALL.length)
    expect(known(asker.messages as { data: Uint8Array }[])).toEqual([0, 1])
    for (let i = 0; i < 2; i++) {
      const again = await nextFew(writer.broadcasts$(topic, { replay: 10 }), SMALL.length)
      expect(known(again)).toEqual([0, 1])
      for (const one of again) spoil(one.data)
    }
    const late = await join()
    expect(known(await nextFew(late.broadcasts$(topic, { replay: 10 }), SMALL.length))).toEqual([0, 1])
    expect(written).toBeGreaterThan(2 * ALL.length)
  }, 30_000)
})
