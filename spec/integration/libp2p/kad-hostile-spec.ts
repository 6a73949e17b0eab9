/** Strangers that speak Kademlia: what they ask for, and what they tell, is bounded, and honest peers do not notice. */
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { peerIdFromString } from '@libp2p/peer-id'
import { encodeAnswer, FIND_NODE, PING, readAnswer, type KadPeer } from '../../../src/libp2p/kad/messages.js'
import { HEARSAY } from '../../../src/core/parameters.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { Peer, stopPeers } from '../../support/port-peer.js'
import { encodeQuestion } from '../../support/kad-question.js'
import { bytesOf, nobody, RawKad, stopRawKad } from '../../support/raw-kad.js'

const ALL = { peers: 100, addresses: 100 }
const servers: Server[] = []

afterEach(async () => {
  await stopRawKad()
  await stopPeers()
  for (const server of servers.splice(0)) server.close()
})

const place = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32))
const question = (key = place()): Uint8Array => encodeQuestion({ type: FIND_NODE, key })
const hashOf = (peer: { id: string }): Uint8Array => peerIdFromString(peer.id).toMultihash().bytes

/** They are connected, and each is in the table of the port. */
async function meet(peer: Peer, raw: RawKad): Promise<Awaited<ReturnType<RawKad['connect']>>> {
  const connection = await raw.connect(peer)
  const { addresses } = await peer.next('identified', (event) => event.peer === raw.id)
  peer.run({ type: 'tableAdd', peer: raw.id, addresses })
  await peer.next('tableChanged', (event) => event.peer === raw.id)
  return connection
}

/** Counts who comes, and says nothing. */
async function door(): Promise<{ address: string; visits: () => number }> {
  let visits = 0
  const server = createServer((socket) => {
    visits++
    socket.on('error', () => undefined).destroy()
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { address: `/ip4/127.0.0.1/tcp/${port}`, visits: () => visits }
}

describe('questions', () => {
  it('are answered with those that are close, and a ping with a ping', async () => {
    const peer = await Peer.listening()
    const [asker, member] = [await RawKad.start(), await RawKad.start()]
    await meet(peer, member)
    const connection = await meet(peer, asker)
    const [found, pinged] = (await asker.send(connection, [question(), encodeQuestion({ type: PING, key: place() })])) as [Uint8Array, Uint8Array] // prettier-ignore
    const { closer } = readAnswer(found, ALL)
    expect(closer.map(({ id }) => Buffer.from(id).toString('hex'))).toEqual([
      Buffer.from(hashOf(member)).toString('hex'),
    ])
    expect(closer[0]!.addresses).toEqual(bytesOf(member.address))
    expect(readAnswer(pinged, ALL)).toEqual({ type: PING, closer: [] })
  })

  it('for us, or for one that is connected to us and not in the table, are answered with where we are', async () => {
    const peer = await Peer.listening()
    const [asker, other] = [await RawKad.start(), await RawKad.start()]
    await other.connect(peer)
    await peer.next('identified', (event) => event.peer === other.id)
    const connection = await asker.connect(peer)
    for (const wanted of [peer, other]) {
      const [found] = (await asker.send(connection, [question(hashOf(wanted))])) as Uint8Array[]
      const named = readAnswer(found!, ALL).closer.find(({ id }) => Buffer.from(hashOf(wanted)).equals(id))
      expect(named?.addresses).toEqual(bytesOf(wanted.address))
    }
  })

  it.each([0, 1, 2, 3])('about records and their providers (type %p) are reset, and nothing is kept', async (type) => {
    const peer = await Peer.listening()
    const raw = await RawKad.start()
    const connection = await raw.connect(peer)
    expect(await raw.send(connection, [encodeQuestion({ type, key: place() })])).toBe('reset')
    expect(await peer.next('refused')).toEqual({ type: 'refused', peer: raw.id, what: 'kadRecord', count: 1 })
    expect(await raw.send(connection, [question()])).toHaveLength(1)
  })

  it.each<[string, Uint8Array]>([
    ['that is too large', encodeQuestion({ type: FIND_NODE, key: new Uint8Array(5_000) })],
    ['that cannot be read', Uint8Array.of(0xff, 0xff, 0xff)],
    ['whose key is cut', Uint8Array.of(0x08, 4, 0x12, 100, 1)],
    ['of groups', Uint8Array.of(0x0b, 0x0c)],
  ])('one %s is reset', async (_, message) => {
    const peer = await Peer.listening()
    const raw = await RawKad.start()
    const connection = await raw.connect(peer)
    expect(await raw.send(connection, [message])).toBe('reset')
    expect(await peer.next('refused')).toMatchObject({ peer: raw.id, what: 'kadMalformed', count: 1, own: true })
  })

  it('beyond the rate are reset, and others are answered meanwhile', async () => {
    const limits = limitsOf({ kadRate: 10 })
    const peer = await Peer.listening({ limits })
    const [liar, honest] = [await RawKad.start(), await RawKad.start()]
    const [theirs, ours] = [await liar.connect(peer), await honest.connect(peer)]
    const flood = Array.from({ length: 500 }, () => question())
    const [all, one] = await Promise.all([liar.send(theirs, flood), honest.send(ours, [question()])])
    expect([all, one]).toEqual(['reset', [expect.anything()]])
    expect(await peer.next('refused')).toMatchObject({ peer: liar.id, what: 'kadRate', own: true })
  })

  it('of one that reads no answers are reset', async () => {
    const peer = await Peer.listening({ limits: limitsOf({ kadRate: 100_000 }) })
    const members = await Promise.all(Array.from({ length: 5 }, () => RawKad.start()))
    for (const member of members) await meet(peer, member)
    const raw = await RawKad.start()
    const connection = await raw.connect(peer)
    const stream = await connection.newStream('/ipfs/kad/1.0.0')
    stream.pause()
    const closed = once(stream as unknown as EventTarget, 'close')
    const frame = Buffer.from(question())
    const flood = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.concat([Buffer.of(frame.length), frame])))
    try {
      stream.send(flood)
    } catch {
      // It is reset already.
    }
    await closed
    expect(await peer.next('refused')).toMatchObject({ peer: raw.id, what: 'kadUnread', own: true })
  })
})

