/** Topics at run time: who joins, leaves or dies is seen; what follows `joined` is not lost; slow loops drop by their policy. */
import { newSecret, type P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../../support/another-process.js'
import { titled, titleOf } from '../../support/child-broadcasts.js'
import { bytes, canReach, heard, next, nextFew, outcome, startNode, statusOf, stopNodes } from '../../support/nodes.js'

afterEach(() => Promise.all([stopNodes(), endProcesses()]), 20_000)

const TOPIC = 'news'

describe('the first broadcast', () => {
  it.each(['the subscriber dials', 'the publisher dials'])(
    'after joined is never lost: %s',
    async (who) => {
      const publisher = await startNode({ topics: [TOPIC] })
      for (let i = 0; i < 20; i++) {
        // On a busy machine its neighbour's first word may take longer than the quarter of a second that it is given.
        const subscriber = await startNode({}, { gossipSettle: 5_000 })
        const first = next(subscriber.broadcasts$(TOPIC), ({ data }) => titleOf(data) === `first ${i}`)
        if (who === 'the subscriber dials') await subscriber.dial(publisher.addresses[0]!)
        else await publisher.dial(subscriber.addresses[0]!)
        // A connection that has not reached it yet, it cannot wait for.
        await statusOf(subscriber, ({ connections }) => connections.length === 1)
        await subscriber.joined(TOPIC)
        await publisher.broadcast(TOPIC, bytes(`first ${i}`))
        expect((await first).from).toBe(publisher.peerId)
        await subscriber.stop()
      }
    },
    60_000,
  )

  it('that waits for peers goes to subscribers that start after it', async () => {
    const publisher = await startNode()
    for (let i = 0; i < 5; i++) {
      const sent = publisher.broadcast(TOPIC, bytes(`early ${i}`), { waitForPeers: { min: 2, timeout: 20_000 } })
      const subscribers = await Promise.all([startNode(), startNode()])
      const first = subscribers.map((node) => next(node.broadcasts$(TOPIC)))
      await Promise.all(subscribers.map((node) => node.dial(publisher.addresses[0]!)))
      expect((await sent).recipients.sort()).toEqual(subscribers.map(({ peerId }) => peerId).sort())
      for (const { data } of await Promise.all(first)) expect(titleOf(data)).toBe(`early ${i}`)
      await Promise.all(subscribers.map((node) => node.stop()))
      await next(publisher.subscribers$(TOPIC), (peers) => peers.length === 0)
    }
  }, 60_000)

  it('that waits for peers in vain is an error, and nothing was sent', async () => {
    const [publisher, subscriber] = [await startNode(), await startNode({ topics: [TOPIC] })]
    await publisher.dial(subscriber.addresses[0]!)
    await canReach(publisher, subscriber, TOPIC)
    const data = bytes('for two')
    expect(await outcome(publisher.broadcast(TOPIC, data, { waitForPeers: { min: 2, timeout: 300 } }))).toBe(
      'PublishError',
    )
    const first = next(subscriber.broadcasts$(TOPIC))
    // No repeat, for it did not go out.
    expect(await publisher.broadcast(TOPIC, data)).toEqual({ recipients: [subscriber.peerId] })
    expect((await first).data).toEqual(data)
  })
})

describe('subscribers$ and topics$', () => {
  it('follow joins, leaves and deaths of others', async () => {
    const [node, [leaves, dies]] = await Promise.all([
      startNode(),
      Promise.all([AnotherProcess.start(), AnotherProcess.start()]),
    ])
    const seen: string[][] = []
    node.subscribers$(TOPIC).subscribe((peers) => seen.push([...peers].sort()))
    const both = [leaves.peerId, dies.peerId].sort()
    for (const process of [leaves, dies]) {
      await process.writes(TOPIC)
      await process.order('dial', { address: node.addresses[0]! })
      await next(node.subscribers$(TOPIC), (peers) => peers.includes(process.peerId))
    }
    await leaves.order('stop', {})
    await next(node.subscribers$(TOPIC), (peers) => peers.length === 1)
    await dies.kill()
    await next(node.subscribers$(TOPIC), (peers) => peers.length === 0)
    expect(seen).toEqual([[], [leaves.peerId], both, [dies.peerId], []])
    expect((await node.explain({ topic: TOPIC })).nobody).toBe('we are connected to nobody')
  }, 60_000)

  it('follow our own joins and leaves', async () => {
    const node = await startNode({ topics: ['fixed'] }, { topicLinger: 50 })
    const changes = nextFew(node.topics$, 3)
    node.broadcasts$('passing').subscribe().unsubscribe()
    expect(await changes).toEqual([['fixed'], ['fixed', 'passing'], ['fixed']])
  })
})

describe('a subscriber', () => {
  async function pair(): Promise<[P2pNode, P2pNode]> {
    const [publisher, subscriber] = [await startNode(), await startNode()]
    await subscriber.dial(publisher.addresses[0]!)
    return [publisher, subscriber]
  }

  it('that comes again at once, again and again, loses nothing', async () => {
    const [publisher, subscriber] = await pair()
    let subscription = subscriber.broadcasts$(TOPIC).subscribe()
    await canReach(publisher, subscriber, TOPIC)
    for (let i = 0; i < 20; i++) {
      subscription.unsubscribe()
      const heardHere = next(subscriber.broadcasts$(TOPIC), ({ data }) => titleOf(data) === `piece ${i}`)
      subscription = subscriber.broadcasts$(TOPIC).subscribe()
      expect((await publisher.broadcast(TOPIC, bytes(`piece ${i}`))).recipients).toEqual([subscriber.peerId])
      await heardHere
    }
  })

  it.each([
    ['dropOldest', 5, ['m 0', 'm 15', 'm 16', 'm 17', 'm 18', 'm 19'], 14],
    ['conflate', 5, ['m 0', 'm 19'], 18],
    ['error', 5, ['m 0', 'm 1', 'm 2', 'm 3', 'm 4', 'm 5', 'Overloaded'], undefined],
  ] as const)(
    'whose loop is slow gets what its policy %s leaves, and the rest is counted',
    async (onOverflow, buffer, expected, dropped) => {
      const [publisher, subscriber] = await pair()
      const others = nextFew(subscriber.broadcasts$(TOPIC), 20)
      const titles: string[] = []
      let took = (): void => undefined
      const taken = new Promise<void>((resolve) => (took = resolve))
      const loop = (async () => {
        try {
          for await (const { data } of subscriber.broadcasts$(TOPIC, { buffer, onOverflow })) {
            titles.push(titleOf(data))
            took()
            if (titles.length === 1) await others
            if (titleOf(data) === 'm 19') break
          }
        } catch (error) {
          titles.push((error as { code: string }).code)
        }
      })()
      await canReach(publisher, subscriber, TOPIC)
      await publisher.broadcast(TOPIC, bytes('m 0'))
      await taken
      for (let i = 1; i < 20; i++) await publisher.broadcast(TOPIC, bytes(`m ${i}`))
      // Its slowness is its own: this one has everything.
      expect((await others).map(({ data }) => titleOf(data))).toEqual(Array.from({ length: 20 }, (_, i) => `m ${i}`))
      await loop
      expect(titles).toEqual(expected)
      if (dropped === undefined) return
      expect((await subscriber.explain({ topic: TOPIC })).dropped).toEqual({ bufferFull: dropped })
      expect((await subscriber.status()).topics[TOPIC]).toEqual({ subscribers: 0, dropped })
    },
  )
})

describe('the id of a message', () => {
  async function pairWith(
    messageId: 'unique' | ((message: { data: Uint8Array }) => string),
  ): Promise<[P2pNode, P2pNode]> {
    const config = { topics: [TOPIC], pubsub: { messageId } }
    const nodes = [await startNode(config), await startNode(config)] as [P2pNode, P2pNode]
    await nodes[0].dial(nodes[1].addresses[0]!)
    await Promise.all([canReach(nodes[0], nodes[1], TOPIC), canReach(nodes[1], nodes[0], TOPIC)])
    return nodes
  }

  it.each(['the same node, started again', 'another node'])(
    'makes what %s publishes a repeat: nobody hears it, no receipt says so, and it is counted',
    async (who) => {
      const hub = await startNode()
      const heardThere: string[] = []
      hub.broadcasts$(TOPIC).subscribe(({ data }) => heardThere.push(titleOf(data)))
      const secret = newSecret()
      const receiptsOf = async (own: string): Promise<string[]> => {
        const node = await startNode({ secret: own, bootNodes: hub.addresses, topics: [TOPIC] })
        const options = { waitForPeers: { timeout: 5_000 }, receipts: { timeout: 5_000 } }
        const { recipients, receipts$ } = await node.broadcast(TOPIC, bytes('up'), options)
        expect(recipients).toEqual([hub.peerId])
        const by: string[] = []
        await receipts$!.forEach(({ peer }) => void by.push(peer))
        await node.stop()
        return by
      }
      expect(await receiptsOf(secret)).toEqual([hub.peerId])
      const began = performance.now()
      expect(await receiptsOf(who === 'another node' ? newSecret() : secret)).toEqual([])
      expect(performance.now() - began).toBeLessThan(4_000)
      expect(heardThere).toEqual(['up'])
      expect((await hub.explain({ topic: TOPIC })).dropped).toEqual({ duplicate: 1 })
    },
  )

  it("'unique' makes a repeat a broadcast of its own, with receipts of its own", async () => {
    const [a, b] = await pairWith('unique')
    const three = nextFew(b.broadcasts$(TOPIC), 3)
    for (let i = 0; i < 3; i++) {
      const { receipts$ } = await a.broadcast(TOPIC, bytes('the same'), { receipts: true })
      expect((await next(receipts$!)).peer).toBe(b.peerId)
    }
    expect((await three).map(({ data }) => titleOf(data))).toEqual(['the same', 'the same', 'the same'])
    expect((await heard(b, 'message')).id).toMatch(new RegExp(`^${a.peerId}/\\d+$`))
  })

  it('of a function is what it says: equal texts are one message', async () => {
    const [a, b] = await pairWith(({ data }) => titleOf(data).slice(0, 1))
    const two = nextFew(b.broadcasts$(TOPIC), 2)
    await a.broadcast(TOPIC, titled('a 1', 20))
    expect(await outcome(a.broadcast(TOPIC, titled('a 2', 20)))).toBe('DuplicateMessage')
    await a.broadcast(TOPIC, titled('b 1', 20))
    expect((await two).map(({ data }) => titleOf(data))).toEqual(['a 1', 'b 1'])
  })
})
