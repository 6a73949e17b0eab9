/** Broadcasts on the real network, on sockets of 127.0.0.1, driven by hand through the port. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { Peer, stopPeers, sum } from '../support/port-peer.js'
import { bytes, text } from '../support/nodes.js'

afterEach(stopPeers)

describe('topics', () => {
  const topic = 'block'

  async function joined(): Promise<[Peer, Peer]> {
    const fast = { gossipsub: { heartbeatInterval: 100 } }
    const [a, b] = [await Peer.listening(fast), await Peer.listening(fast)]
    for (const peer of [a, b]) peer.join(topic)
    await a.connect(b)
    await a.next('subscriptionChanged', (event) => event.peer === b.id && event.subscribed)
    await b.next('subscriptionChanged', (event) => event.peer === a.id && event.subscribed)
    return [a, b]
  }

  it('carries a broadcast with its signer, its bearer and the id of its bytes', async () => {
    const [a, b] = await joined()
    const data = bytes('Hello, a new block!')
    a.publish(1, topic, data)
    const published = await a.next('published')
    expect(published).toMatchObject({ ask: 1, recipients: [b.id], id: `${sum(data)}` })
    const message = await b.next('message')
    expect({ ...message, data: text(message.data) }).toEqual({
      type: 'message',
      topic,
      data: text(data),
      from: a.id,
      via: a.id,
      id: `${sum(data)}`,
      held: false,
      proof: published.proof,
    })
    expect(a.events.some((event) => event.type === 'message')).toBe(false)
  })

  it('refuses the same bytes again, from the sender and from who heard them', async () => {
    const [a, b] = await joined()
    const data = bytes('once')
    a.publish(1, topic, data)
    await b.next('message')
    a.publish(2, topic, data)
    b.publish(3, topic, data)
    expect(await a.next('publishFailed')).toMatchObject({ ask: 2, code: 'DuplicateMessage' })
    expect(await b.next('publishFailed')).toMatchObject({ ask: 3, code: 'DuplicateMessage' })
  })

  it('publishes to nobody without an error, as often as one likes', async () => {
    const a = await Peer.listening()
    for (const ask of [1, 2]) {
      a.publish(ask, topic, bytes('anybody?'))
      expect(await a.next('published')).toMatchObject({ ask, recipients: [] })
    }
  })

  it('reports the mesh, and subscriptions that end by leaving or by disconnecting', async () => {
    const [a, b] = await joined()
    expect(await a.next('meshChanged')).toEqual({ type: 'meshChanged', topic, peers: [b.id] })
    b.run({ type: 'leave', topic })
    expect(await a.next('subscriptionChanged')).toEqual({
      type: 'subscriptionChanged',
      peer: b.id,
      topic,
      subscribed: false,
    })
    expect(await a.next('meshChanged')).toEqual({ type: 'meshChanged', topic, peers: [] })
    b.join('tx')
    await a.next('subscriptionChanged', (event) => event.topic === 'tx' && event.subscribed)
    await b.stop()
    expect(await a.next('subscriptionChanged')).toEqual({
      type: 'subscriptionChanged',
      peer: b.id,
      topic: 'tx',
      subscribed: false,
    })
  })
})
