/** What our wrappers of TCP, Noise and Yamux save, counted by a proxy between two nodes. */
import { once } from 'node:events'
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createNode, type P2pNode } from '../../../src/index.js'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const open: (P2pNode | Server)[] = []

afterEach(async () => {
  for (const one of open.splice(0)) {
    if ('stop' in one) await one.stop()
    else one.close()
  }
})

/** A node that answers with what it is sent. */
async function echo(): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK })
  open.push(node)
  node.setEventHandler({ handleInboundRequest: (data) => data })
  return node
}

/** Passes everything on to a port, and counts what comes from each side. */
async function proxy(to: number): Promise<{ port: number; fromAsker: Counter; fromAnswerer: Counter }> {
  const fromAsker = new Counter()
  const fromAnswerer = new Counter()
  const server = createServer((asker) => {
    const answerer = connect(to, '127.0.0.1')
    pass(asker, answerer, fromAsker)
    pass(answerer, asker, fromAnswerer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  return { port: (server.address() as AddressInfo).port, fromAsker, fromAnswerer }
}

class Counter {
  pieces = 0
  bytes = 0
}

function pass(from: Socket, to: Socket, counter: Counter): void {
  from.setNoDelay(true)
  from.on('data', (data) => {
    counter.pieces++
    counter.bytes += data.length
    to.write(data)
  })
  from.on('close', () => to.destroy())
  from.on('error', () => to.destroy())
}

describe('the transport', () => {
  it('carries a small request in one piece, and its answer too, with nothing besides', async () => {
    const answerer = await echo()
    const { port, fromAsker, fromAnswerer } = await proxy(Number(answerer.addresses[0]!.split('/')[4]))
    const asker = await createNode({ listen: LOOPBACK })
    open.push(asker)
    // The first requests meet the handshake, identify and the first windows.
    const peer = `/ip4/127.0.0.1/tcp/${port}/p2p/${answerer.peerId}`
    for (let i = 0; i < 20; i++) await asker.request(peer, new Uint8Array(32))
    const before = [fromAsker, fromAnswerer].map(({ pieces, bytes }) => ({ pieces, bytes }))
    const count = 400
    const writes = [jest.spyOn(Socket.prototype, '_write'), jest.spyOn(Socket.prototype, '_writev' as '_write')]
    for (let i = 0; i < count; i++) await asker.request(peer, new Uint8Array(32))
    const written = writes.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    jest.restoreAllMocks()
    // All of it in this process: the asker, the answerer, and the proxy once for each of them.
    expect(written / count).toBeLessThan(4.8)
    for (const [i, side] of [fromAsker, fromAnswerer].entries()) {
      // Something else may pass now and then: kad, gossip, a window.
      expect(side.pieces - before[i]!.pieces).toBeLessThan(count * 1.2)
      // Ours 32 and 8 more, Yamux 12, Noise 18.
      expect((side.bytes - before[i]!.bytes) / count).toBeLessThan(85)
    }
  })

  it('gives windows back in time for values of many windows', async () => {
    const answerer = await echo()
    const asker = await createNode({ listen: LOOPBACK })
    open.push(asker)
    const data = new Uint8Array(1_048_576).map((_, i) => (i * 7) % 251)
    const replies = await Promise.all(Array.from({ length: 8 }, () => asker.request(answerer.addresses[0]!, data)))
    for (const reply of replies) expect(Buffer.compare(reply, data)).toBe(0)
  })
})
