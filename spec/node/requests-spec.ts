/** Streams and fan-out between nodes, in the simulated network. */
import { describe, expect, it } from '@jest/globals'
import { concat, firstValueFrom, from, interval, lastValueFrom, map, NEVER, Observable, of, take, toArray } from 'rxjs'
import type { NodeConfig, P2pError, P2pNode, Reply } from 'tinyp2p'
import { simulate, type SimulatedNetwork } from 'tinyp2p/testing'
import { valueCost } from '../../src/core/requests/values.js'
import { VALUES_WINDOW } from '../../src/core/requests/session/asker/calls.js'
import { bytes, text } from '../support/bytes.js'
import { drained, failure } from '../support/promises.js'
import { simulatedPair, type SimulatedPair } from '../support/simulated-pair.js'

const texts = async (values: AsyncIterable<Uint8Array>): Promise<string[]> => (await drained(values)).map(text)

/** Bob answers with what is made anew for each request. */
async function pair(
  reply: (data: Uint8Array, signal: AbortSignal) => Reply,
  config?: NodeConfig,
): Promise<SimulatedPair> {
  const nodes = await simulatedPair(config)
  nodes.bob.setEventHandler({ handleInboundRequest: (data, context) => reply(data, context.signal) })
  return nodes
}

async function* counting(amount: number, size = 1): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < amount; i++) yield new Uint8Array(size).fill(i)
}

