/** Requests over sessions from our node to a Rust peer whose session protocol was written from docs/session.md alone. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { firstValueFrom, take, toArray } from 'rxjs'
import { FIRST_FLIGHT } from '../../src/wire/session/format.js'
import { killProcesses } from '../support/line-process.js'
import { bytes, MiB, outcome, text } from '../support/nodes.js'
import { RustPeer } from '../support/rust-peer.js'
import { equal, failure, indexOf, numbered, payload, startNode, startPair, stopSessionNodes } from './session-nodes.js'

afterEach(() => Promise.all([stopSessionNodes(), killProcesses()]))

const SIZES = [0, 1, 16_384, 16_385, 65_537, MiB]
/** What our `for await` lets a producer send ahead. */
const STREAM_CREDIT = 65_536
const VALUE_COST = 32

describe('a request over a session from us to Rust', () => {
  it.each(SIZES)('of %i bytes comes back whole', async (size) => {
    const [rust, node] = await startPair()
    const data = payload(size)
    expect(equal(await node.request(rust.address, data), data)).toBe(true)
    expect(await rust.waitFor('sessionRequest')).toMatchObject({
      peer: node.peerId,
      bytes: size,
      one: true,
      // The rest of its credit follows while the answer comes.
      credit: FIRST_FLIGHT + VALUE_COST,
      lossy: null,
    })
    expect(await rust.told('request')).toEqual([])
  })

  it('is one of five hundred at once, over one session', async () => {
    const [rust, node] = await startPair()
    const all = Array.from({ length: 500 }, (_, index) => payload(500 + index))
    const answers = await Promise.all(all.map((data) => node.request(rust.address, data)))
    expect(answers.every((answer, index) => equal(answer, all[index]!))).toBe(true)
    expect(await rust.sessionsOpened('answerer')).toBe(1)
    expect(await rust.connections()).toEqual([node.peerId])
  })

  it('waits for no larger one', async () => {
    const [rust, node] = await startPair(['--session-grant', '1000'])
    expect(text(await node.request(rust.address, bytes('first')))).toBe('first')
    let large = false
    const transfer = node.request(rust.peerId, payload(MiB)).then((answer) => {
      large = true
      return answer
    })
    await rust.waitFor('sessionRequest', (event) => event.bytes === MiB)
    expect(text(await node.request(rust.peerId, bytes('small')))).toBe('small')
    expect(large).toBe(false)
    expect(equal(await transfer, payload(MiB))).toBe(true)
  })

  it('keeps to the credit that Rust gives for it, a thousand bytes at a time', async () => {
    const [rust, node] = await startPair(['--session-grant', '1000'])
    expect(equal(await node.request(rust.address, payload(200_000)), payload(200_000))).toBe(true)
  })

  it('goes on when a HELLO that comes late announces a window for all of it', async () => {
    const [rust, node] = await startPair(['--session-window', String(4 * MiB)])
    expect(equal(await node.request(rust.address, payload(MiB)), payload(MiB))).toBe(true)
  })

  it('waits here when as many are open as Rust allows', async () => {
    const [rust, node] = await startPair(['--session-max-open', '5', '--answer', 'slow:20'])
    // Until its HELLO has come it would be 256.
    expect(text(await node.request(rust.address, bytes('first')))).toBe('first')
    const answers = Array.from({ length: 50 }, (_, index) => node.request(rust.peerId, payload(index)))
    expect((await Promise.all(answers)).map((answer) => answer.length)).toEqual(answers.map((_, index) => index))
  })

  it('over what Rust takes is RequestTooLarge, and the next one passes', async () => {
    const [rust, node] = await startPair(['--session-max-request', '1000'])
    expect(await outcome(node.request(rust.address, payload(1_001)))).toBe('RequestTooLarge')
    expect(await outcome(node.request(rust.peerId, payload(300_000)))).toBe('RequestTooLarge')
    expect(await node.request(rust.peerId, payload(1_000))).toEqual(payload(1_000))
    expect(await rust.sessionsOpened('answerer')).toBe(1)
  })

  it('whose answer is over our limit is ResponseTooLarge, Rust is told to stop, and the next one passes', async () => {
    const [rust, node] = await startPair(['--answer', `size:${MiB + 1}`])
    expect(await outcome(node.request(rust.address, bytes('much?')))).toBe('ResponseTooLarge')
    await rust.waitFor('sessionCancelled')
    await rust.setAnswer(`size:${MiB}`)
    expect(await node.request(rust.peerId, bytes('less?'))).toHaveLength(MiB)
    expect(await rust.sessionsOpened('answerer')).toBe(1)
  })

  it('that is aborted is cancelled at Rust', async () => {
    const [rust, node] = await startPair(['--answer', 'none'])
    const controller = new AbortController()
    const aborted = outcome(node.request(rust.address, bytes('?'), { signal: controller.signal }))
    const { request } = await rust.waitFor('sessionRequest')
    controller.abort()
    expect(await aborted).toBe('Aborted')
    expect(await rust.waitFor('sessionCancelled')).toMatchObject({ request, values: 0 })
    await rust.setAnswer('echo')
    expect(text(await node.request(rust.peerId, bytes('after')))).toBe('after')
    expect(await rust.sessionsOpened('answerer')).toBe(1)
  })

  it('tells Rust how long it still waits, and is RequestTimeout then', async () => {
    const [rust, node] = await startPair(['--answer', 'none'])
    await node.dial(rust.address)
    const late = outcome(node.request(rust.peerId, bytes('?'), { timeout: 400 }))
    const { timeout } = await rust.waitFor('sessionRequest')
    expect(timeout).toBeGreaterThan(0)
    expect(timeout).toBeLessThanOrEqual(400)
    expect(await late).toBe('RequestTimeout')
    await rust.setAnswer('echo')
    expect(text(await node.request(rust.peerId, bytes('after')))).toBe('after')
  })

  it('that Rust answers late is answered all the same', async () => {
    const [rust, node] = await startPair(['--answer', 'slow:200'])
    expect(text(await node.request(rust.address, bytes('slow')))).toBe('slow')
  })

  it('that Rust fails has its code, its message and when to try again', async () => {
    const [rust, node] = await startPair(['--answer', 'fail:Rejected:0:not: today'])
    const ask = () => failure(node.request(rust.address, bytes('?')))
    expect(await ask()).toMatchObject({ code: 'RequestRejected', message: expect.stringContaining('not: today') })
    await rust.setAnswer('fail:Overloaded:1500:busy')
    expect(await ask()).toMatchObject({ code: 'Overloaded', retryAfterMs: 1_500 })
    await rust.setAnswer('fail:TooLarge:0:no')
    expect(await ask()).toMatchObject({ code: 'RequestTooLarge' })
    await rust.setAnswer('fail:Timeout:0:nobody')
    expect(await ask()).toMatchObject({ code: 'RequestTimeout' })
    await rust.setAnswer('fail:Teapot:0:short and stout')
    expect(await ask()).toMatchObject({
      code: 'RequestRejected',
      remoteCode: 'Teapot',
      message: expect.stringContaining('short and stout'),
    })
    expect(await rust.sessionsOpened('answerer')).toBe(1)
  })

  it('that Rust answers with no value at all is rejected', async () => {
    const [rust, node] = await startPair(['--answer', 'values:0:4'])
    expect(await outcome(node.request(rust.address, bytes('?')))).toBe('RequestRejected')
  })

  it('takes the first of many values', async () => {
    const [rust, node] = await startPair(['--answer', 'values:5:4'])
    expect(indexOf(await node.request(rust.address, bytes('?')))).toBe(0)
  })

  it('ends with ConnectionLost when Rust is killed before it answers', async () => {
    const [rust, node] = await startPair(['--answer', 'none'])
    const lost = outcome(node.request(rust.address, bytes('?')))
    await rust.waitFor('sessionRequest')
    await rust.kill()
    expect(await lost).toBe('ConnectionLost')
  })
})

