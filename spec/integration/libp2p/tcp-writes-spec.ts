/** How our TCP writes: one system call a turn, whole, and no more than the socket takes. No Noise, no Yamux, no node. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { MultiaddrConnection, StreamMessageEvent } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { Uint8ArrayList } from 'uint8arraylist'
import { tcpPair } from '../../support/tcp-pair.js'

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
    ;({ near, far, close } = await tcpPair())
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
    const frame = new Uint8ArrayList(patterned(2, 1), patterned(131_039, 7), patterned(16, 11))
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
