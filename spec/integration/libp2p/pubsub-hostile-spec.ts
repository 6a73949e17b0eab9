/** Gossip that is wrong, too large, too much or for nobody: counted, bounded, and never the end of a node. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { DropReason } from '../../../src/core/port.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { framed } from '../../../src/libp2p/gossip/frames.js'
import { encodeVarint } from '../../../src/wire/varint.js'
import { maxDataLength } from '../../support/gossip-size.js'
import { AnotherPort, endPorts } from '../../support/another-port.js'
import { bytes, text } from '../../support/nodes.js'
import { Peer, stopPeers } from '../../support/port-peer.js'
import { PUBSUB } from '../../support/pubsub.js'
import type { RawGossip } from '../../support/raw-gossip.js'
import { rawPeer, stopRaw } from '../../support/raw-gossip.js'

const TOPIC = 'block'
const LIMIT = 65_536
const QUEUE = 256 * 1024
const OPTIONS = { gossipsub: { heartbeatInterval: 100 }, pubsub: { ...PUBSUB, maxQueueSize: QUEUE } }

/** What was published can be asked for, for five seconds. */
const SLOW = { ...OPTIONS, gossipsub: { heartbeatInterval: 1_000 } }

afterEach(async () => {
  await endPorts()
  await stopRaw()
  await stopPeers()
})

async function victim(options: Parameters<typeof Peer.listening>[0] = OPTIONS): Promise<Peer> {
  const peer = await Peer.listening(options)
  peer.join(TOPIC)
  return peer
}

const scoreOf = async (peer: Peer, other: { id: string }) => (await peer.inspect(other))!.score
const queuedTo = async (peer: Peer, other: { id: string }) => (await peer.inspect(other))!.queued

/** Resolves when it has been the same for a while. */
async function steady(look: () => Promise<number>): Promise<void> {
  let last = await look()
  for (let same = 0; same < 10;) {
    await pause(20)
    const now = await look()
    same = now === last ? same + 1 : 0
    last = now
  }
}

/** Different bytes each time. */
function large(number: number, size = 32_768): Uint8Array {
  const data = new Uint8Array(size).fill(number)
  new DataView(data.buffer).setUint32(0, number)
  return data
}

/** An honest peer is still heard. */
async function goesOn(peer: Peer): Promise<void> {
  const honest = await rawPeer(peer)
  await honest.publish(TOPIC, bytes('honest'))
  await peer.next('message', ({ data }) => text(data) === 'honest')
}

/** What every object has. gossipsub counts by topic in objects. */
const INHERITED = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

describe('a topic with the name of what every object has', () => {
  const fields = (): string[] =>
    [Object.prototype, Object, Object.prototype.toString].flatMap((one) => Object.keys(one))

  it('is one that others cannot write to it by', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer)
    for (const topic of INHERITED) {
      const [one, other] = [await raw.sign(topic, bytes('one')), await raw.sign(topic, bytes('other'))]
      raw.subscribe(topic)
      raw.send({ messages: [{ ...one, signature: other.signature }, other, other] })
      raw.send({ control: { graft: [{ topicID: topic }], prune: [{ topicID: topic, peers: [], backoff: 1 }] } })
    }
    await goesOn(peer)
    expect(fields()).toEqual([])
  })

  it.each(INHERITED)('is a topic as any other: %s', async (topic) => {
    const [a, b] = [await Peer.listening(OPTIONS), await Peer.listening(OPTIONS)]
    for (const peer of [a, b]) peer.join(topic)
    await a.connect(b)
    await a.next('subscriptionChanged', (event) => event.peer === b.id && event.topic === topic)
    await a.say(topic, bytes('hello'))
    await b.next('message', ({ data }) => text(data) === 'hello')
    expect([await scoreOf(a, b), fields()]).toEqual([0, []])
  })
})

