/** Requests between our node and a Rust peer, both ways: of whatever size, however many, however they end. */
import { afterEach, describe, expect, it } from '@jest/globals'
import type { InboundRequest } from '../../src/edge/answers/inbound.js'
import type { P2pNode } from '../../src/node/p2p-node.js'
import { killProcesses } from '../support/line-process.js'
import { heard, MiB, outcome, pending, startEcho, startNode, stateOf, statusOf, stopNodes, text, bytes } from '../support/nodes.js' // prettier-ignore
import { RustPeer } from '../support/rust-peer.js'
import { equal, payload } from './session-nodes.js'

afterEach(() => Promise.all([stopNodes(), killProcesses()]))

const SIZES = [0, 1, 1_024, 65_536, MiB]

/** How a request of the Rust peer ended: `fulfilled`, or its text. */
async function rustOutcome(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'fulfilled',
    (error: Error) => error.message,
  )
}

/** Nothing is under way in the node any more: no request, no stream, no byte. Asks it turn by turn of its lane. */
async function isQuiet(node: P2pNode): Promise<void> {
  const deadline = performance.now() + 5_000
  const busy = () => Object.values(pending(stateOf(node))).some((amount) => amount > 0)
  do await node.status()
  while (busy() && performance.now() < deadline)
  expect(Object.entries(pending(stateOf(node))).filter(([, amount]) => amount > 0)).toEqual([])
}

describe('a request from us to Rust', () => {
  it.each(SIZES)('of %i bytes comes back whole', async (size) => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    const data = payload(size)
    expect(equal(await node.request(rust.address, data), data)).toBe(true)
    expect(await rust.waitFor('request')).toMatchObject({ from: node.peerId, bytes: size })
    await isQuiet(node)
  })

  it('that Rust rejects is RequestRejected', async () => {
    const [rust, node] = await Promise.all([RustPeer.start('--handler', 'reject'), startNode()])
    expect(await outcome(node.request(rust.address, bytes('no?')))).toBe('RequestRejected')
    await rust.setHandler('echo')
    expect(text(await node.request(rust.peerId, bytes('yes?')))).toBe('yes?')
  })

  it('over our own limit is RequestTooLarge, and is not sent', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    expect(await outcome(node.request(rust.address, payload(MiB + 1)))).toBe('RequestTooLarge')
    expect(await rust.connections()).toEqual([])
  })

  it('over the limit of Rust is RequestRejected, and the next one passes', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode({ reqResp: { maxRequestSize: 2 * MiB } })])
    expect(await outcome(node.request(rust.address, payload(MiB + 1)))).toBe('RequestRejected')
    expect(await rust.waitFor('requestFailed')).toMatchObject({ error: expect.stringContaining('exceeds the limit') })
    expect(text(await node.request(rust.peerId, bytes('small')))).toBe('small')
  })

  it('whose answer is over our limit is ResponseTooLarge, and the next one passes', async () => {
    const [rust, node] = await Promise.all([RustPeer.start('--handler', `size:${MiB + 1}`), startNode()])
    expect(await outcome(node.request(rust.address, bytes('much?')))).toBe('ResponseTooLarge')
    await rust.setHandler(`size:${MiB}`)
    expect(await node.request(rust.peerId, bytes('less?'))).toHaveLength(MiB)
  })

  it('is answered a hundred times at once, straight after the dial', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    const all = Array.from({ length: 100 }, (_, index) => payload(1_000 + index))
    const answers = await Promise.all(all.map((data) => node.request(rust.address, data)))
    expect(answers.every((answer, index) => equal(answer, all[index]!))).toBe(true)
    expect(await rust.connections()).toEqual([node.peerId])
  })

  it('ends with RequestTimeout when Rust is slow, and holds up nothing else', async () => {
    const [rust, node] = await Promise.all([RustPeer.start('--handler', 'none'), startNode()])
    const start = performance.now()
    const slow = outcome(node.request(rust.address, bytes('slow'), { timeout: 500 }))
    await rust.waitFor('request')
    await rust.setHandler('echo')
    expect(text(await node.request(rust.peerId, bytes('quick')))).toBe('quick')
    expect(await slow).toBe('RequestTimeout')
    expect(performance.now() - start).toBeLessThan(2_000)
    expect(text(await node.request(rust.peerId, bytes('after')))).toBe('after')
  })

  it('that is aborted frees its stream', async () => {
    const [rust, node] = await Promise.all([RustPeer.start('--handler', 'none'), startNode()])
    const controller = new AbortController()
    const cancelled = outcome(node.request(rust.address, bytes('?'), { signal: controller.signal }))
    await rust.waitFor('request')
    controller.abort()
    expect(await cancelled).toBe('Aborted')
    await isQuiet(node)
  })

  it('ends with ConnectionLost when Rust is killed before it answers', async () => {
    const [rust, node] = await Promise.all([RustPeer.start('--handler', 'none'), startNode()])
    const lost = outcome(node.request(rust.address, bytes('?')))
    await rust.waitFor('request')
    await rust.kill()
    expect(await lost).toBe('ConnectionLost')
  })

  it('opens a connection again that was closed because nobody used it', async () => {
    const [rust, node] = await Promise.all([
      RustPeer.start('--topics', ''),
      startNode({ reqResp: { connectionKeepAlive: 300 }, stayConnected: 0 }),
    ])
    expect(text(await node.request(rust.address, bytes('once')))).toBe('once')
    await statusOf(node, ({ connections }) => connections.length === 0)
    await rust.waitFor('disconnected')
    expect(text(await node.request(rust.address, bytes('again')))).toBe('again')
  })
})