describe('an answer', () => {
  /** Asks the raw peer, by a lookup. */
  const lookUp = async (peer: Peer): Promise<void> => {
    peer.run({ type: 'tableQuery' })
    await peer.next('tableQueried', undefined, 25_000)
  }

  it('with thousands of peers is not read, and one with hundreds no further than it may be', async () => {
    const places = bytesOf('/ip4/127.0.0.1/tcp/9')
    const many = (count: number): KadPeer[] =>
      Array.from({ length: count }, () => ({ id: nobody(), addresses: places }))
    const peer = await Peer.listening()
    const answer = encodeAnswer(FIND_NODE, many(50_000))
    const [huge, large] = [await RawKad.start(() => answer), await RawKad.start(() => many(500))]
    for (const raw of [huge, large]) await meet(peer, raw)
    await lookUp(peer)
    await peer.next('refused', ({ what, peer: whose }) => what === 'kadAnswer' && whose === huge.id)
    expect(large.asked.length).toBeGreaterThan(0)
    const known = peer.all('tableChanged').filter(({ addresses }) => addresses !== undefined)
    expect(new Set(known.map((event) => event.peer))).toEqual(new Set([huge.id, large.id]))
  }, 60_000)

  it('makes us dial no more than a few addresses, whoever they are of, and nowhere else than where its teller is', async () => {
    const target = await door()
    const own = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`
    const addresses = bytesOf(target.address, '/ip4/169.254.169.254/tcp/80', '/dns4/a.example/tcp/1', own(0))
    const peer = await Peer.listening()
    for (let i = 0; i < 4; i++) {
      const raw = await RawKad.start(() => Array.from({ length: 20 }, () => ({ id: nobody(), addresses })))
      await meet(peer, raw)
    }
    for (let i = 0; i < 5; i++) await lookUp(peer)
    expect(target.visits()).toBeGreaterThan(0)
    expect(target.visits()).toBeLessThanOrEqual(4 * HEARSAY.ofStranger)
    const refused = await peer.next('refused')
    expect(refused).toMatchObject({ what: 'hearsay' })
    expect(refused).not.toHaveProperty('own')
  }, 60_000)

  it('does not say more of a peer than the peer itself, and not before it', async () => {
    const target = await door()
    const [peer, honest] = [await Peer.listening(), await Peer.listening()]
    const raw = await RawKad.start(() => [{ id: hashOf(honest), addresses: bytesOf(target.address) }])
    const [met] = await honest.connect(peer)
    await peer.next('identified', (event) => event.peer === honest.id)
    await meet(peer, raw)
    honest.run({ type: 'closeConnection', connection: met, reason: 'for a test' })
    await peer.next('connectionClosed')
    await lookUp(peer)
    await pause(200)
    peer.run({ type: 'dial', target: honest.id, addresses: [] })
    expect(await peer.next('dialled')).toMatchObject({ peer: honest.id })
    expect(target.visits()).toBe(0)
  })

  it('finds a peer that we look for, at the addresses that it names', async () => {
    const [peer, honest] = [await Peer.listening(), await Peer.listening()]
    const raw = await RawKad.start(() => [{ id: hashOf(honest), addresses: bytesOf(honest.address) }])
    await meet(peer, raw)
    peer.run({ type: 'dial', target: honest.id, addresses: [] })
    expect(await peer.next('dialled')).toMatchObject({ peer: honest.id })
  })
})
