/** A Rust peer that breaks the session protocol, in either role: its session ends, and nothing else does. */
import { once } from 'node:events'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { P2pNode } from 'tinyp2p'
import { killProcesses } from '../support/line-process.js'
import { bytes, MiB, nextFew, statusOf, text } from '../support/nodes.js'
import { RustPeer } from '../support/rust-peer.js'
import { failure, linesOf, startPair, stopSessionNodes } from './session-nodes.js'

afterEach(() => Promise.all([stopSessionNodes(), killProcesses()]))

/** Bytes that neither role may send. */
const OF_ANYBODY = [
  'hello-twice',
  'short-frame',
  'long-frame',
  'long-payload',
  'padded-varint',
  'huge-varint',
  'half-pair',
  'no-hello',
  'unknown-type',
  'unknown-flag',
  'hello-with-id',
  'cut-short',
  'wrong-type',
  'wrong-flag',
  'id-zero',
  'over-total',
  'under-total',
  'more-complete',
  'credit-zero',
  'credit-huge',
]

const OF_ASKERS = ['id-reused', 'id-smaller', 'data-unasked', 'data-complete', 'service']

const OF_ANSWERERS = ['reply-unasked', 'end-unasked', 'fail-unasked', 'reply-after-last', 'end-inside']

/** A node that answers `?` not before nobody wants the answer, and everything else at once. */
function answer(node: P2pNode): void {
  node.setEventHandler({
    handleInboundRequest: async (data, { signal }) => {
      if (text(data) === '?') await once(signal, 'abort')
      return data
    },
  })
}

describe('an asker that breaks the protocol', () => {
  it.each([...OF_ANYBODY, ...OF_ASKERS])('by %s loses its session, and nobody else anything', async (what) => {
    const [[rust, node], other] = await Promise.all([startPair(), RustPeer.start('--session')])
    answer(node)
    await Promise.all([rust, other].map((peer) => peer.dial(node.addresses[0]!)))
    expect(text(await other.sessionRequest(node.peerId, bytes('before')))).toBe('before')

    await rust.sessionAttack(node.peerId, what)
    const { why } = await rust.sessionEnded('asker')
    expect(why).toBe('ended by the peer')
    expect(await rust.connections()).toContain(node.peerId)
    expect(linesOf(node).filter((line) => line.includes(rust.peerId))).not.toEqual([])

    expect(text(await rust.sessionRequest(node.peerId, bytes('a new session')))).toBe('a new session')
    expect(await rust.sessionsOpened('asker')).toBe(2)
    expect(text(await other.sessionRequest(node.peerId, bytes('after')))).toBe('after')
    expect(await other.sessionsOpened('asker')).toBe(1)
    expect(await rust.told('disconnected')).toEqual([])
  })

  it('by more than its window, when there is no room for a request, loses its session', async () => {
    const [rust, node] = await startPair()
    // One peer may have us hold 16 MiB of requests that nobody has answered. Half a MiB is left.
    const held = nextFew(node.requests$, 16)
    await rust.dial(node.addresses[0]!)
    for (let index = 0; index < 16; index++) rust.sessionAsk(node.peerId, bytes(index === 0 ? MiB / 2 : MiB))
    await held
    node.requests$.subscribe((request) => request.respond(request.data))
    await rust.sessionAttack(node.peerId, 'over-window')
    await rust.sessionEnded('asker')
    expect(text(await rust.sessionRequest(node.peerId, bytes('a new session')))).toBe('a new session')
  })

  it('by more open requests than it was allowed loses its session', async () => {
    const [rust, node] = await startPair()
    answer(node)
    await rust.dial(node.addresses[0]!)
    // It has to have heard how many we allow.
    expect(text(await rust.sessionRequest(node.peerId, bytes('before')))).toBe('before')
    await rust.sessionAttack(node.peerId, 'too-many-open')
    await rust.sessionEnded('asker')
    expect(text(await rust.sessionRequest(node.peerId, bytes('a new session')))).toBe('a new session')
  })

  it.each(['skip', 'stray-credit', 'cancel-half'])('keeps its session for %s, which is none', async (what) => {
    const [rust, node] = await startPair()
    answer(node)
    await rust.dial(node.addresses[0]!)
    expect(text(await rust.sessionRequest(node.peerId, bytes('before')))).toBe('before')
    await rust.sessionAttack(node.peerId, what)
    expect(text(await rust.sessionRequest(node.peerId, bytes('after')))).toBe('after')
    expect(await rust.sessionsOpened('asker')).toBe(1)
  })

  it('by a second session at a time has that one reset, and keeps the first', async () => {
    const [rust, node] = await startPair()
    answer(node)
    await rust.dial(node.addresses[0]!)
    expect(text(await rust.sessionRequest(node.peerId, bytes('first')))).toBe('first')
    await rust.command('sessionOpen', { peer: node.peerId })
    await rust.sessionEnded('asker')
    expect(text(await rust.sessionRequest(node.peerId, bytes('still there')))).toBe('still there')
    expect(await rust.sessionsOpened('asker')).toBe(2)
  })

  it('by opening sessions in a loop loses its connection with the ninth, and others keep theirs', async () => {
    const [[rust, node], other] = await Promise.all([startPair(), RustPeer.start('--session')])
    answer(node)
    await Promise.all([rust, other].map((peer) => peer.dial(node.addresses[0]!)))
    expect(text(await other.sessionRequest(node.peerId, bytes('before')))).toBe('before')
    const { opened, error } = await rust.command('sessionLoop', { peer: node.peerId, count: 100 })
    expect(error).toEqual(expect.any(String))
    // The ninth is negotiated before it can be counted, and on a busy machine some that follow at once.
    expect(opened).toBeGreaterThanOrEqual(8)
    expect(opened).toBeLessThan(20)
    await rust.waitFor('disconnected', (event) => event.peer === node.peerId)
    expect(text(await other.sessionRequest(node.peerId, bytes('after')))).toBe('after')
    expect(await other.told('disconnected')).toEqual([])
  })
})