describe('a request from Rust to us', () => {
  it.each(SIZES)('of %i bytes comes back whole', async (size) => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    const asked: { data: Uint8Array; from: string }[] = []
    node.setEventHandler({
      handleInboundRequest(data, { from }) {
        asked.push({ data, from })
        return data
      },
    })
    const data = payload(size)
    expect(equal(await rust.request(node.addresses[0]!, data), data)).toBe(true)
    expect(asked.map(({ from }) => from)).toEqual([rust.peerId])
    expect(equal(asked[0]!.data, data)).toBe(true)
  })

  it('is rejected when nobody answers here', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    expect(await rustOutcome(rust.request(node.addresses[0]!, bytes('?')))).toBe('rejected')
  })

  it('is rejected when the handler throws, and the next one is answered', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    node.setEventHandler({
      handleInboundRequest(data) {
        if (text(data) === 'bad') throw new Error('not for strangers')
        return data
      },
    })
    expect(await rustOutcome(rust.request(node.addresses[0]!, bytes('bad')))).toBe('rejected')
    expect(text(await rust.request(node.peerId, bytes('good')))).toBe('good')
  })

  it('is rejected when a subscriber rejects it', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    node.requests$.subscribe((request) => request.reject('go away'))
    expect(await rustOutcome(rust.request(node.addresses[0]!, bytes('?')))).toBe('rejected')
  })

  it('over our limit is refused, no handler sees it, and the next one passes', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    const sizes: number[] = []
    node.setEventHandler({
      handleInboundRequest(data) {
        sizes.push(data.length)
        return data
      },
    })
    expect(await rustOutcome(rust.request(node.addresses[0]!, payload(MiB + 1)))).not.toBe('fulfilled')
    expect(text(await rust.request(node.peerId, bytes('small')))).toBe('small')
    expect(sizes).toEqual([5])
    await isQuiet(node)
  })

  it('whose answer is over the limit of Rust fails there, and the next one passes', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    node.setEventHandler({ handleInboundRequest: (data) => payload(text(data) === 'much' ? MiB + 1 : 5) })
    const refused = await rustOutcome(rust.request(node.addresses[0]!, bytes('much')))
    expect(refused).toContain(`a response of ${MiB + 1} bytes exceeds the limit`)
    expect(await rust.request(node.peerId, bytes('less'))).toEqual(payload(5))
    await isQuiet(node)
  })

  it('is answered a hundred times at once, straight after the dial', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startEcho()])
    expect(await rust.requestMany(node.addresses[0]!, 100, 1_024)).toEqual({ succeeded: 100, failed: 0, errors: {} })
  })

  it('times out there when our handler is slow, which holds up nothing else', async () => {
    const [rust, node] = await Promise.all([RustPeer.start('--request-timeout', '500'), startNode()])
    node.setEventHandler({
      handleInboundRequest: (data) => (text(data) === 'quick' ? data : new Promise(() => {})),
    })
    const slow = rustOutcome(rust.request(node.addresses[0]!, bytes('slow')))
    await rust.waitFor('identified')
    expect(text(await rust.request(node.peerId, bytes('quick')))).toBe('quick')
    expect(await slow).toContain('Timeout')
    expect(text(await rust.request(node.peerId, bytes('quick')))).toBe('quick')
  })

  // The yamux of Rust says nothing when it gives a stream up that it had half-closed, so our own timeout ends it here.
  it('is rejected after our own timeout, and its signal fires', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode({ reqResp: { requestTimeout: 300 } })])
    const requests: InboundRequest[] = []
    node.requests$.subscribe((request) => requests.push(request))
    expect(await rustOutcome(rust.request(node.addresses[0]!, bytes('?')))).toBe('rejected')
    expect(requests[0]!.signal.aborted).toBe(true)
    await isQuiet(node)
  })

  it('may come while we ask the other way, over the same connection', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startEcho()])
    await node.dial(rust.address)
    await rust.waitFor('identified')
    const [theirs, ours] = await Promise.all([
      rust.requestMany(node.peerId, 50, 20_000),
      Promise.all(Array.from({ length: 50 }, () => node.request(rust.peerId, payload(20_000)))),
    ])
    expect(theirs).toEqual({ succeeded: 50, failed: 0, errors: {} })
    expect(ours.every((answer) => equal(answer, payload(20_000)))).toBe(true)
    expect(stateOf(node).connections.all.size).toBe(1)
  })
})

