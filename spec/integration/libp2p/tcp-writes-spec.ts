/** How our TCP writes: one system call a turn, whole, and no more than the socket takes. No Noise, no Yamux, no node. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { MultiaddrConnection, StreamMessageEvent, Upgrader } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { corkedTcp } from '../../../src/libp2p/patches/tcp-writes.js'
import { TCP } from '../../../src/libp2p/defaults.js'
import { quietLogger } from '../../../src/libp2p/logger.js'

/** Hands on the connection as it is, instead of encrypting it. */
function rawUpgrader(connected: (connection: MultiaddrConnection) => unknown): Upgrader {
  const upgrade = async (connection: MultiaddrConnection) => connected(connection)
  return { upgradeInbound: upgrade, upgradeOutbound: upgrade } as unknown as Upgrader
}

/** The two ends of a connection over loopback. */
async function pair(): Promise<{ near: MultiaddrConnection; far: MultiaddrConnection; close: () => Promise<void> }> {
  const tcp = corkedTcp(TCP)({ logger: quietLogger()! })
  const ends: Record<'near' | 'far', MultiaddrConnection[]> = { near: [], far: [] }
  const arrivals = new EventTarget()
  const listener = tcp.createListener({
    upgrader: rawUpgrader((connection) => {
      ends.far.push(connection)
      arrivals.dispatchEvent(new Event('arrival'))
    }),
  })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  const arrival = once(arrivals, 'arrival')
  const { signal } = new AbortController()
  await tcp.dial(listener.getAddrs()[0]!, { upgrader: rawUpgrader((connection) => ends.near.push(connection)), signal })
  await arrival
  const [near, far] = [ends.near[0]!, ends.far[0]!]
  const close = async () => {
    near.abort(new Error('the test is over'))
    far.abort(new Error('the test is over'))
    await listener.close()
  }
  return { near, far, close }
}

/** Resolves with what has come once it is so much. */
function receive(connection: MultiaddrConnection, bytes: number): Promise<Uint8Array> {
  const all = new Uint8ArrayList()
  return new Promise((resolve) => {
    connection.addEventListener('message', ({ data }: StreamMessageEvent) => {
      all.append(data)
      if (all.byteLength >= bytes) resolve(all.subarray())
    })
  })
}

const patterned = (length: number, step: number) => new Uint8Array(length).map((_, i) => (i * step) % 251)

describe('our TCP', () => {
  let near: MultiaddrConnection
  let far: MultiaddrConnection
  let close: () => Promise<void>
  let writes: jest.SpiedFunction<Socket['_write']>[]

  beforeEach(async () => {
    ;({ near, far, close } = await pair())
    writes = [jest.spyOn(Socket.prototype, '_write'), jest.spyOn(Socket.prototype, '_writev' as '_write')]
  })

  afterEach(async () => {
    jest.restoreAllMocks()
    await close()
  })

  const calls = () => writes.reduce((sum, { mock }) => sum + mock.calls.length, 0)

  it('gives all that is sent in one turn to the system at once', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => patterned(50 + i, i + 3))
    const arrived = receive(far, new Uint8ArrayList(...parts).byteLength)
    for (const part of parts) expect(near.send(part)).toBe(true)
    expect(calls()).toBe(0)
    expect(Buffer.compare(await arrived, new Uint8ArrayList(...parts).subarray())).toBe(0)
    expect(calls()).toBe(1)
  })

  it('takes a large frame whole, its tag too, and says that the socket is full', async () => {
    const frame = new Uint8ArrayList(patterned(2, 1), patterned(65_503, 7), patterned(16, 11))
    const whole = frame.subarray()
    const arrived = receive(far, whole.length)
    const drained = once(near as unknown as EventTarget, 'drain')
    expect(near.send(frame)).toBe(false)
    expect(near.writeBufferLength).toBe(0)
    expect(Buffer.compare(await arrived, whole)).toBe(0)
    expect(calls()).toBe(1)
    await drained
    expect(near.writableNeedsDrain).toBe(false)
  })

  it('holds back what is sent to a full socket until it drains, and loses nothing of it', async () => {
    const count = 64
    const frames = Array.from({ length: count }, (_, i) => patterned(262_144, i + 1))
    far.pause()
    let refused = 0
    for (const frame of frames) if (!near.send(frame)) refused++
    expect(refused).toBe(count)
    // The first one is the socket's, the others are still ours.
    expect(near.writeBufferLength).toBe((count - 1) * 262_144)
    const arrived = receive(far, count * 262_144)
    far.resume()
    expect(Buffer.compare(await arrived, new Uint8ArrayList(...frames).subarray())).toBe(0)
    expect(near.writeBufferLength).toBe(0)
  })

  it('writes in every turn anew', async () => {
    for (let turn = 1; turn <= 5; turn++) {
      const arrived = once(far as unknown as EventTarget, 'message')
      near.send(patterned(100, turn))
      near.send(patterned(100, turn))
      await arrived
      expect(calls()).toBe(turn)
    }
  })

  it('closes after what was sent before it', async () => {
    const sent = patterned(400_000, 13)
    const arrived = receive(far, sent.length)
    near.send(sent)
    await near.close()
    expect(Buffer.compare(await arrived, sent)).toBe(0)
  })
})
