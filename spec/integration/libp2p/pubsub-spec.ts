/** Broadcasts on the real network, on sockets of 127.0.0.1, driven by hand through the port. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { REPEATED, repeatedBy } from '../../../src/core/pubsub.js'
import type { Verdict } from '../../../src/core/port.js'
import { bytes, text } from '../../support/nodes.js'
import { Peer, stopPeers, sum, type Of } from '../../support/port-peer.js'
import { PUBSUB } from '../../support/pubsub.js'
import { rawPeer, RawGossip, stopRaw } from '../../support/raw-gossip.js'
import { endRelays, Relay } from '../../support/relay.js'

const TOPIC = 'block'
/** Gossipsub looks after its meshes ten times a second. */
const FAST = { gossipsub: { heartbeatInterval: 100 } }
const idOf = (content: string) => `${sum(bytes(content))}`

afterEach(async () => {
  endRelays()
  await stopRaw()
  await stopPeers()
})

/** Both can gossip with the other, and each knows that the other is in the topic. */
async function meet(a: Peer, b: Peer, topic = TOPIC): Promise<[number, number]> {
  const connections = await a.connect(b)
  await Promise.all([
    a.next('gossipOpened', (event) => event.peer === b.id),
    b.next('gossipOpened', (event) => event.peer === a.id),
    a.next('subscriptionChanged', (event) => event.peer === b.id && event.topic === topic && event.subscribed),
    b.next('subscriptionChanged', (event) => event.peer === a.id && event.topic === topic && event.subscribed),
  ])
  return connections
}

async function pair(): Promise<[Peer, Peer]> {
  const [a, b] = [await Peer.listening(FAST), await Peer.listening(FAST)]
  for (const peer of [a, b]) peer.join(TOPIC)
  await meet(a, b)
  return [a, b]
}

/** a – b – c: b guards the topic, c may know nothing of a. All are in the mesh of their neighbours. */
async function line(): Promise<[Peer, Peer, Peer]> {
  const far = new Set<string>()
  const gate = { deny: (peer: string) => far.has(peer) }
  const [a, b] = [await Peer.listening(FAST), await Peer.listening(FAST)]
  far.add(a.id)
  const c = await Peer.listening({ ...FAST, gate })
  a.join(TOPIC)
  b.join(TOPIC, true)
  c.join(TOPIC)
  await meet(a, b)
  await meet(b, c)
  await b.next('meshChanged', (event) => event.peers.includes(a.id) && event.peers.includes(c.id))
  return [a, b, c]
}

async function published(peer: Peer, data: Uint8Array | string, except: string[] = [], topic = TOPIC) {
  const answer = await peer.say(topic, typeof data === 'string' ? bytes(data) : data, except)
  if (answer.type !== 'published') throw new Error(`it was ${answer.type}`)
  return answer
}

const heard = (peer: Peer, content: string) => peer.next('message', ({ data }) => text(data) === content)
const texts = (peer: Peer) => peer.all('message').map(({ data }) => text(data))