describe('a ping', () => {
  it('of ours is answered by Rust', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode({}, { pingInterval: 100 })])
    await node.dial(rust.address)
    const { rtt } = await heard(node, 'pinged')
    expect(rtt).toBeLessThan(1_000)
  })
})

describe('a peer with the settings of the origin', () => {
  const ORIGIN = ['--nodelay', 'false', '--lazy-streams', 'true', '--heartbeat', '10000', '--keep-alive', '10000']

  it('asks and answers, rejects and is rejected', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(...ORIGIN), startNode()])
    node.setEventHandler({
      handleInboundRequest(data) {
        if (text(data) === 'bad') throw new Error('no')
        return data
      },
    })
    for (const size of SIZES) {
      expect(equal(await node.request(rust.address, payload(size)), payload(size))).toBe(true)
      expect(equal(await rust.request(node.peerId, payload(size)), payload(size))).toBe(true)
    }
    expect(await rustOutcome(rust.request(node.peerId, bytes('bad')))).toBe('rejected')
    await rust.setHandler('reject')
    expect(await outcome(node.request(rust.peerId, bytes('?')))).toBe('RequestRejected')
    await isQuiet(node)
  })

  it('takes and sends a hundred at once', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(...ORIGIN), startEcho()])
    const answers = await Promise.all(Array.from({ length: 100 }, () => node.request(rust.address, payload(1_000))))
    expect(answers.every((answer) => equal(answer, payload(1_000)))).toBe(true)
    expect(await rust.requestMany(node.peerId, 100, 1_000)).toEqual({ succeeded: 100, failed: 0, errors: {} })
  })
})