describe('replies', () => {
  const kinds: [string, () => Reply, string[]][] = [
    ['bytes', () => bytes('one'), ['one']],
    ['a promise', async () => bytes('one'), ['one']],
    ['an AsyncIterable', async function* () { yield bytes('a'); yield bytes(''); yield bytes('c') }, ['a', '', 'c']],
    ['an Observable', () => of(bytes('a'), bytes(''), bytes('c')), ['a', '', 'c']],
    ['a promise of an Observable', async () => of(bytes('a')), ['a']],
    ['nothing at all', () => of(), []],
  ] // prettier-ignore

  it.each(kinds)('reach a subscriber and a loop alike: %s', async (_what, reply, values) => {
    const { net, alice, bob } = await pair(reply)
    const replies = alice.request$(bob.peerId, bytes('?'))
    expect((await net.until(lastValueFrom(replies.pipe(toArray())))).map(text)).toEqual(values)
    expect(await net.until(texts(replies))).toEqual(values)
  })

  it('of a value larger than the window come whole', async () => {
    const { net, alice, bob } = await pair(() => counting(3, 300_000))
    const sizes: number[] = []
    await net.until((async () => {
      for await (const value of alice.request$(bob.peerId, bytes('?'))) sizes.push(value.length)
    })()) // prettier-ignore
    expect(sizes).toEqual([300_000, 300_000, 300_000])
  })

  it('are one value for `request`, and the producer is told', async () => {
    let torn = 0
    const endless$ = new Observable<Uint8Array>((subscriber) => {
      subscriber.next(bytes('first'))
      return () => torn++
    })
    const { net, alice, bob } = await pair(() => endless$)
    expect(text(await net.until(alice.request(bob.peerId, bytes('?'))))).toBe('first')
    await net.run(1_000)
    expect(torn).toBe(1)
  })

  it('that are left end their producer on the other side: by unsubscribing, by leaving the loop, by a signal', async () => {
    const torn: string[] = []
    const { net, alice, bob } = await pair((data, signal) => {
      const who = text(data)
      signal.addEventListener('abort', () => torn.push(`${who} signal`))
      return (async function* () {
        try {
          for (;;) yield data
        } finally {
          torn.push(`${who} finally`)
        }
      })()
    })
    await net.until(firstValueFrom(alice.request$(bob.peerId, bytes('subscriber'))))
    await net.until((async () => {
      for await (const value of alice.request$(bob.peerId, bytes('loop'))) if (value.length > 0) break
    })()) // prettier-ignore
    const controller = new AbortController()
    const aborted = failure(texts(alice.request$(bob.peerId, bytes('abort'), { signal: controller.signal })))
    await net.run(500)
    controller.abort()
    expect((await net.until(aborted)).code).toBe('Aborted')
    await net.run(1_000)
    const all = ['subscriber', 'loop', 'abort'].flatMap((who) => [`${who} signal`, `${who} finally`])
    expect(torn.sort()).toEqual(all.sort())
  })

  it('that nobody pulls are not produced beyond the window', async () => {
    let made = 0
    const size = 1_000
    const { net, alice, bob } = await pair(async function* () {
      for (;;) {
        made++
        yield new Uint8Array(size)
      }
    })
    const iterator = alice.request$(bob.peerId, bytes('?'))[Symbol.asyncIterator]()
    await net.until(iterator.next())
    await net.run(5_000)
    const ahead = made
    expect(ahead).toBeLessThanOrEqual(2 * Math.ceil(VALUES_WINDOW / valueCost(size)))
    for (let i = 0; i < 500; i++) {
      await net.until(iterator.next())
      expect(made).toBeLessThanOrEqual(i + 2 + ahead)
    }
    expect(made).toBeGreaterThan(500)
    await iterator.return!()
  })

  it('may come for longer than the timeout, which is for the first value', async () => {
    const { net, alice, bob } = await pair(() =>
      interval(300, net.scheduler).pipe(
        take(10),
        map((i) => bytes(`${i}`)),
      ),
    )
    const replies = alice.request$(bob.peerId, bytes('?'), { timeout: 1_000 })
    expect(await net.until(lastValueFrom(replies.pipe(toArray())))).toHaveLength(10)
    const none = await pair(() => NEVER)
    const waiting = lastValueFrom(none.alice.request$(none.bob.peerId, bytes('?'), { timeout: 1_000 }))
    expect((await none.net.until(failure(waiting))).code).toBe('RequestTimeout')
  })

  it('keep what came before they fail, and say why as far as they may', async () => {
    const reasons: [Error, string | undefined][] = [
      [new Error('secret'), undefined],
      [Object.assign(new Error('gone'), { expose: true, code: 'Gone' }), 'Gone'],
    ]
    for (const [reason, remoteCode] of reasons) {
      const { net, alice, bob } = await pair(() =>
        concat(of(bytes('a')), new Observable<Uint8Array>((subscriber) => subscriber.error(reason))),
      )
      const seen: string[] = []
      const failing = failure(
        (async () => {
          for await (const value of alice.request$(bob.peerId, bytes('?'))) seen.push(text(value))
        })(),
      )
      const error = await net.until(failing)
      expect([error.code, error.remoteCode, error.message.includes('secret')]).toEqual([
        'RequestRejected',
        remoteCode,
        false,
      ])
      expect(seen).toEqual(['a'])
    }
  })

  it('are refused with a code, a message and a time', async () => {
    const net = simulate()
    const [alice, bob] = [await net.createNode(), await net.createNode()]
    bob.requests$.subscribe((request) => {
      if (text(request.data) === 'busy') request.reject({ code: 'Overloaded', message: 'not now', retryAfterMs: 250 })
      else request.reject({ code: 'NoSuchBlock', message: 'there is no block 7', retryAfterMs: 500 })
    })
    const [address] = bob.addresses as [string]
    const missing = await net.until(failure(alice.request(address, bytes('block 7'))))
    expect(missing).toMatchObject({ code: 'RequestRejected', remoteCode: 'NoSuchBlock', retryAfterMs: 500 })
    expect(missing.message).toContain('there is no block 7')
    const busy = await net.until(failure(alice.request(address, bytes('busy'))))
    expect(busy).toMatchObject({ code: 'Overloaded', retryAfterMs: 250 })
  })

  it('are relayed by a node in the middle, with its asker’s credit', async () => {
    let made = 0
    const { net, alice, bob } = await pair(async function* () {
      for (;;) {
        made++
        yield new Uint8Array(1_000)
      }
    })
    const relay = await net.createNode({ bootNodes: bob.addresses })
    relay.setEventHandler({ handleInboundRequest: (data) => relay.request$(bob.peerId, data) })
    await net.run(1_000)
    const iterator = alice.request$(relay.addresses[0]!, bytes('?'))[Symbol.asyncIterator]()
    await net.until(iterator.next())
    await net.run(5_000)
    expect(made).toBeLessThanOrEqual(4 * Math.ceil(VALUES_WINDOW / valueCost(1_000)))
    await iterator.return!()
    const atLast = made
    await net.run(5_000)
    expect(made).toBeLessThanOrEqual(atLast + 1)
  })

  it('end with `NodeStopped` when the node stops', async () => {
    const { net, alice, bob } = await pair(() => concat(of(bytes('a')), NEVER))
    const replies = texts(alice.request$(bob.peerId, bytes('?')))
    const code = failure(replies)
    await net.run(1_000)
    await net.until(alice.stop())
    expect((await net.until(code)).code).toBe('NodeStopped')
  })

  it('that come faster than they can be taken, from a producer that cannot wait, obey the policy', async () => {
    // Far more than the window and the other side's buffer hold, in one instant.
    const flood = (): Reply => from(Array.from({ length: 3_000 }, (_, i) => bytes(String(i).padStart(1_000, '0'))))
    const last = async (options: object): Promise<{ seen: number[]; error: string }> => {
      const { net, alice, bob } = await pair(flood)
      const seen: number[] = []
      let error = 'none'
      const iterator = alice.request$(bob.peerId, bytes('?'), options)[Symbol.asyncIterator]()
      await net.until(
        (async () => {
          try {
            for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
              seen.push(Number(text(step.value)))
            }
          } catch (thrown) {
            error = (thrown as P2pError).code
          }
        })(),
      )
      return { seen, error }
    }
    const strict = await last({ buffer: 10 })
    expect(strict.error).toBe('Overloaded')
    const newest = await last({ buffer: 10, onOverflow: 'dropOldest' })
    expect(newest.error).toBe('none')
    expect(newest.seen.at(-1)).toBe(2_999)
    expect(newest.seen.length).toBeLessThan(1_000)
    const conflated = await last({ onOverflow: 'conflate' })
    expect(conflated.seen.at(-1)).toBe(2_999)
    for (const { seen } of [newest, conflated]) expect([...seen].sort((a, b) => a - b)).toEqual(seen)
  })
})