describe('topics', () => {
  it('carry a broadcast with its signer, its bearer, the id of its bytes and its proof', async () => {
    const [a, b] = await pair()
    const data = bytes('Hello, a new block!')
    const answer = await published(a, data)
    expect(answer).toMatchObject({ recipients: [b.id], id: `${sum(data)}` })
    const message = await b.next('message')
    expect({ ...message, data: text(message.data) }).toEqual({
      type: 'message',
      topic: TOPIC,
      data: text(data),
      from: a.id,
      via: a.id,
      id: `${sum(data)}`,
      held: false,
      proof: answer.proof,
    })
    expect(a.all('message')).toEqual([])
    // A user may keep it, and it keeps nothing of the frame that it came in.
    expect(message.data.buffer.byteLength).toBe(data.length)
  })

  it('report what another one publishes again, and not what comes by many ways', async () => {
    const [a, b] = await pair()
    const c = await Peer.listening(FAST)
    c.join(TOPIC)
    await meet(b, c)
    await published(a, 'once')
    const { id } = await heard(b, 'once')
    await heard(c, 'once')
    expect(b.all('repeated')).toEqual([])
    // It has heard nothing of it, as a node that was started again.
    const d = await Peer.listening(FAST)
    d.join(TOPIC)
    await meet(d, b)
    expect((await published(d, 'once')).recipients).toEqual([b.id])
    expect(await b.next('repeated')).toEqual({ type: 'repeated', topic: TOPIC, id, from: d.id, via: d.id })
    expect(texts(b)).toEqual(['once'])
  })

  it('refuse the same bytes again, from the sender and from who heard them', async () => {
    const [a, b] = await pair()
    await published(a, 'once')
    await b.next('message')
    a.publish(2, TOPIC, bytes('once'))
    b.publish(3, TOPIC, bytes('once'))
    expect(await a.next('publishFailed')).toMatchObject({
      ask: 2,
      code: 'DuplicateMessage',
      failure: { message: REPEATED },
    })
    expect(await b.next('publishFailed')).toMatchObject({
      ask: 3,
      code: 'DuplicateMessage',
      failure: { message: repeatedBy(a.id) },
    })
  })

  it('take the same bytes as often as one likes while nobody hears them', async () => {
    const a = await Peer.listening()
    for (let i = 0; i < 2; i++) expect((await published(a, 'anybody?')).recipients).toEqual([])
  })

  it('report meshes one by one, and subscriptions that end by leaving or by disconnecting', async () => {
    const [a, b] = await pair()
    expect(await a.next('meshChanged')).toEqual({ type: 'meshChanged', topic: TOPIC, peers: [b.id] })
    for (const peer of [a, b]) peer.join('tx')
    expect(await a.next('meshChanged')).toEqual({ type: 'meshChanged', topic: 'tx', peers: [b.id] })
    b.run({ type: 'leave', topic: TOPIC })
    const gone = { type: 'subscriptionChanged', peer: b.id, subscribed: false }
    expect(await a.next('subscriptionChanged', ({ subscribed }) => !subscribed)).toEqual({ ...gone, topic: TOPIC })
    expect(await a.next('meshChanged')).toEqual({ type: 'meshChanged', topic: TOPIC, peers: [] })
    a.run({ type: 'leave', topic: 'tx' })
    expect(await a.next('meshChanged')).toEqual({ type: 'meshChanged', topic: 'tx', peers: [] })
    await b.stop()
    expect(await a.next('subscriptionChanged', ({ subscribed }) => !subscribed)).toEqual({ ...gone, topic: 'tx' })
    expect(a.all('meshChanged').length).toBe(4)
  })

  it('have streams that are reported after their connection, and again when they are gone', async () => {
    const [a, b] = await pair()
    const types = a.events.map(({ type }) => type)
    expect(types.indexOf('gossipOpened')).toBeGreaterThan(types.indexOf('connectionOpened'))
    await b.stop()
    expect(await a.next('gossipClosed')).toEqual({ type: 'gossipClosed', peer: b.id })
    expect(a.all('gossipOpened').length).toBe(1)
    expect(a.all('gossipClosed').length).toBe(1)
  })

  it('are gossiped about again when our stream is reset', async () => {
    const a = await Peer.listening(FAST)
    a.join(TOPIC)
    const raw = await rawPeer(a, TOPIC)
    const announcements = () =>
      raw.heard.filter(({ rpc }) => rpc.subscriptions.some(({ topic }) => topic === TOPIC)).length
    await raw.until(() => announcements() === 1)
    raw.inbound[0]!.abort(new Error('for a test'))
    await a.next('gossipClosed')
    expect((await published(a, 'anybody?')).recipients).toEqual([])
    await a.next('gossipOpened')
    await raw.until(() => raw.inbound.length === 2)
    expect((await published(a, 'still here?')).recipients).toEqual([raw.id])
    await raw.until(() => raw.messages.length === 1)
    // It is told our topics again.
    expect(announcements()).toBe(2)
  })

  it('are forgotten when their stream is reset, and greeted again', async () => {
    const a = await Peer.listening(FAST)
    a.join(TOPIC)
    const raw = await rawPeer(a, TOPIC)
    await raw.restream()
    await a.next('subscriptionChanged', ({ subscribed }) => !subscribed)
    await a.next('gossipClosed')
    await a.next('gossipOpened', () => a.all('gossipOpened').length === 2)
    raw.subscribe(TOPIC)
    await a.next('subscriptionChanged')
    expect((await published(a, 'still here?')).recipients).toEqual([raw.id])
    expect(a.all('connectionClosed')).toEqual([])
  })

  it('are gossiped about over another connection when the first one goes', async () => {
    const a = await Peer.listening(FAST)
    a.join(TOPIC)
    const raw = await RawGossip.start()
    const first = await raw.connect(a)
    await a.next('gossipOpened')
    await raw.connect(a)
    raw.subscribe(TOPIC)
    await a.next('subscriptionChanged')
    await first.close()
    await a.next('gossipClosed')
    await a.next('gossipOpened')
    await raw.until(() => raw.inbound.length === 2)
    expect((await published(a, 'still here?')).recipients).toEqual([raw.id])
    await raw.until(() => raw.messages.length === 1)
  })

  it('are gossiped about over the third connection when the others are dead, whichever is known first to be', async () => {
    const a = await Peer.listening(FAST)
    a.join(TOPIC)
    const port = Number(a.address.split('/')[4])
    const relays = [await Relay.to(port), await Relay.to(port)]
    const raw = await RawGossip.start()
    await raw.connect({ id: a.id, address: relays[0]!.address })
    const first = await a.next('connectionOpened')
    raw.subscribe(TOPIC)
    await a.next('subscriptionChanged')
    await raw.dial({ id: a.id, address: relays[1]!.address })
    const second = await a.next('connectionOpened')
    for (const relay of relays) relay.hold()
    a.run({ type: 'ping', connection: first.connection, timeout: 20_000, longest: 20_000, avoidAfter: 50 })
    // It is being opened over the second one.
    await new Promise((resolve) => setTimeout(resolve, 100))
    const before = raw.inbound.length
    await raw.connect(a)
    raw.subscribe(TOPIC)
    for (const { connection } of [first, second]) {
      a.run({ type: 'closeConnection', connection, reason: 'dead', dead: true })
      await a.next('connectionClosed', (event) => event.connection === connection)
    }
    await raw.until(() => raw.inbound.length > before)
    await a.next('gossipOpened', () => a.all('gossipOpened').length === 2)
    expect((await published(a, 'still here?')).recipients).toEqual([raw.id])
  })
})