describe('a stream of values from Rust', () => {
  it.each(['values:100:1000', 'values-end:100:1000', 'values:7:100000', 'values-end:3:1000000'])(
    'of %s comes whole and in order, to a loop and to a subscriber',
    async (answer) => {
      const [rust, node] = await startPair(['--answer', answer])
      const [, count, size] = answer.split(':').map(Number) as [number, number, number]
      const looped: Uint8Array[] = []
      for await (const value of node.request$(rust.address, bytes('go'))) looped.push(value)
      const subscribed = await firstValueFrom(node.request$(rust.peerId, bytes('go')).pipe(toArray()))
      for (const values of [looped, subscribed]) {
        expect(values.map(indexOf)).toEqual(Array.from({ length: count }, (_, index) => index))
        expect(values.every((value, index) => equal(value, numbered(index, size)))).toBe(true)
      }
    },
  )

  it('may be empty', async () => {
    const [rust, node] = await startPair(['--answer', 'values:0:4'])
    expect(await firstValueFrom(node.request$(rust.address, bytes('go')).pipe(toArray()))).toEqual([])
  })

  it.each([
    ['after three values', 'fail-after:3:Broken', 3],
    ['in the middle of a value', 'fail-inside:100000', 0],
  ])('may fail %s', async (_, answer, count) => {
    const [rust, node] = await startPair(['--answer', answer])
    const values: number[] = []
    const reading = (async () => {
      for await (const value of node.request$(rust.address, bytes('go'))) values.push(indexOf(value))
    })()
    expect(await failure(reading)).toMatchObject({ code: 'RequestRejected', remoteCode: 'Broken' })
    expect(values).toHaveLength(count)
  })

  it('stops when its credit is used up, and goes on when values are taken', async () => {
    const size = 1_000
    const most = Math.ceil(STREAM_CREDIT / (size + VALUE_COST))
    const [rust, node] = await startPair(['--answer', `endless:${size}`])
    const values = node.request$(rust.address, bytes('go'))[Symbol.asyncIterator]()
    const first = await values.next()
    expect(first).toMatchObject({ done: false, value: numbered(0, size) })
    const { values: ahead } = await rust.waitFor('sessionStarved')
    expect(ahead).toBeGreaterThanOrEqual(most - 2)
    expect(ahead).toBeLessThanOrEqual(most + 1)
    for (let index = 1; index < 1_000; index++) {
      const next = await values.next()
      expect(next.done !== true && equal(next.value, numbered(index, size))).toBe(true)
    }
    // It is never further ahead of what was taken than at the beginning.
    await values.return!()
    const { values: last } = await rust.waitFor('sessionCancelled')
    expect(last).toBeGreaterThanOrEqual(1_000)
    expect(last).toBeLessThanOrEqual(1_000 + most + 1)
  })

  it('runs for a subscriber as long as it likes, and ends when it unsubscribes', async () => {
    const [rust, node] = await startPair(['--answer', 'endless:1000'])
    const values = await firstValueFrom(node.request$(rust.address, bytes('go')).pipe(take(2_000), toArray()))
    expect(indexOf(values[1_999]!)).toBe(1_999)
    await rust.waitFor('sessionCancelled')
    await rust.setAnswer('echo')
    expect(text(await node.request(rust.peerId, bytes('after')))).toBe('after')
  })

  it('says what may be dropped', async () => {
    const [rust, node] = await startPair(['--answer', 'values:1:4'])
    const streams = [
      node.request$(rust.address, bytes('a'), { buffer: 5, onOverflow: 'conflate' }),
      node.request$(rust.address, bytes('bc'), { buffer: 6, onOverflow: 'dropOldest' }),
    ]
    for (const stream of streams) expect(await firstValueFrom(stream.pipe(toArray()))).toHaveLength(1)
    const asked = (size: number) => rust.waitFor('sessionRequest', (event) => event.bytes === size)
    expect((await asked(1)).lossy).toMatchObject({ policy: 2 })
    expect((await asked(2)).lossy).toEqual({ policy: 1, buffer: 6 })
  })
})

describe('a peer without sessions', () => {
  it('is asked by version 1, for one value and for a stream', async () => {
    const [rust, node] = await Promise.all([RustPeer.start(), startNode()])
    expect(text(await node.request(rust.address, bytes('stranger')))).toBe('stranger')
    await rust.waitFor('identified')
    const stream = node.request$(rust.peerId, bytes('known'))
    expect((await firstValueFrom(stream.pipe(toArray()))).map(text)).toEqual(['known'])
    for (const size of [8, 5]) await rust.waitFor('request', (event) => event.bytes === size)
  })

  it('asks us by version 1, while another one has a session', async () => {
    const [[rust, node], plain] = await Promise.all([startPair(), RustPeer.start()])
    node.setEventHandler({ handleInboundRequest: (data) => data })
    await rust.dial(node.addresses[0]!)
    expect(text(await plain.request(node.addresses[0]!, bytes('one')))).toBe('one')
    expect(text(await rust.sessionRequest(node.peerId, bytes('two')))).toBe('two')
    expect(text(await rust.request(node.peerId, bytes('three')))).toBe('three')
  })
})