describe('several peers', () => {
  async function answering(net: SimulatedNetwork, delays: (number | 'never' | 'no')[]): Promise<{ alice: P2pNode; peers: string[]; gaveUp: string[] }> {
    const gaveUp: string[] = []
    const peers: string[] = []
    const alice = await net.createNode()
    for (const [i, delay] of delays.entries()) {
      const node = await net.createNode()
      node.requests$.subscribe((request) => {
        request.signal.addEventListener('abort', () => gaveUp.push(`${i}`))
        if (delay === 'no') request.reject('no')
        else if (delay !== 'never') request.respond(firstValueFrom(interval(delay, net.scheduler).pipe(map(() => bytes(`${i}`)))))
      })
      peers.push(node.addresses[0]!)
    }
    return { alice, peers, gaveUp }
  } // prettier-ignore

  it('race for `requestAny`, and the losers hear that they have lost', async () => {
    const net = simulate()
    const { alice, peers, gaveUp } = await answering(net, [700, 300, 'no', 'never'])
    const { peer, value } = await net.until(alice.requestAny(peers, bytes('?')))
    expect([peers.indexOf(peer), text(value)]).toEqual([1, '1'])
    await net.run(200)
    expect(gaveUp.sort()).toEqual(['0', '3'])
  })

  it('are asked one after the other where `hedgeAfter` says so', async () => {
    const net = simulate()
    const { alice, peers, gaveUp } = await answering(net, [1_000, 100, 100])
    const begin = net.now
    const { value } = await net.until(alice.requestAny(peers, bytes('?'), { hedgeAfter: 400 }))
    expect(text(value)).toBe('1')
    expect(net.now - begin).toBeGreaterThanOrEqual(500)
    expect(net.now - begin).toBeLessThan(800)
    await net.run(100)
    expect(gaveUp).toEqual(['0'])
  })

  it('fail together for `requestAny`', async () => {
    const net = simulate()
    const { alice, peers } = await answering(net, ['no', 'no'])
    const error = await net.until(failure(alice.requestAny(peers, bytes('?'))))
    expect(error.code).toBe('RequestRejected')
    expect((error.cause as AggregateError).errors).toHaveLength(2)
    expect((await net.until(failure(alice.requestAny([], bytes('?'))))).code).toBe('InvalidConfig')
  })

  it('all answer for `requestAll`, each with its value or its error', async () => {
    const net = simulate()
    const { alice, peers } = await answering(net, [500, 'no', 200, 'never'])
    const results = await net.until(
      lastValueFrom(alice.requestAll(peers, bytes('?'), { timeout: 2_000, concurrency: 4 }).pipe(toArray())),
    )
    const told = results.map((result) => {
      return `${peers.indexOf(result.peer)} ${'value' in result ? text(result.value) : result.error.code}`
    })
    expect(told).toEqual(['1 RequestRejected', '2 2', '0 0', '3 RequestTimeout'])
  })

  it('hear that `requestAll` was unsubscribed', async () => {
    const net = simulate()
    const { alice, peers, gaveUp } = await answering(net, ['never', 'never'])
    const subscription = alice.requestAll(peers, bytes('?')).subscribe()
    await net.run(500)
    subscription.unsubscribe()
    await net.run(500)
    expect(gaveUp.sort()).toEqual(['0', '1'])
  })
})