describe('a message', () => {
  it.each<[string, DropReason, (raw: RawGossip) => Promise<void>]>([
    [
      'without a signature',
      'signature',
      async (raw) => {
        const { from, data, seqno, topic } = await raw.sign(TOPIC, bytes('unsigned'))
        raw.send({ messages: [{ from, data, seqno, topic }] })
      },
    ],
    [
      'with the signature of another',
      'signature',
      async (raw) => {
        const [one, other] = [await raw.sign(TOPIC, bytes('one')), await raw.sign(TOPIC, bytes('other'))]
        raw.send({ messages: [{ ...one, signature: other.signature }] })
      },
    ],
    [
      'of nobody',
      'signature',
      async (raw) => raw.send({ messages: [{ ...(await raw.sign(TOPIC, bytes('x'))), from: bytes('nobody') }] }),
    ],
    [
      'without a sequence number',
      'signature',
      async (raw) => raw.send({ messages: [{ ...(await raw.sign(TOPIC, bytes('x'))), seqno: bytes(0) }] }),
    ],
    ['that is empty', 'unknownTopic', async (raw) => raw.send({ messages: [{ topic: '' }] })],
    ['of the largest size and a byte', 'oversize', (raw) => raw.publish(TOPIC, bytes(maxDataLength(TOPIC, LIMIT) + 1))],
    ['of a topic that nobody has joined', 'unknownTopic', (raw) => raw.publish('nowhere', bytes('x'))],
  ])('%s is dropped and counted as %s', async (_, reason, send) => {
    const peer = await victim()
    const raw = await rawPeer(peer)
    await send(raw)
    const known = reason === 'unknownTopic' ? {} : { topic: TOPIC }
    expect(await peer.next('gossipDropped')).toEqual({
      type: 'gossipDropped',
      peer: raw.id,
      reason,
      count: 1,
      ...known,
    })
    expect(await scoreOf(peer, raw)).toBe(reason === 'unknownTopic' ? 0 : -10)
    expect(peer.all('message')).toEqual([])
    await goesOn(peer)
  })

  it('of the largest size is delivered', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer)
    await raw.publish(TOPIC, bytes(maxDataLength(TOPIC, LIMIT)))
    await peer.next('message')
    expect(peer.all('gossipDropped')).toEqual([])
  })

  it('of a topic that we have left is counted and no offence, however many there are', async () => {
    const peer = await victim()
    peer.join('left')
    const raw = await rawPeer(peer)
    peer.run({ type: 'leave', topic: 'left' })
    for (let i = 0; i < 40; i++) await raw.publish('left', bytes(`late ${i}`))
    await goesOn(peer)
    const drops = peer.all('gossipDropped')
    expect(new Set(drops.map(({ reason, topic }) => `${reason} ${topic}`))).toEqual(new Set(['unknownTopic left']))
    expect(drops.reduce((sum, { count }) => sum + count, 0)).toBe(40)
    expect(await scoreOf(peer, raw)).toBe(0)
  })

  it('of a topic that we were never in is an offence once there are many', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer)
    const count = async (amount: number): Promise<number> => {
      for (let i = 0; i < amount; i++) await raw.publish('nowhere', bytes(`strange ${i}`))
      await raw.publish(TOPIC, bytes(`marker ${amount}`))
      await peer.next('message', ({ data }) => text(data) === `marker ${amount}`)
      return scoreOf(peer, raw)
    }
    expect(await count(15)).toBe(0)
    expect(await count(1)).toBe(-10)
  })

  it('after three bad ones within a second is gossip of a peer that nobody listens to', async () => {
    const peer = await victim({ ...SLOW })
    const raw = await rawPeer(peer, TOPIC)
    for (let i = 0; i < 3; i++)
      raw.send({ messages: [{ ...(await raw.sign(TOPIC, bytes(`bad ${i}`))), signature: bytes(64) }] })
    // In the same second, so gossipsub's own judgement is still the one of before.
    await raw.publish(TOPIC, bytes('not read'))
    await peer.next('gossipDropped')
    await goesOn(peer)
    expect(peer.all('message').map(({ data }) => text(data))).toEqual(['honest'])
    expect(await scoreOf(peer, raw)).toBeLessThan(-80)
    expect(await peer.say(TOPIC, bytes('not for everybody'))).toMatchObject({ recipients: [] })
  })
})

