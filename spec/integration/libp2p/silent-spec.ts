/** A connection that does not answer a test beside one that does: where gossip goes. On sockets of 127.0.0.1, through the port. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, it } from '@jest/globals'
import { bytes, text } from '../../support/bytes.js'
import { Peer, stopPeers, sum } from '../../support/port-peer.js'
import { PUBSUB } from '../../support/pubsub.js'
import { endRelays, Relay } from '../../support/relay.js'

const TOPIC = 'block'
const pubsub = { ...PUBSUB, messageIdOf: ({ data }: { data: Uint8Array }) => `${sum(data)}`, maxQueueSize: 100_000 }

afterEach(async () => {
  endRelays()
  await stopPeers()
})

/** `a` has dialled `b` over a relay, and each knows that the other is in the topic. */
async function overRelay(): Promise<{ a: Peer; b: Peer; relay: Relay; first: number; again: () => Promise<Peer> }> {
  const privateKey = await generateKeyPair('Ed25519')
  const start = async (): Promise<Peer> => {
    const peer = await Peer.listening({ privateKey })
    peer.join(TOPIC)
    return peer
  }
  const [a, b] = [await Peer.listening({ pubsub }), await start()]
  a.join(TOPIC)
  const relay = await Relay.to(Number(b.address.split('/')[4]))
  a.run({ type: 'dial', target: b.id, addresses: [relay.address] })
  const { connection: first } = await a.next('dialled')
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    await one.next('subscriptionChanged', (event) => event.peer === other.id && event.subscribed)
  return { a, b, relay, first, again: start }
}

const test = (connection: number, timeout: number) =>
  ({ type: 'ping', connection, timeout, longest: 20_000, avoidAfter: timeout }) as const
const heard = (peer: Peer, what: string, within = 3_000) =>
  peer.next('message', ({ data }) => text(data) === what, within)

it('gossip goes on over the other one long before the silent one is given up, and waits for nothing', async () => {
  const { a, relay, first, again } = await overRelay()
  relay.hold()
  // Bytes that may be ahead of the test: it has 20 s.
  for (let i = 0; i < 10; i++) await a.say(TOPIC, bytes(`${i}`.repeat(60_000)))
  expect((await a.say(TOPIC, bytes('held'.repeat(10_000)))).type).toBe('publishHeld')
  const twin = await again()
  await twin.connect(a)
  a.run(test(first, 300))
  await a.next('gossipClosed')
  await a.next('gossipOpened')
  await twin.next('subscriptionChanged', (event) => event.peer === a.id && event.subscribed)
  await a.say(TOPIC, bytes('news'))
  await heard(twin, 'news')
  await twin.say(TOPIC, bytes('thanks'))
  await heard(a, 'thanks')
  expect(a.all('pingFailed')).toEqual([])
})

/** They have two connections, and `slow` is that over which `a` gossips to `b`: it is held up, and `leave` gives it up. */
async function overTwo(...topics: string[]): Promise<{ a: Peer; b: Peer; slow: Relay; leave: () => Promise<void> }> {
  const [a, b] = [await Peer.listening(), await Peer.listening()]
  for (const peer of [a, b]) for (const topic of topics) peer.join(topic)
  // Each dials before it has the connection of the other, so there are two.
  const relays = await Promise.all([b, a].map(({ address }) => Relay.to(Number(address.split('/')[4]))))
  a.run({ type: 'dial', target: b.id, addresses: [relays[0]!.address] })
  b.run({ type: 'dial', target: a.id, addresses: [relays[1]!.address] })
  const ours = await a.next('connectionOpened', ({ inbound }) => !inbound)
  const theirs = await a.next('connectionOpened', ({ inbound }) => inbound)
  for (const topic of topics) {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      // prettier-ignore
      await one.next('subscriptionChanged', (event) => event.peer === other.id && event.topic === topic)
  }
  relays[0]!.hold()
  await a.say(TOPIC, bytes('over which?'))
  const isOverOurs = await heard(b, 'over which?', 300).then(() => false, () => true) // prettier-ignore
  if (!isOverOurs) relays[0]!.goOn()
  const slow = relays[isOverOurs ? 0 : 1]!
  slow.hold()
  const leave = async (): Promise<void> => {
    // (It is given up much later.)
    a.run({ ...test((isOverOurs ? ours : theirs).connection, 5_000), avoidAfter: 300 })
    await a.next('gossipClosed')
    await a.next('gossipOpened', () => a.all('gossipOpened').length === 2)
  }
  return { a, b, slow, leave }
}

it('what was sent over one that was only slow arrives, although gossip has left it', async () => {
  const { a, b, slow, leave } = await overTwo(TOPIC)
  const late = [1, 2, 3].map((number) => `late ${number}`)
  for (const one of late) await a.say(TOPIC, bytes(one))
  await leave()
  await a.say(TOPIC, bytes('news'))
  await heard(b, 'news')
  expect(b.all('message').map(({ data }) => text(data))).not.toContain(late[0])
  slow.goOn()
  for (const one of late) await heard(b, one)
  expect(a.all('pingFailed')).toEqual([])
})

it('a topic that was left over a line which does not answer is left over the other one too', async () => {
  const { a, b, leave } = await overTwo(TOPIC, 'left', 'again')
  for (const topic of ['left', 'again']) a.run({ type: 'leave', topic })
  a.join('again')
  await leave()
  await b.next('subscriptionChanged', ({ topic, subscribed }) => topic === 'left' && !subscribed)
  expect(b.all('subscriptionChanged').filter(({ subscribed }) => !subscribed)).toHaveLength(1)
  expect(a.all('pingFailed')).toEqual([])
})

it('a test has no more time because much went before it that has arrived since', async () => {
  const { a, b, relay, first } = await overRelay()
  const [stream, there] = await a.stream(first, b)
  a.run({ type: 'write', stream, chunks: [new Uint8Array(1_000_000)], end: false })
  while (b.dataOf(there).length < 1_000_000) await b.next('data')
  // The line has been asked meanwhile: that is looked at each second.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  relay.hold()
  const start = performance.now()
  a.run(test(first, 300))
  await a.next('pingFailed')
  expect(performance.now() - start).toBeLessThan(1_500)
})