describe('an older stream, which its peer has left for one over another connection,', () => {
  const over = (topic: string, subscribe: boolean) => ({ subscriptions: [{ topic, subscribe }] })

  async function moved(): Promise<{
    a: Peer
    raw: RawGossip
    older: RawGossip['outbound']
    said: () => Promise<string[]>
  }> {
    const a = await Peer.listening(FAST)
    a.join(TOPIC)
    const raw = await rawPeer(a, TOPIC, 'left')
    const older = raw.outbound
    await raw.connect(a)
    raw.subscribe(TOPIC, 'tx')
    await a.next('subscriptionChanged', ({ topic }) => topic === 'tx')
    const before = a.all('subscriptionChanged').length
    const said = async (): Promise<string[]> => {
      const marker = `marker ${a.all('message').length}`
      raw.send({ messages: [await raw.sign(TOPIC, bytes(marker))] }, older)
      await heard(a, marker)
      const changes = a.all('subscriptionChanged').slice(before)
      return changes.map(({ topic, subscribed }) => `${topic} ${subscribed}`)
    }
    return { a, raw, older, said }
  }

  it('is heard, about topics too, but for those of which the newer one has spoken', async () => {
    const { a, raw, older, said } = await moved()
    for (const topic of ['left', TOPIC, 'tx']) raw.send(over(topic, false), older)
    expect(await said()).toEqual(['left false'])
    raw.send(over('late', true), older)
    expect(await said()).toEqual(['left false', 'late true'])
    raw.send(over('late', false))
    await a.next('subscriptionChanged', ({ topic, subscribed }) => topic === 'late' && !subscribed)
    raw.send(over('late', true), older)
    expect(await said()).toEqual(['left false', 'late true', 'late false'])
  })

  it('is heard about meshes and messages that are offered', async () => {
    const { a, raw, older } = await moved()
    await a.next('meshChanged', ({ peers }) => peers.includes(raw.id))
    raw.send({ control: { prune: [{ topicID: TOPIC, peers: [] }] } }, older)
    await a.next('meshChanged', ({ peers }) => !peers.includes(raw.id))
    raw.send({ control: { ihave: [{ topicID: TOPIC, messageIDs: [bytes('offered')] }] } }, older)
    await raw.until(() => raw.heard.some(({ rpc }) => (rpc.control?.iwant ?? []).length > 0))
  })

  it('is heard no more about topics once its peer had gone and was back', async () => {
    const { a, raw, older, said } = await moved()
    raw.outbound.abort(new Error('for a test'))
    await a.next('subscriptionChanged', ({ topic, subscribed }) => topic === 'tx' && !subscribed)
    // Gossip has begun anew: the stream that was left is not read any more.
    await raw.cut(older)
    await expect(said()).rejects.toThrow()
  })
})