describe('a frame', () => {
  it.each<[string, Uint8Array]>([
    ['over the limit', encodeVarint(1024 * 1024 + 1)],
    ['of a length that never ends', bytes(100).fill(0xff)],
    ['that is no RPC', Uint8Array.of(5, 0x0a, 0xff, 0xff, 0xff, 0xff)],
    ['of garbage', framed(Uint8Array.from({ length: 3_000 }, (_, index) => (index * 7919 + 131) % 256))],
  ])('%s ends the gossip with its sender, and nothing else', async (_, content) => {
    const peer = await victim()
    const raw = await rawPeer(peer, TOPIC)
    raw.sendBytes(content)
    expect(await peer.next('gossipDropped')).toEqual({
      type: 'gossipDropped',
      peer: raw.id,
      reason: 'malformed',
      count: 1,
    })
    await peer.next('gossipClosed', (event) => event.peer === raw.id)
    await peer.next('subscriptionChanged', (event) => event.peer === raw.id && !event.subscribed)
    expect(peer.all('connectionClosed')).toEqual([])
    await goesOn(peer)
  })

  it('of ids that are longer than any of ours is read without them, and they are counted', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer, TOPIC)
    const messageIDs = [bytes(20), bytes(129), bytes(15_000)]
    raw.send({ control: { idontwant: [{ messageIDs }], ihave: [], iwant: [], graft: [], prune: [] } })
    expect(await peer.next('gossipDropped')).toEqual({
      type: 'gossipDropped',
      peer: raw.id,
      reason: 'oversize',
      count: 2,
    })
    await goesOn(peer)
  })

  it('that cannot be read, on a stream that its sender has left for another one, is counted and ends that one', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer, TOPIC)
    const left: (typeof raw.outbound)[] = []
    for (let i = 0; i < 3; i++) {
      const older = raw.outbound
      await raw.connect(peer)
      raw.subscribe(`${i}`)
      await peer.next('subscriptionChanged', ({ topic }) => topic === `${i}`)
      older.send(framed(bytes('no rpc at all')))
      await peer.next('gossipDropped', ({ reason }) => reason === 'malformed')
      left.push(older)
    }
    await Promise.all(left.map((older) => raw.cut(older)))
    // Over the newest one they gossip on.
    expect((await peer.say(TOPIC, bytes('still here?'))).type).toBe('published')
    await raw.publish(TOPIC, bytes('here'))
    await peer.next('message', ({ data }) => text(data) === 'here')
  })

  it('comes over no stream that its sender opens again and again, and that is told', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer, TOPIC)
    for (let i = 0; i < 8; i++) await raw.reopen()
    await raw.publish(TOPIC, bytes('here'))
    await peer.next('message', ({ data }) => text(data) === 'here')
    for (let i = 0; i < 40; i++) await raw.reopen().catch(() => undefined)
    expect(await peer.next('refused', ({ peer: who }) => who === raw.id)).toMatchObject({
      what: 'gossipStreams',
      own: true,
    })
    await goesOn(peer)
  })

  it('is of no more topics than a share, and whoever has most of them makes room', async () => {
    const peer = await victim({ ...OPTIONS, limits: limitsOf({ topicBytes: 64 * 1024 }) })
    const [first, second] = [await rawPeer(peer), await rawPeer(peer)]
    for (let i = 0; i < 30; i++) first.subscribe(`first ${i}`)
    await peer.next('subscriptionChanged', ({ topic }) => topic === 'first 25')
    first.subscribe(TOPIC)
    await peer.next('subscriptionChanged', ({ topic }) => topic === TOPIC)
    for (let i = 0; i < 20; i++) second.subscribe(`second ${i}`)
    await peer.next('subscriptionChanged', ({ topic }) => topic === 'second 11')
    await peer.next('subscriptionChanged', ({ topic, subscribed }) => topic === 'first 25' && !subscribed)
    expect(await peer.next('refused')).toMatchObject({ what: 'topics' })
    await goesOn(peer)
  })

  it('is of topics that do not count while we are in them too', async () => {
    const peer = await victim({ ...OPTIONS, limits: limitsOf({ topicBytes: 64 * 1024 }) })
    const raw = await rawPeer(peer)
    const known = (topic: string) => peer.next('subscriptionChanged', (change) => change.topic === topic)
    for (let i = 0; i < 27; i++) raw.subscribe(`its ${i}`)
    await peer.next('refused', ({ what }) => what === 'topics')
    peer.join('its 0')
    raw.subscribe('instead')
    await known('instead')
    peer.run({ type: 'leave', topic: 'its 0' })
    raw.subscribe('beyond')
    await goesOn(peer)
    expect(peer.events.filter((event) => event.type === 'subscriptionChanged').map(({ topic }) => topic)).not.toContain(
      'beyond',
    )
  })

  it('that comes back over our own stream, on which nobody says anything, is not kept: the stream is opened again', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer)
    const [ours] = raw.inbound
    ours!.send(new Uint8Array(100_000))
    await raw.until(() => raw.inbound.length === 2)
    expect(ours!.status).toBe('reset')
    await goesOn(peer)
  })

  it('that we send is never over the limit, however much others ask for at once', async () => {
    const peer = await victim({ ...SLOW, pubsub: PUBSUB })
    await rawPeer(peer, TOPIC)
    const ids: string[] = []
    for (let i = 1; i <= 20; i++) {
      const answer = await peer.say(TOPIC, large(i, 3_000 * i))
      if (answer.type === 'published') ids.push(answer.id)
    }
    const asker = await rawPeer(peer)
    asker.iwant(...ids)
    await asker.until(() => asker.messages.length === ids.length)
    expect(Math.max(...asker.heard.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT)
    expect(ids.length).toBe(20)
  })

  it('that we send is never over the limit, however many ids are offered, and none is left out', async () => {
    const pubsub = { ...OPTIONS.pubsub, messageIdOf: ({ data }: { data: Uint8Array }) => text(data).padEnd(100, '.') }
    const peer = await victim({ ...SLOW, pubsub })
    const raw = await rawPeer(peer, TOPIC)
    // It takes part, but not in the mesh, so it is told of what there is.
    raw.send({ control: { prune: [{ topicID: TOPIC, peers: [], backoff: 60 }] } })
    const sent = await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => peer.say(TOPIC, bytes(`message ${index}`))),
    )
    const ids = sent.map((answer) => (answer.type === 'published' ? answer.id : ''))
    const offered = () =>
      raw.heard.flatMap(({ rpc }) => rpc.control?.ihave ?? []).flatMap(({ messageIDs }) => messageIDs)
    const missing = () => {
      const known = new Set(offered().map(text))
      return ids.filter((id) => !known.has(id))
    }
    await raw.until(() => missing().length === 0)
    expect(Math.max(...raw.heard.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT)
  }, 15_000)

  it('that subscribes to many topics at once is divided too', async () => {
    const peer = await victim()
    const names = Array.from({ length: 300 }, (_, index) => `${index}`.padEnd(1_000, '.'))
    for (const name of names) peer.join(name)
    const raw = await rawPeer(peer)
    const heard = () => raw.heard.flatMap(({ rpc }) => rpc.subscriptions).map(({ topic }) => topic)
    await raw.until(() => heard().length === names.length + 1)
    expect(new Set(heard())).toEqual(new Set([TOPIC, ...names]))
    expect(Math.max(...raw.heard.map(({ size }) => size))).toBeLessThanOrEqual(LIMIT)
  })
})