describe('an answerer that breaks the protocol', () => {
  it.each([...OF_ANYBODY, ...OF_ANSWERERS])('by %s loses its session, and nobody else anything', async (what) => {
    const [[rust, node], other] = await Promise.all([
      startPair(['--answer', `attack:${what}`]),
      RustPeer.start('--session'),
    ])
    await Promise.all([node.dial(rust.address), node.dial(other.address)])
    expect(text(await node.request(other.peerId, bytes('before')))).toBe('before')

    // With LAST it was answered, before what came behind it.
    const { code } = await failure(node.request(rust.peerId, bytes('?')))
    expect(code).toBe(what === 'reply-after-last' ? 'fulfilled' : 'ConnectionLost')
    const { why } = await rust.sessionEnded('answerer')
    expect(why).not.toContain('violation')
    expect(await rust.connections()).toContain(node.peerId)
    expect(linesOf(node).filter((line) => line.includes(rust.peerId))).not.toEqual([])

    await rust.setAnswer('echo')
    expect(text(await node.request(rust.peerId, bytes('a new session')))).toBe('a new session')
    expect(await rust.sessionsOpened('answerer')).toBe(2)
    expect(text(await node.request(other.peerId, bytes('after')))).toBe('after')
    expect(await other.sessionsOpened('answerer')).toBe(1)
    expect(await rust.told('disconnected')).toEqual([])
  })

  it.each(['over-credit', 'over-credit-empty'])(
    'by %s fails the loop that had given it, and loses its session',
    async (what) => {
      const [rust, node] = await startPair(['--answer', `attack:${what}`])
      const values = node.request$(rust.address, bytes('?'))[Symbol.asyncIterator]()
      // One value is wanted: what that gives back is less than half of the credit, so none is given.
      const first = values.next()
      await rust.sessionEnded('answerer')
      const rest = (async () => {
        await first
        while ((await values.next()).done !== true);
      })()
      expect((await failure(rest)).code).toBe('ConnectionLost')
      await rust.setAnswer('echo')
      expect(text(await node.request(rust.peerId, bytes('a new session')))).toBe('a new session')
    },
  )

  it.each(['skip', 'stray-credit'])('keeps its session for %s, which is none', async (what) => {
    const [rust, node] = await startPair(['--answer', `attack:${what}`])
    expect(text(await node.request(rust.address, bytes('?')))).toBe('!')
    await rust.setAnswer('echo')
    expect(text(await node.request(rust.peerId, bytes('after')))).toBe('after')
    expect(await rust.sessionsOpened('answerer')).toBe(1)
  })

  it('again and again loses its connection in the end', async () => {
    const [rust, node] = await startPair(['--answer', 'attack:id-zero'])
    await node.dial(rust.address)
    for (let session = 1; session <= 8; session++) {
      expect((await failure(node.request(rust.peerId, bytes('?')))).code).not.toBe('fulfilled')
      await rust.sessionEnded('answerer', session)
    }
    const ninth = failure(node.request(rust.peerId, bytes('?')))
    await statusOf(node, ({ connections }) => connections.length === 0)
    expect((await ninth).code).not.toBe('fulfilled')
  })
})