describe('a guarded topic', () => {
  it('hands a message to nobody before it is accepted', async () => {
    const [a, b, c] = await line()
    await published(a, 'judge me')
    const held = await b.next('message')
    expect(held).toMatchObject({ held: true, via: a.id })
    // What comes behind it on the same streams arrives, and it does not.
    b.run({ type: 'guard', topic: TOPIC, guarded: false })
    await published(a, 'free')
    expect(await heard(c, 'free')).toMatchObject({ from: a.id, via: b.id })
    expect(texts(c)).toEqual(['free'])
    b.run({ type: 'verdict', id: held.id, via: held.via, verdict: 'accept' })
    expect(await heard(c, 'judge me')).toMatchObject({ from: a.id, via: b.id })
  })

  it.each<Verdict>(['ignore', 'reject'])('never hands on what is answered with %s', async (verdict) => {
    const [a, b, c] = await line()
    await published(a, 'bad')
    const { id, via } = await b.next('message')
    b.run({ type: 'verdict', id, via, verdict })
    // Another message, and a verdict that changes its mind: too late.
    b.run({ type: 'verdict', id, via, verdict: 'accept' })
    await published(b, 'good')
    await heard(c, 'good')
    await published(b, 'better')
    await heard(c, 'better')
    expect(texts(c)).toEqual(['good', 'better'])
    expect((await b.inspect(a))?.score).toBe(verdict === 'reject' ? -10 : 0)
  })

  it('gives a third node that knows its id nothing of a message before its verdict, nor after a reject', async () => {
    const [a, b] = await line()
    const raw = await RawGossip.start()
    await raw.connect(b)
    const ask = async (marker: string, wanted: string): Promise<string[]> => {
      await published(b, marker)
      raw.iwant(idOf(wanted))
      raw.iwant(idOf(marker))
      await raw.until(() => raw.messages.some(({ data }) => text(data!) === marker))
      return raw.messages.map(({ data }) => text(data!))
    }
    await published(a, 'pending')
    const { id, via } = await heard(b, 'pending')
    expect(await ask('one', 'pending')).toEqual(['one'])
    b.run({ type: 'verdict', id, via, verdict: 'accept' })
    expect(await ask('two', 'pending')).toEqual(['one', 'pending', 'two'])
    await published(a, 'bad')
    const bad = await heard(b, 'bad')
    b.run({ type: 'verdict', id: bad.id, via: bad.via, verdict: 'reject' })
    expect(await ask('three', 'bad')).toEqual(['one', 'pending', 'two', 'three'])
  })

  it('takes a peer out of the mesh that brings what is rejected', async () => {
    const [a, b, c] = await line()
    await published(a, 'bad')
    const { id, via } = await b.next('message')
    b.run({ type: 'verdict', id, via, verdict: 'reject' })
    expect(await b.next('meshChanged', ({ peers }) => !peers.includes(a.id))).toMatchObject({ peers: [c.id] })
    expect((await b.inspect(a))?.score).toBeLessThan(0)
    expect((await b.inspect(c))?.score).toBe(0)
  })

  it('knows a peer again that was rejected, went and came back', async () => {
    const [a, b] = [await Peer.listening(FAST), await Peer.listening(FAST)]
    a.join(TOPIC)
    b.join(TOPIC, true)
    const [connection] = await meet(a, b)
    await published(a, 'bad')
    const { id, via } = await b.next('message')
    b.run({ type: 'verdict', id, via, verdict: 'reject' })
    a.run({ type: 'closeConnection', connection, reason: 'to come back' })
    await b.next('gossipClosed')
    await b.next('connectionClosed')
    await a.next('connectionClosed')
    expect(await b.inspect(a)).toBeUndefined()
    await meet(a, b)
    expect((await b.inspect(a))?.score).toBe(-10)
  })
})

