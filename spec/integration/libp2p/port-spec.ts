/** The real network behind the port, on sockets of 127.0.0.1, driven by hand: no core, no lane. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import os from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { PortEffect } from '../../../src/core/port.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { AnotherPort, endPorts } from '../../support/another-port.js'
import { block } from '../../support/block.js'
import { bytes, text } from '../../support/bytes.js'
import type { Gater } from '../../../src/libp2p/gater.js'
import type { Bound } from '../../../src/libp2p/own-addresses.js'
import { freePort } from '../../support/free-port.js'
import { LOOPBACK, Peer, PROTOCOL, stopPeers, sum } from '../../support/port-peer.js'
import { afterEach, describe, expect, it, jest } from '@jest/globals'

afterEach(async () => {
  await endPorts()
  await stopPeers()
})

describe('listening', () => {
  it('reports addresses without a peer id and with the real port', async () => {
    const peer = await Peer.listening()
    expect(peer.address).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d*$/)
  })

  it('replaces an unspecified address by those of the interfaces', async () => {
    const peer = await Peer.build()
    peer.run({ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/0'] })
    const { addresses } = await peer.next('listening')
    expect(addresses).toContainEqual(expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/))
    expect(addresses.join()).not.toContain('0.0.0.0')
  })

  it('has the addresses that work, in any order, and says of each other one why it does not', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const used = `/ip4/127.0.0.1/tcp/${(server.address() as { port: number }).port}`
    const others = [used, '/ip4/192.0.2.1/tcp/0', '/ip6/2001:db8::5/tcp/0', '/ip4/127.0.0.1/udp/0/quic-v1']
    try {
      for (const other of others) {
        for (const addresses of [
          [LOOPBACK, other],
          [other, LOOPBACK],
        ]) {
          const peer = await Peer.build()
          peer.run({ type: 'listen', addresses })
          const listening = await peer.next('listening')
          expect(listening.addresses).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)])
          expect(listening.failures).toEqual([expect.stringMatching(`^cannot listen on ${other} \\(.+\\)$`)])
        }
      }
    } finally {
      server.close()
    }
  })

  it('does not take itself for a node of its machine alone, when an address fails that it has all the same', async () => {
    const everywhere = `/ip4/0.0.0.0/tcp/${await freePort()}`
    const peer = await Peer.build()
    peer.run({ type: 'listen', addresses: [everywhere, everywhere] })
    expect((await peer.next('listening')).failures).toHaveLength(1)
    const { gater } = (peer.port as unknown as { parts: { gater: Gater } }).parts
    expect(gater.accepts('bob', '/ip4/127.0.0.1/tcp/1')).toBe(false)
  })

  it('tells which address has got which port, also where one of them fails', async () => {
    const named = await freePort()
    const addresses = [
      '/ip4/127.0.0.1/tcp/0',
      '/ip4/192.0.2.1/tcp/0',
      `/ip4/127.0.0.1/tcp/${named}`,
      '/ip4/0.0.0.0/tcp/0',
    ]
    let bound: Bound = []
    const peer = await Peer.build({ onListening: (all) => (bound = all) })
    peer.run({ type: 'listen', addresses })
    const listening = await peer.next('listening')
    const ports = bound.map((all) => [...new Set(all?.map((address) => address.split('/')[4]!))])
    expect(ports).toEqual([[expect.any(String)], [], [`${named}`], [expect.any(String)]])
    expect(new Set(ports.flat()).size).toBe(3)
    expect(new Set(bound.flatMap((all) => all ?? []))).toEqual(new Set(listening.addresses))
    expect(bound[0]).toHaveLength(1)
    expect(bound[3]).toContain(`/ip4/127.0.0.1/tcp/${ports[3]![0]}`)
  })

  it('knows where it listens while the system does not tell its interfaces', async () => {
    const peer = await Peer.listening({}, '/ip4/0.0.0.0/tcp/0')
    const system = jest.spyOn(os, 'networkInterfaces').mockImplementation(() => {
      throw new Error('no file to spare')
    })
    try {
      // We look each second, and libp2p one second after the start.
      for (let left = 100; system.mock.calls.length < 3 && left > 0; left--) await pause(50)
      expect(system.mock.calls.length).toBeGreaterThan(2)
      const other = await Peer.listening()
      const [connection] = await other.connect(peer)
      const identified = await other.next('identified', (event) => event.connection === connection)
      expect(identified.addresses).toContain(peer.address)
    } finally {
      system.mockRestore()
    }
    expect(peer.logged).toEqual([])
  })

  it('says of each address why it could not have it when it could have none', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const peer = await Peer.build()
    peer.run({ type: 'listen', addresses: ['/ip4/192.0.2.1/tcp/0', `/ip4/127.0.0.1/tcp/${port}`] })
    const { failure } = await peer.next('listenFailed')
    server.close()
    expect(failure.message).toMatch(/^cannot listen on /)
    expect(failure.message).toMatch(/\/ip4\/192\.0\.2\.1\/tcp\/0 \([^)]*EADDRNOTAVAIL[^)]*\)/)
    expect(failure.message).toMatch(new RegExp(`/ip4/127.0.0.1/tcp/${port} \\([^)]*EADDRINUSE[^)]*\\)`))
    expect(peer.events.map((event) => event.type)).toEqual(['listenFailed'])
  })

  it('tells both where it listens and what others are told, if that is something else', async () => {
    const announce = ['/dns4/example.org/tcp/4001']
    const peer = await Peer.build()
    peer.run({ type: 'listen', addresses: [LOOPBACK], announce })
    const { addresses, bound } = await peer.next('listening')
    expect(addresses).toEqual(announce)
    expect(bound).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)])
  })
})

describe('the clock', () => {
  it('has jumped when the machine has slept, and that is reported', async () => {
    const peer = await Peer.listening()
    const wall = Date.now.bind(Date)
    const asleep = jest.spyOn(Date, 'now').mockImplementation(() => wall() + 60_000)
    try {
      expect((await peer.next('clockJumped')).by).toBeGreaterThan(59_000)
    } finally {
      asleep.mockRestore()
    }
  })
})

describe('dialling', () => {
  it('opens a connection, then says who answered, then what the other side says of itself', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    const [connection, inbound] = await a.connect(b)
    const identified = await a.next('identified')
    expect(identified).toMatchObject({ connection, peer: b.id, addresses: [b.address], agent: 'tinyp2p' })
    expect(identified.protocols).toEqual(
      expect.arrayContaining([
        PROTOCOL,
        '/ipfs/id/1.0.0',
        '/ipfs/kad/1.0.0',
        '/ipfs/ping/1.0.0',
        '/meshsub/1.1.0',
        '/meshsub/1.0.0',
      ]),
    )
    expect(await b.next('identified')).toMatchObject({ connection: inbound, peer: a.id, addresses: [a.address] })
    const order = a.events.map((event) => event.type)
    expect(order.indexOf('connectionOpened')).toBeLessThan(order.indexOf('dialled'))
    expect(a.events).toContainEqual({
      type: 'connectionOpened',
      connection,
      peer: b.id,
      address: b.address,
      inbound: false,
    })
    expect(b.events).toContainEqual(expect.objectContaining({ type: 'connectionOpened', peer: a.id, inbound: true }))
  })

  it('finds out who answers at an address without a peer id', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    a.run({ type: 'dial', target: b.address, addresses: [] })
    expect(await a.next('dialled')).toMatchObject({ target: b.address, peer: b.id })
  })

  it('fails with each address tried and why', async () => {
    const [a, b] = [await Peer.listening(), await Peer.build()]
    a.run({ type: 'dial', target: b.id, addresses: ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'] })
    const { failure, tried } = await a.next('dialFailed', (event) => event.target === b.id)
    expect(tried).toEqual(
      [1, 2].map((port) => ({
        address: `/ip4/127.0.0.1/tcp/${port}/p2p/${b.id}`,
        reason: expect.stringContaining('ECONNREFUSED'),
      })),
    )
    expect(failure.message).toContain(`/ip4/127.0.0.1/tcp/1/p2p/${b.id}: connect ECONNREFUSED`)
    expect(failure.message).toContain(`/ip4/127.0.0.1/tcp/2/p2p/${b.id}: connect ECONNREFUSED`)
  })

  it('fails at once for a peer of whom nobody can know', async () => {
    const [a, b] = [await Peer.listening(), await Peer.build()]
    a.run({ type: 'dial', target: b.id, addresses: [] })
    const { failure, tried } = await a.next('dialFailed', () => true, 500)
    expect(tried).toEqual([])
    expect(failure.message).toContain('nobody that we could ask knows an address of it')
  })

  it('refuses to dial itself, by id and by address', async () => {
    const a = await Peer.listening()
    a.run({ type: 'dial', target: a.id, addresses: [] })
    await a.next('dialFailed', (event) => event.target === a.id)
    a.run({ type: 'dial', target: a.address, addresses: [] })
    await a.next('dialFailed', (event) => event.target === a.address)
  })

  it('fails when another peer than the one wanted answers', async () => {
    const [a, b, c] = [await Peer.listening(), await Peer.listening(), await Peer.build()]
    a.run({ type: 'dial', target: c.id, addresses: [b.address] })
    expect((await a.next('dialFailed')).tried).toMatchObject([{ address: `${b.address}/p2p/${c.id}` }])
  })

  it('refuses peers behind the gate, in both directions', async () => {
    const denied = new Set<string>()
    const [a, b] = [await Peer.listening({ gate: { deny: (peer) => denied.has(peer) } }), await Peer.listening()]
    denied.add(b.id)
    a.run({ type: 'dial', target: b.id, addresses: [b.address] })
    await a.next('dialFailed')
    b.run({ type: 'dial', target: a.id, addresses: [a.address] })
    await Promise.race([b.next('dialFailed'), b.next('connectionClosed')])
    expect(a.events.some((event) => event.type === 'connectionOpened')).toBe(false)
  })

  it('pings over a connection and reports its end at both sides', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    const [connection, inbound] = await a.connect(b)
    a.run({ type: 'ping', connection, timeout: 2_000, longest: 2_000 })
    expect((await a.next('pinged')).rtt).toBeLessThan(1_000)
    a.run({ type: 'closeConnection', connection, reason: 'enough' })
    await a.next('connectionClosed', (event) => event.connection === connection)
    await b.next('connectionClosed', (event) => event.connection === inbound)
  })

  it('does not take a connection that is being closed for an answer to a dial', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    const [connection] = await a.connect(b)
    await a.next('identified')
    a.run({ type: 'closeConnection', connection, reason: 'idle' })
    a.run({ type: 'dial', target: b.id, addresses: [b.address] })
    const dialled = await a.next('dialled')
    expect(dialled.connection).not.toBe(connection)
    await a.stream(dialled.connection, b)
  })

  it('does not connect again by itself, even to a close peer of the table', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    a.run({ type: 'tableAdd', peer: b.id, addresses: [b.address] })
    const { connection } = await a.next('connectionOpened')
    await a.next('tableChanged')
    // kad tags the closest peers every 5 s; until then nothing would reconnect anyway.
    await a.next('connectionClosed', () => true, 5_500).catch(() => undefined)
    a.run({ type: 'closeConnection', connection, reason: 'idle' })
    await a.next('connectionClosed')
    await expect(a.next('connectionOpened', () => true, 500)).rejects.toThrow('no connectionOpened')
  }, 20_000)
})

describe('the table', () => {
  it('is filled by a lookup with peers that we never dialled by hand, and finds peers by id', async () => {
    const [a, b, c] = [await Peer.listening(), await Peer.listening(), await Peer.listening()]
    await Promise.all([a.connect(b), c.connect(b)])
    await Promise.all([a, c].map((peer) => peer.next('tableChanged', (event) => event.peer === b.id)))
    await Promise.all([a, c].map((peer) => b.next('tableChanged', (event) => event.peer === peer.id)))
    a.run({ type: 'tableQuery' })
    expect(await a.next('tableQueried')).toEqual({ type: 'tableQueried' })
    expect(await a.next('tableChanged', (event) => event.peer === c.id)).toMatchObject({ addresses: [c.address] })
    expect(a.events).not.toContainEqual(expect.objectContaining({ type: 'tableChanged', peer: a.id }))
  })

  it('answers a lookup with nobody to ask at once', async () => {
    const a = await Peer.listening()
    a.run({ type: 'tableQuery' })
    expect(await a.next('tableQueried', () => true, 500)).toEqual({ type: 'tableQueried' })
  })

  it('dials a peer known only to others by its id', async () => {
    const [a, b, c] = [await Peer.listening(), await Peer.listening(), await Peer.listening()]
    await Promise.all([a.connect(b), c.connect(b)])
    await a.next('tableChanged', (event) => event.peer === b.id)
    await b.next('tableChanged', (event) => event.peer === c.id)
    a.run({ type: 'dial', target: c.id, addresses: [] })
    expect(await a.next('dialled', (event) => event.target === c.id)).toMatchObject({ peer: c.id })
  })

  it('finds a peer that has moved, after its old address failed', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    const privateKey = await generateKeyPair('Ed25519')
    const before = await Peer.listening({ privateKey })
    await a.connect(b)
    await a.connect(before)
    await a.next('tableChanged', (event) => event.peer === before.id)
    await before.stop()
    await a.next('connectionClosed')
    const after = await Peer.listening({ privateKey })
    await after.connect(b)
    await b.next('tableChanged', (event) => event.peer === after.id)
    a.run({ type: 'dial', target: after.id, addresses: [] })
    expect(await a.next('dialled', (event) => event.target === after.id)).toMatchObject({ peer: after.id })
    expect(a.events).toContainEqual(expect.objectContaining({ type: 'connectionOpened', address: after.address }))
  })

  it('takes a peer by hand and lets it go', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    a.run({ type: 'tableAdd', peer: b.id, addresses: [b.address] })
    expect(await a.next('tableChanged')).toEqual({ type: 'tableChanged', peer: b.id, addresses: [b.address] })
    a.run({ type: 'tableRemove', peer: b.id })
    expect(await a.next('tableChanged')).toEqual({ type: 'tableChanged', peer: b.id, addresses: undefined })
    a.run({ type: 'tableAdd', peer: b.id, addresses: [b.address] })
    expect(await a.next('tableChanged')).toEqual({ type: 'tableChanged', peer: b.id, addresses: [b.address] })
    expect(a.logged).toEqual([])
  })
})

describe('streams', () => {
  async function pair(): Promise<[Peer, Peer, number]> {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    const [connection] = await a.connect(b)
    return [a, b, connection]
  }

  it.each([0, 1, 5, 1 << 20])('carries %i bytes each way, with each side closed by its writer', async (size) => {
    const [a, b, connection] = await pair()
    const [out, inbound] = await a.stream(connection, b)
    const data = new Uint8Array(size).map((_, index) => index * 7)
    a.run({
      type: 'write',
      stream: out,
      chunks: size === 0 ? [] : [data.subarray(0, size >> 1), data.subarray(size >> 1)],
      end: true,
    })
    await b.next('streamEnded', (event) => event.stream === inbound)
    expect(sum(b.dataOf(inbound))).toBe(sum(data))
    expect(b.typesOf(inbound)).toEqual(
      size === 0 ? ['streamInbound', 'streamEnded'] : ['streamInbound', 'data', 'streamEnded'],
    )
    b.run({ type: 'write', stream: inbound, chunks: size === 0 ? [] : [data], end: true })
    expect(await a.next('streamClosed')).toEqual({ type: 'streamClosed', stream: out, reason: 'closed' })
    expect(await b.next('streamClosed')).toEqual({ type: 'streamClosed', stream: inbound, reason: 'closed' })
    expect(sum(a.dataOf(out))).toBe(sum(data))
    expect(a.typesOf(out)).toEqual([
      'streamOpened',
      ...(size === 0 ? ['streamEnded'] : ['data', 'streamEnded']),
      'streamClosed',
    ])
  })

  it('numbers inbound streams 2, 4, 6 and hands on plain Uint8Arrays', async () => {
    const [a, b, connection] = await pair()
    for (const expected of [2, 4, 6]) {
      const [out, inbound] = await a.stream(connection, b)
      expect(inbound).toBe(expected)
      a.run({ type: 'write', stream: out, chunks: [bytes('plain')], end: false })
      const { chunks } = await b.next('data', (event) => event.stream === inbound)
      expect(chunks.map((chunk) => Object.getPrototypeOf(chunk) === Uint8Array.prototype)).toEqual([true])
      await a.next('writable', (event) => event.stream === out)
    }
  })

  it('carries 100 requests at once, straight after the dial', async () => {
    const [a, b, connection] = await pair()
    const streams = Array.from({ length: 100 }, () => a.open(connection))
    for (const stream of streams) {
      const { protocol } = await a.next('streamOpened', (event) => event.stream === stream)
      expect(protocol).toBe(PROTOCOL)
      a.run({ type: 'write', stream, chunks: [bytes(`request ${stream}`)], end: true })
    }
    for (const _ of streams) {
      const { stream } = await b.next('streamEnded')
      b.run({ type: 'write', stream, chunks: [bytes(`echo of ${text(b.dataOf(stream))}`)], end: true })
    }
    for (const stream of streams) {
      await a.next('streamClosed', (event) => event.stream === stream && event.reason === 'closed')
      expect(text(a.dataOf(stream))).toBe(`echo of request ${stream}`)
    }
  })

  it('answers each write only when it has gone, so a paused reader holds the writer up', async () => {
    const [a, b, connection] = await pair()
    const [out, inbound] = await a.stream(connection, b)
    b.run({ type: 'pause', stream: inbound })
    const chunk = new Uint8Array(1 << 20).fill(7)
    let sent = 0
    for (; sent < 20; sent++) {
      a.run({ type: 'write', stream: out, chunks: [chunk], end: false })
      const went = await a.next('writable', (event) => event.stream === out, 1_000).catch(() => undefined)
      if (went === undefined) break
    }
    // The largest window, and what TCP holds besides.
    expect(sent).toBeLessThan(10)
    expect(b.events.some((event) => event.type === 'data')).toBe(false)
    b.run({ type: 'resume', stream: inbound })
    await a.next('writable', (event) => event.stream === out)
    a.run({ type: 'write', stream: out, chunks: [], end: true })
    await b.next('streamEnded', (event) => event.stream === inbound)
    expect(b.dataOf(inbound).length).toBe((sent + 1) << 20)
  })

  it('reports the end of a stream that closed while it was paused after the bytes that were unread', async () => {
    const [a, b, connection] = await pair()
    const [out, inbound] = await a.stream(connection, b)
    a.run({ type: 'write', stream: out, chunks: [], end: true })
    await b.next('streamEnded', (event) => event.stream === inbound)
    a.run({ type: 'pause', stream: out })
    b.run({ type: 'write', stream: inbound, chunks: [bytes('late')], end: true })
    await b.next('streamClosed', (event) => event.stream === inbound)
    // What is sent after it has arrived, so it has arrived too.
    a.run({ type: 'ping', connection, timeout: 2_000, longest: 2_000 })
    await a.next('pinged')
    expect(a.typesOf(out)).toEqual(['streamOpened'])
    a.run({ type: 'resume', stream: out })
    await a.next('streamClosed', (event) => event.stream === out && event.reason === 'closed')
    expect(a.typesOf(out)).toEqual(['streamOpened', 'data', 'streamEnded', 'streamClosed'])
    expect(text(a.dataOf(out))).toBe('late')
  })

  it('reports a reset by the other side, and nothing after a reset of our own', async () => {
    const [a, b, connection] = await pair()
    const [out, inbound] = await a.stream(connection, b)
    b.run({ type: 'reset', stream: inbound, reason: 'no' })
    expect(await a.next('streamClosed')).toEqual({ type: 'streamClosed', stream: out, reason: 'reset' })
    expect(b.typesOf(inbound)).toEqual(['streamInbound'])
    const late: PortEffect[] = [
      { type: 'write', stream: out, chunks: [bytes('x')], end: false },
      { type: 'pause', stream: out },
      { type: 'resume', stream: out },
      { type: 'reset', stream: out, reason: 'again' },
    ]
    for (const effect of late) a.run(effect)
    expect(a.typesOf(out)).toEqual(['streamOpened', 'streamClosed'])
  })

  it('forgets a stream that is reset before it is open', async () => {
    const [a, b, connection] = await pair()
    const stream = a.open(connection)
    a.run({ type: 'reset', stream, reason: 'cancelled' })
    await a.stream(connection, b)
    expect(a.typesOf(stream)).toEqual([])
  })

  it('says that the peer does not speak a protocol, and takes the second one where it does not know the first', async () => {
    const [a, , connection] = await pair()
    a.open(connection, ['/nobody/1.0.0'])
    expect(await a.next('streamOpenFailed')).toMatchObject({ reason: 'unsupported' })
    const stream = a.open(connection, ['/nobody/1.0.0', PROTOCOL])
    expect(await a.next('streamOpened')).toEqual({ type: 'streamOpened', stream, protocol: PROTOCOL })
  })

  it('says that a stream cannot be opened on a connection that is gone', async () => {
    const [a, b, connection] = await pair()
    await b.stop()
    await a.next('connectionClosed')
    a.open(connection)
    expect(await a.next('streamOpenFailed')).toMatchObject({ reason: 'lost' })
  })

  it('does not take a connection that breaks for the end of what was sent', async () => {
    const [a, b, connection] = await pair()
    const [out, inbound] = await a.stream(connection, b)
    b.run({ type: 'write', stream: inbound, chunks: [bytes('half of')], end: false })
    await a.next('data', (event) => event.stream === out)
    await b.stop()
    await a.next('connectionClosed', (event) => event.connection === connection)
    expect(a.events).toContainEqual({ type: 'streamClosed', stream: out, reason: 'lost' })
    expect(a.typesOf(out)).not.toContain('streamEnded')
  })
})

describe('the end', () => {
  it('comes within two seconds with connections and streams open, and nothing is heard after it', async () => {
    const [a, b] = [await Peer.listening(), await Peer.listening()]
    const [connection] = await a.connect(b)
    await a.stream(connection, b)
    const start = performance.now()
    a.run({ type: 'stop' })
    await a.next('stopped', () => true, 2_000)
    a.stopped = true
    expect(performance.now() - start).toBeLessThan(2_000)
    a.run({ type: 'dial', target: b.id, addresses: [b.address] })
    await b.next('connectionClosed')
    expect(a.events.at(-1)).toEqual({ type: 'stopped' })
  })

  it('comes while it starts, too, and without a start', async () => {
    const [a, b] = [await Peer.build(), await Peer.build()]
    a.run({ type: 'listen', addresses: [LOOPBACK] })
    await Promise.all([a.stop(), b.stop()])
    expect([...a.events, ...b.events].map((event) => event.type)).toEqual(['stopped', 'stopped'])
  })
})

describe('another process', () => {
  async function connected() {
    const [a, other] = [await Peer.listening(), await AnotherPort.start()]
    a.run({ type: 'dial', target: other.id, addresses: [other.address] })
    const { connection } = await a.next('dialled')
    return { a, other, connection }
  }

  it('is missed when it is killed', async () => {
    const { a, other, connection } = await connected()
    const stream = a.open(connection)
    await a.next('streamOpened')
    other.signal('SIGKILL')
    expect(await a.next('connectionClosed')).toEqual({ type: 'connectionClosed', connection })
    expect(a.events).toContainEqual({ type: 'streamClosed', stream, reason: 'lost' })
  }, 20_000)

  it('has answered a ping if the answer lies in the socket when its time is over', async () => {
    const { a, other, connection } = await connected()
    a.run({ type: 'ping', connection, timeout: 300, longest: 300 })
    await pause(0)
    block(900)
    expect(await a.next('pinged')).toMatchObject({ connection })
    expect(a.all('pingFailed')).toEqual([])
    other.signal('SIGKILL')
  }, 20_000)

  it('does not answer a ping while it is frozen, and its connection can be closed nonetheless', async () => {
    const { a, other, connection } = await connected()
    other.signal('SIGSTOP')
    a.run({ type: 'ping', connection, timeout: 300, longest: 300 })
    // What it had sent before may still come.
    await a.next('pingFailed')
    a.run({ type: 'ping', connection, timeout: 300, longest: 300 })
    expect(await a.next('pingFailed')).toMatchObject({
      connection,
      heard: false,
      failure: { message: expect.stringContaining('the ping failed') },
    })
    a.run({ type: 'closeConnection', connection, reason: 'dead' })
    await a.next('connectionClosed')
    other.signal('SIGKILL')
  }, 20_000)

  it('exits by itself after the stop', async () => {
    const { other } = await connected()
    other.stop()
    expect(await other.exit).toBe(0)
  }, 20_000)
})
