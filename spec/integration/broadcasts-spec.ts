/** Broadcasts between nodes on real sockets: who gets them, who is told what, when a topic is joined and left. */
import { map, take, toArray } from 'rxjs'
import type { Broadcast, P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { maxDataLength } from '../support/gossip-size.js'
import { bytes, handOver, heard, hearsSubscription, knows, logOf, next, outcome, startNode, stateOf, stopNodes, text } from '../support/nodes.js' // prettier-ignore

afterEach(stopNodes)

const plain = ({ topic, data, from, via }: Broadcast) => ({ topic, data: text(data), from, via })

/** Nodes of which the first knows the subscriptions of the others, and they its. */
async function star(topic: string, ...configs: Parameters<typeof startNode>[]): Promise<P2pNode[]> {
  const nodes = await Promise.all(
    configs.map(([config, settings]) => startNode({ topics: [topic], ...config }, settings)),
  )
  const [first, ...others] = nodes as [P2pNode, ...P2pNode[]]
  await Promise.all(
    others.map(async (other) => {
      await other.dial(first.addresses[0]!)
      await Promise.all([hearsSubscription(first, other, topic), hearsSubscription(other, first, topic)])
    }),
  )
  return nodes
}

describe('a broadcast', () => {
  it('reaches every subscriber, with its signer and its bearer, and names whom it was handed to', async () => {
    const [a, b, c] = (await star('block', [], [], [])) as [P2pNode, P2pNode, P2pNode]
    const received = Promise.all([b, c].map((node) => next(node.broadcasts$('block').pipe(map(plain)))))
    const { recipients } = await a.broadcast('block', bytes('Hello, a new block!'))
    expect(recipients.sort()).toEqual([b.peerId, c.peerId].sort())
    for (const broadcast of await received) {
      expect(broadcast).toMatchObject({ topic: 'block', data: 'Hello, a new block!', from: a.peerId })
      expect([a.peerId, b.peerId, c.peerId]).toContain(broadcast.via)
    }
  })

  it('reaches the handler and all subscribers of one node, once each, and not its sender', async () => {
    const [a, b] = (await star('block', [], [])) as [P2pNode, P2pNode]
    const seen: string[] = []
    b.broadcasts$('block').subscribe(() => seen.push('first'))
    b.broadcasts$('block').subscribe(() => seen.push('second'))
    b.broadcasts$().subscribe(() => seen.push('all'))
    a.broadcasts$('block').subscribe(() => seen.push('sender'))
    const handled = new Promise<[string, string, string]>((resolve) =>
      b.setEventHandler({ handleBroadcast: (topic, data, { from }) => resolve([topic, text(data), from]) }),
    )
    await a.broadcast('block', bytes('1'))
    expect(await handled).toEqual(['block', '1', a.peerId])
    const second = next(b.broadcasts$(), ({ data }) => text(data) === '2')
    await a.broadcast('block', bytes('2'))
    await second
    expect(seen.filter((who) => who === 'sender')).toEqual([])
    for (const who of ['first', 'second', 'all']) expect(seen.filter((name) => name === who)).toHaveLength(2)
  })

  it('of any topic comes to broadcasts$(), in order', async () => {
    const topics = ['block', 'tx']
    const [a, b] = (await star('block', [{ topics }], [{ topics }])) as [P2pNode, P2pNode]
    await hearsSubscription(a, b, 'tx')
    const received = next(b.broadcasts$().pipe(take(4), map(plain), toArray()))
    for (const [topic, data] of [['block', '1'], ['tx', '2'], ['tx', '3'], ['block', '4']] as const) {
      await a.broadcast(topic, bytes(data))
    } // prettier-ignore
    expect((await received).map(({ topic, data }) => `${topic} ${data}`)).toEqual([
      'block 1',
      'tx 2',
      'tx 3',
      'block 4',
    ])
  })

  it('does not come to those who are in other topics', async () => {
    const [a, b] = (await star('block', [{ topics: ['block', 'tx'] }], [{ topics: ['block', 'tx'] }])) as [P2pNode, P2pNode]
    await hearsSubscription(a, b, 'tx')
    const seen: string[] = []
    b.broadcasts$('tx').subscribe(({ data }) => seen.push(text(data)))
    const last = next(b.broadcasts$('tx'), ({ data }) => text(data) === 'a transaction')
    await a.broadcast('block', bytes('a block'))
    await a.broadcast('tx', bytes('a transaction'))
    await last
    expect(seen).toEqual(['a transaction'])
  }) // prettier-ignore

  it('may be empty', async () => {
    const [a, b] = (await star('block', [], [])) as [P2pNode, P2pNode]
    const received = next(b.broadcasts$('block'))
    await a.broadcast('block', new Uint8Array())
    expect((await received).data).toEqual(new Uint8Array())
  })

  it('rejects as DuplicateMessage when the same bytes were sent, or heard, before', async () => {
    const [a, b] = (await star('block', [], [])) as [P2pNode, P2pNode]
    const received = next(b.broadcasts$('block'))
    await a.broadcast('block', bytes('once'))
    await received
    await expect(a.broadcast('block', bytes('once'))).rejects.toMatchObject({ name: 'P2pError', code: 'DuplicateMessage' })
    expect(await outcome(b.broadcast('block', bytes('once')))).toBe('DuplicateMessage')
    expect(await outcome(a.broadcast('block', bytes('twice')))).toBe('fulfilled')
  }) // prettier-ignore

  it('to nobody resolves with no recipients, and the same bytes can be sent when somebody is there', async () => {
    const a = await startNode({ topics: ['block'] })
    expect(await a.broadcast('block', bytes('early'))).toEqual({ recipients: [] })
    expect(await a.broadcast('block', bytes('early'))).toEqual({ recipients: [] })
    const b = await startNode({ topics: ['block'] })
    const received = next(b.broadcasts$('block'))
    await b.dial(a.addresses[0]!)
    await Promise.all([hearsSubscription(a, b, 'block'), hearsSubscription(b, a, 'block')])
    expect(await a.broadcast('block', bytes('early'))).toEqual({ recipients: [b.peerId] })
    expect(text((await received).data)).toBe('early')
  })

  it('needs no subscription of its sender', async () => {
    const [a, b] = [await startNode(), await startNode({ topics: ['block'] })]
    await a.dial(b.addresses[0]!)
    await hearsSubscription(a, b, 'block')
    const received = next(b.broadcasts$('block'))
    expect(await handOver(a, 'block', bytes('from outside'))).toEqual([b.peerId])
    expect((await received).from).toBe(a.peerId)
  })

  it('may be as large as a frame, and not a byte larger', async () => {
    const [a, b] = (await star('block', [], [])) as [P2pNode, P2pNode]
    const most = maxDataLength('block', 65_536)
    await expect(a.broadcast('block', bytes(most + 1))).rejects.toMatchObject({
      code: 'MessageTooLarge',
      message: expect.stringContaining('65536'),
    })
    const received = next(b.broadcasts$('block'))
    await a.broadcast('block', bytes(most))
    expect((await received).data.length).toBe(most)
  })

  it.each([
    ['', bytes('x')],
    ['x'.repeat(257), bytes('x')],
    [undefined as unknown as string, bytes('x')],
    ['block', 'text' as unknown as Uint8Array],
    ['block', undefined as unknown as Uint8Array],
  ])('of topic %j rejects bad arguments', async (topic, data) => {
    const node = await startNode()
    expect(await outcome(node.broadcast(topic, data))).toBe('InvalidConfig')
  })

  it('goes on to others when a handler throws, and says so in the log', async () => {
    const [a, b] = (await star('block', [], [])) as [P2pNode, P2pNode]
    b.setEventHandler({
      handleBroadcast(_, data) {
        if (text(data) === 'throws') throw new Error('my handler is broken')
        return Promise.reject(new Error('my handler is broken, later'))
      },
    })
    const received = next(b.broadcasts$('block').pipe(take(3), toArray()))
    for (const data of ['throws', 'rejects', 'after']) await a.broadcast('block', bytes(data))
    expect((await received).map(({ data }) => text(data))).toEqual(['throws', 'rejects', 'after'])
    const line = { level: 'error', message: `the handler failed on a broadcast of ${a.peerId}: my handler is broken` }
    await next(b.status$, () => logOf(b).filter(({ message }) => message === line.message).length >= 1)
    expect(logOf(b)).toContainEqual(expect.objectContaining(line))
  })
})

describe('a topic', () => {
  it('is joined with its first subscriber and left some time after its last', async () => {
    const linger = 300
    const [a, b] = [await startNode(), await startNode({}, { topicLinger: linger })]
    await b.dial(a.addresses[0]!)
    await Promise.all([knows(a, b), knows(b, a)])
    const first = b.broadcasts$('news').subscribe()
    const second = b.broadcasts$('news').subscribe()
    await hearsSubscription(a, b, 'news')
    expect(await handOver(a, 'news', bytes('1'))).toEqual([b.peerId])

    first.unsubscribe()
    second.unsubscribe()
    const start = performance.now()
    await heard(a, 'subscriptionChanged', ({ topic, subscribed }) => topic === 'news' && !subscribed)
    expect(performance.now() - start).toBeGreaterThan(linger * 0.8)
    expect((await a.broadcast('news', bytes('2'))).recipients).toEqual([])
    expect(stateOf(b).topics.joined.size).toBe(0)
  })

  it('is not left when somebody subscribes again in time: nothing is lost in between', async () => {
    const [a, b] = [await startNode(), await startNode({}, { topicLinger: 60_000 })]
    await b.dial(a.addresses[0]!)
    const first = b.broadcasts$('news').subscribe()
    await hearsSubscription(a, b, 'news')
    first.unsubscribe()
    expect(await handOver(a, 'news', bytes('for nobody'))).toEqual([b.peerId])
    const received = next(b.broadcasts$('news'), ({ data }) => text(data) === 'for somebody')
    await a.broadcast('news', bytes('for somebody'))
    expect(text((await received).data)).toBe('for somebody')
  })

  it('of the config is not left', async () => {
    const [a, b] = (await star('block', [], [{}, { topicLinger: 1 }])) as [P2pNode, P2pNode]
    b.broadcasts$('block').subscribe().unsubscribe()
    await b.status()
    const handled = new Promise((resolve) => b.setEventHandler({ handleBroadcast: (_, data) => resolve(text(data)) }))
    expect((await a.broadcast('block', bytes('still here'))).recipients).toEqual([b.peerId])
    expect(await handled).toBe('still here')
  })

  it('has a name of 1 to 256 characters', async () => {
    const node = await startNode()
    for (const topic of ['', 'x'.repeat(257), 7 as unknown as string]) {
      expect(() => node.broadcasts$(topic)).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
    }
    expect(() => node.broadcasts$('ü '.repeat(128))).not.toThrow()
  })
})