describe('scores', () => {
  it('count what the core calls a misbehaviour', async () => {
    const [a, b] = await pair()
    expect(await a.inspect(b)).toEqual({ score: 0, queued: 0 })
    a.run({ type: 'penalize', peer: b.id, count: 2 })
    expect((await a.inspect(b))?.score).toBe(-40)
    await a.next('meshChanged', ({ peers }) => peers.length === 0)
  })

  it.each([
    [0, 0],
    [-5, -5 * (14 - 10) ** 2],
  ])(
    'with a weight of %d for shared addresses are %d for 14 peers on one',
    async (colocationWeight, expected) => {
      const hub = await Peer.listening({
        ...FAST,
        pubsub: { ...PUBSUB, messageIdOf: PUBSUB.messageIdOf, scoring: { ...PUBSUB.scoring, colocationWeight } },
      })
      hub.join(TOPIC)
      const others = await Promise.all(Array.from({ length: 14 }, () => Peer.listening({ ...FAST, pubsub: PUBSUB })))
      for (const other of others) other.join(TOPIC)
      await Promise.all(others.map((other) => meet(other, hub)))
      for (const other of others) expect((await hub.inspect(other))?.score).toBe(expected)
      if (colocationWeight !== 0) return
      const { recipients } = await published(hub, 'to all')
      expect(recipients.sort()).toEqual(others.map(({ id }) => id).sort())
      await Promise.all(others.map((other) => heard(other, 'to all')))
      for (const other of others) await published(other, `by ${other.id}`)
      await Promise.all(
        [hub, ...others].flatMap((peer) =>
          others.filter((other) => other !== peer).map((other) => heard(peer, `by ${other.id}`)),
        ),
      )
    },
    30_000,
  )
})