describe('a peer that does not read', () => {
  /** Publishes until that is too much for somebody. */
  async function fill(peer: Peer, each?: (number: number) => Promise<void>) {
    for (let number = 1; number < 1_000; number++) {
      const answer = await peer.say(TOPIC, large(number))
      if (answer.type === 'publishHeld') return { number, peers: answer.peers }
      await each?.(number)
    }
    throw new Error('it was never too much')
  }

  it('holds a publish up, which may come again when it has drained', async () => {
    const peer = await victim()
    const raw = await rawPeer(peer, TOPIC)
    raw.pause()
    const { number, peers } = await fill(peer)
    expect(peers).toEqual([raw.id])
    expect(await queuedTo(peer, raw)).toBeGreaterThan(QUEUE)
    expect(await queuedTo(peer, raw)).toBeLessThan(QUEUE + LIMIT)
    expect(await peer.say(TOPIC, large(number))).toMatchObject({ type: 'publishHeld' })
    expect(peer.all('gossipDrained')).toEqual([])
    raw.resume()
    expect(await peer.next('gossipDrained')).toEqual({ type: 'gossipDrained', peer: raw.id })
    expect(await queuedTo(peer, raw)).toBeLessThanOrEqual(QUEUE / 2)
    // Nothing was sent that was held, so it is no repeat; and it is all that comes of it.
    expect(await peer.say(TOPIC, large(number))).toMatchObject({ recipients: [raw.id] })
    await raw.until(() => raw.messages.length === number)
    expect(peer.all('gossipDrained').length).toBe(1)
    expect(peer.all('gossipClosed')).toEqual([])
  })

  it('is told apart from one that has much to take still, and could take it', async () => {
    const peer = await victim()
    const [deaf, late] = [await rawPeer(peer, TOPIC), await rawPeer(peer)]
    deaf.pause()
    late.pause()
    for (let number = 1; (await queuedTo(peer, deaf)) < QUEUE * 0.4; number++) await peer.say(TOPIC, large(number))
    late.send({ subscriptions: [{ topic: TOPIC, subscribe: true }] })
    await peer.next('subscriptionChanged', (event) => event.peer === late.id)
    // What fits into its window goes to it alone.
    for (let number = 500; (await queuedTo(peer, late)) < LIMIT / 2; number++)
      await peer.say(TOPIC, large(number), [deaf.id])
    let number = 900
    let answer = await peer.say(TOPIC, large(number))
    while (answer.type === 'published') answer = await peer.say(TOPIC, large(++number))
    if (answer.type !== 'publishHeld') throw new Error(answer.type)
    // Whichever of them has more waiting.
    const [full, busy] = answer.peers.includes(deaf.id) ? [deaf, late] : [late, deaf]
    expect([answer.peers, answer.busy]).toEqual([[full.id], [busy.id]])
    expect(await queuedTo(peer, busy)).toBeGreaterThan(QUEUE / 2)
    expect(await queuedTo(peer, busy)).toBeLessThanOrEqual(QUEUE)
    for (const one of [full, busy]) one.resume()
    // Of both it is told.
    for (const { id } of [full, busy]) await peer.next('gossipDrained', (event) => event.peer === id)
  })

  it('is left out when it is excepted, and others get everything', async () => {
    const peer = await victim()
    const [deaf, good] = [await rawPeer(peer, TOPIC), await rawPeer(peer, TOPIC)]
    deaf.pause()
    const { number, peers } = await fill(peer, (sent) => good.until(() => good.messages.length === sent))
    expect(peers).toEqual([deaf.id])
    const before = await queuedTo(peer, deaf)
    // At once, and not one after the other: who is left out is no matter of which comes first.
    const [some, same] = await Promise.all([
      peer.say(TOPIC, large(number), [deaf.id]),
      peer.say(TOPIC, bytes('small'), [good.id, deaf.id]),
    ])
    expect(some).toMatchObject({ recipients: [good.id] })
    expect(same).toMatchObject({ recipients: [] })
    expect(await queuedTo(peer, deaf)).toBe(before)
    await good.until(() => good.messages.length === number)
  })

  it('loses messages of others, which are counted, and keeps its stream', async () => {
    const peer = await victim()
    const [deaf, source] = [await rawPeer(peer, TOPIC), await rawPeer(peer)]
    await peer.next('meshChanged')
    deaf.pause()
    for (let number = 1; number <= 40; number++) await source.publish(TOPIC, large(number))
    await peer.next('message', ({ data }) => data[10] === 40)
    const drop = await peer.next('gossipDropped')
    expect(drop).toMatchObject({ peer: deaf.id, topic: TOPIC, reason: 'queueFull' })
    expect(await queuedTo(peer, deaf)).toBeLessThan(QUEUE + LIMIT)
    deaf.resume()
    await source.publish(TOPIC, bytes('the last'))
    const lost = () => peer.all('gossipDropped').reduce((sum, { count }) => sum + count, 0)
    await deaf.until(() => deaf.messages.length + lost() >= 40)
    expect(peer.all('gossipClosed')).toEqual([])
  })

  it('is a stopped process, and its stream ends when that is killed', async () => {
    const peer = await victim()
    const other = await AnotherPort.start(TOPIC)
    peer.run({ type: 'dial', target: other.id, addresses: [other.address] })
    await peer.next('gossipOpened')
    await peer.next('subscriptionChanged')
    other.signal('SIGSTOP')
    const { number, peers } = await fill(peer)
    expect(peers).toEqual([other.id])
    other.signal('SIGCONT')
    await peer.next('gossipDrained')
    expect(await peer.say(TOPIC, large(number))).toMatchObject({ recipients: [other.id] })
    other.signal('SIGSTOP')
    let more = number + 1
    const goesOut = async () => (await peer.say(TOPIC, large(more++))).type === 'published'
    do {
      while (await goesOut());
      // What it read before it stood still may drain the stream once more.
      await steady(() => queuedTo(peer, other))
    } while (await goesOut())
    const drained = peer.all('gossipDrained').length
    other.signal('SIGKILL')
    await peer.next('gossipClosed')
    expect(await peer.say(TOPIC, bytes('anybody?'))).toMatchObject({ recipients: [] })
    expect(peer.all('gossipDrained').length).toBe(drained)
  }, 30_000)
})