describe('ids', () => {
  it('may be made of the signer and its sequence number, and then nothing is a repeat', async () => {
    const pubsub = {
      ...PUBSUB,
      messageIdOf: ({ from, sequence }: { from: string; sequence: bigint }) => `${from}:${sequence}`,
    }
    const [a, b] = [await Peer.listening({ ...FAST, pubsub }), await Peer.listening({ ...FAST, pubsub })]
    for (const peer of [a, b]) peer.join(TOPIC)
    await meet(a, b)
    const ids = [(await published(a, 'again')).id, (await published(a, 'again')).id]
    const messages = [await b.next('message'), await b.next('message')]
    expect(messages.map(({ id }) => id)).toEqual(ids)
    expect(ids.every((id) => id.startsWith(`${a.id}:`))).toBe(true)
  })

  it('may be made of the topic', async () => {
    const pubsub = {
      ...PUBSUB,
      messageIdOf: ({ topic, data }: { topic: string; data: Uint8Array }) => `${topic} ${sum(data)}`,
    }
    const [a, b] = [await Peer.listening({ ...FAST, pubsub }), await Peer.listening({ ...FAST, pubsub })]
    for (const peer of [a, b]) for (const topic of [TOPIC, 'tx']) peer.join(topic)
    await meet(a, b)
    for (const topic of [TOPIC, 'tx']) {
      expect((await published(a, 'same', [], topic)).id).toBe(`${topic} ${idOf('same')}`)
      expect(await heard(b, 'same')).toMatchObject({ topic, id: `${topic} ${idOf('same')}` })
    }
  })

  it('that cannot be computed fail the publish, and drop what comes in', async () => {
    const messageIdOf = ({ data }: { data: Uint8Array }): string => {
      if (text(data) === 'curse') throw new Error('no id for that')
      return `${sum(data)}`
    }
    const a = await Peer.listening(FAST)
    const b = await Peer.listening({ ...FAST, pubsub: { ...PUBSUB, messageIdOf } })
    for (const peer of [a, b]) peer.join(TOPIC)
    await meet(a, b)
    b.publish(1, TOPIC, bytes('curse'))
    const { code, failure } = await b.next('publishFailed')
    expect([code, failure.message]).toEqual(['PublishError', 'the broadcast was not sent: no id for that'])
    await published(a, 'curse')
    await published(a, 'blessing')
    await heard(b, 'blessing')
    expect(texts(b)).toEqual(['blessing'])
  })
})

describe('a proof', () => {
  async function idsOf(peer: Peer, messages: Of<'message'>[]): Promise<string[]> {
    const answer = await peer.ask({ type: 'verify', messages })
    return answer.type === 'verified' ? answer.ids : []
  }

  it.each(['Ed25519', 'secp256k1', 'RSA'] as const)(
    'by an %s key holds, and nothing else with it',
    async (type) => {
      const { generateKeyPair } = await import('@libp2p/crypto/keys')
      const privateKey = type === 'RSA' ? await generateKeyPair('RSA', 2048) : await generateKeyPair(type)
      const [a, b, c] = [
        await Peer.listening({ ...FAST, privateKey }),
        await Peer.listening(FAST),
        await Peer.listening(),
      ]
      for (const peer of [a, b]) peer.join(TOPIC)
      await meet(a, b)
      const answer = await published(a, 'signed')
      const message = await heard(b, 'signed')
      expect(message.proof).toEqual(answer.proof)
      const flipped = (index: number) => message.proof.map((byte, at) => (at === index ? byte ^ 1 : byte))
      const wrong = [
        { ...message, topic: 'tx' },
        { ...message, data: bytes('forged') },
        { ...message, from: b.id },
        { ...message, from: 'nobody' },
        ...[0, 7, 8, 9, 10, message.proof.length - 1].map((index) => ({ ...message, proof: flipped(index) })),
        { ...message, proof: message.proof.subarray(0, -1) },
        { ...message, proof: new Uint8Array() },
        { ...message, proof: new Uint8Array(1_000) },
      ]
      expect(await idsOf(c, [message, ...wrong, message])).toEqual([message.id, ...wrong.map(() => ''), message.id])
    },
    15_000,
  )

  it('of a message without data holds, whether its sender wrote that out or not', async () => {
    const a = await Peer.listening(FAST)
    a.join(TOPIC)
    const raw = await RawGossip.start()
    await raw.connect(a)
    await raw.publish(TOPIC, new Uint8Array())
    const message = await a.next('message')
    expect(await idsOf(a, [message])).toEqual([message.id])
  })

  it('is verified after others, many at once, and none is lost', async () => {
    const [a, b] = await pair()
    await published(a, 'often')
    const message = await b.next('message')
    for (let ask = 1; ask <= 3; ask++)
      b.run({ type: 'verify', ask, messages: Array.from({ length: 300 }, () => message) })
    for (let ask = 1; ask <= 3; ask++) {
      const { ids } = await b.next('verified', (event) => event.ask === ask)
      expect(ids).toEqual(Array(300).fill(message.id))
    }
  })
})
