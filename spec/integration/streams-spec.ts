/** Streams of values between nodes on real sockets: teardown both ways, backpressure end to end, relays, typed protocols. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { firstValueFrom, lastValueFrom, map, Observable, of, Subject, take, takeWhile, timer, toArray } from 'rxjs'
import {
  createNode,
  defineProtocol,
  json,
  nothing,
  stream,
  unary,
  type P2pError,
  type P2pNode,
  type Reply,
} from 'tinyp2p'
import { valueCost } from '../../src/core/requests/values.js'
import { VALUES_WINDOW } from '../../src/core/requests/session/asker/calls.js'
import { bytes, LOOPBACK, next, pending, stateOf, text, within } from '../support/nodes.js'
import { drained, turn } from '../support/promises.js'

const nodes: P2pNode[] = []

async function startNode(): Promise<P2pNode> {
  const node = await createNode({ listen: LOOPBACK })
  nodes.push(node)
  return node
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

/** Two nodes that are connected; Bob answers with what is made anew for each request. */
async function pair(
  reply: (data: Uint8Array, signal: AbortSignal) => Reply,
): Promise<{ alice: P2pNode; bob: P2pNode }> {
  const [alice, bob] = [await startNode(), await startNode()]
  bob.setEventHandler({ handleInboundRequest: (data, { signal }) => reply(data, signal) })
  await alice.dial(bob.addresses[0]!)
  return { alice, bob }
}

/** Something that tells when it has happened. */
function event(): { happened: Promise<void>; happen: () => void } {
  const subject = new Subject<void>()
  const happened = within(8_000, firstValueFrom(subject), 'the teardown')
  return { happened, happen: () => subject.next() }
}

describe('a stream of values', () => {
  it('arrives in order and whole, whatever the sizes, by a subscriber and by a loop', async () => {
    const sizes = [0, 1, 100, 16_384, 16_385, 70_000, 1_000_000, 3]
    const { alice, bob } = await pair(async function* () {
      for (const size of sizes) yield new Uint8Array(size).fill(size % 251)
    })
    const looped = await drained(alice.request$(bob.peerId, bytes('?')))
    expect(looped.map(({ length }) => length)).toEqual(sizes)
    const values = await lastValueFrom(alice.request$(bob.peerId, bytes('?')).pipe(toArray()))
    expect(values.every((value) => value.every((byte) => byte === value.length % 251))).toBe(true)
    expect(values.map(({ length }) => length)).toEqual(sizes)
  })

  it('runs the handler’s teardown when the other side unsubscribes', async () => {
    const torn = event()
    const { alice, bob } = await pair(
      () =>
        new Observable<Uint8Array>((subscriber) => {
          subscriber.next(bytes('first'))
          return torn.happen
        }),
    )
    const subscription = alice.request$(bob.peerId, bytes('?')).subscribe((value) => {
      expect(text(value)).toBe('first')
      subscription.unsubscribe()
    })
    await torn.happened
  })

  it('runs the handler’s `finally`, and fires its signal, when the other side leaves the loop', async () => {
    const [torn, fired] = [event(), event()]
    const { alice, bob } = await pair(async function* (data, signal) {
      signal.addEventListener('abort', fired.happen)
      try {
        for (;;) yield data
      } finally {
        torn.happen()
      }
    })
    let seen = 0
    for await (const value of alice.request$(bob.peerId, bytes('!'))) {
      expect(text(value)).toBe('!')
      if (++seen === 1_000) break
    }
    await Promise.all([torn.happened, fired.happened])
  })

  it('runs the teardown when the asker stops', async () => {
    const torn = event()
    const { alice, bob } = await pair(() => new Observable<Uint8Array>(() => torn.happen))
    const failing = lastValueFrom(alice.request$(bob.peerId, bytes('?'))).catch((error: P2pError) => error.code)
    await next(bob.status$, ({ connections }) => connections.length === 1)
    await next(timer(0, 10), () => pending(stateOf(bob))['exchanges'] === 1)
    await alice.stop()
    await torn.happened
    expect(await failing).toBe('NodeStopped')
  })

  it('fails with ConnectionLost when the answerer goes away in its middle, after what had arrived', async () => {
    const { alice, bob } = await pair(() => new Observable<Uint8Array>((subscriber) => subscriber.next(bytes('a'))))
    const seen: string[] = []
    const codes: string[] = []
    try {
      for await (const value of alice.request$(bob.peerId, bytes('?'))) {
        seen.push(text(value))
        void bob.stop()
      }
    } catch (error) {
      codes.push((error as P2pError).code)
    }
    expect(seen).toEqual(['a'])
    // A node that stops in good order may still say so.
    expect(['ConnectionLost', 'RequestRejected']).toContain(codes[0])
  })

  it('is produced no faster than it is pulled: memory stays flat on both sides', async () => {
    const size = 8_192
    let made = 0
    const { alice, bob } = await pair(async function* () {
      for (;;) {
        made++
        yield new Uint8Array(size)
      }
    })
    const ahead = 2 * Math.ceil(VALUES_WINDOW / valueCost(size))
    const iterator = alice.request$(bob.peerId, bytes('?'))[Symbol.asyncIterator]()
    for (let pulled = 1; pulled <= 200; pulled++) {
      await within(5_000, iterator.next(), `value ${pulled}`)
      // Whatever is ready on either side runs, and still nothing more is made.
      if (pulled % 20 === 0) await turn()
      expect(made).toBeLessThanOrEqual(pulled + ahead)
    }
    await iterator.return!()
    await next(timer(0, 10), () => pending(stateOf(bob))['exchanges'] === 0)
    const after = made
    await next(alice.request$(bob.peerId, bytes('?')))
    expect(made).toBeLessThanOrEqual(after + 1 + ahead)
  })

  it('goes through a node in the middle, and so does its end', async () => {
    const torn = event()
    const { alice, bob } = await pair(async function* () {
      try {
        for (let i = 0; ; i++) yield bytes(`${i}`)
      } finally {
        torn.happen()
      }
    })
    const relay = await startNode()
    relay.setEventHandler({ handleInboundRequest: (data) => relay.request$(bob.addresses[0]!, data) })
    const values = await lastValueFrom(alice.request$(relay.addresses[0]!, bytes('?')).pipe(take(50), toArray()))
    expect(values.map(text)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
    await torn.happened
  })

  it('of an Observable comes as it is made, and ends as it ends', async () => {
    const { alice, bob } = await pair(() =>
      timer(0, 5).pipe(
        takeWhile((i) => i < 10),
        map((i) => bytes(`${i}`)),
      ),
    )
    const values = await lastValueFrom(alice.request$(bob.peerId, bytes('?')).pipe(toArray()))
    expect(values.map(text)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })
})

describe('a refusal', () => {
  it('reaches the asker with its code, its message and its time', async () => {
    const { alice, bob } = await pair(() => {
      throw Object.assign(new Error('no such block: höher'), { expose: true, code: 'NotFound' })
    })
    await expect(alice.request(bob.peerId, bytes('?'))).rejects.toMatchObject({
      code: 'RequestRejected',
      remoteCode: 'NotFound',
      message: expect.stringContaining('no such block: höher'),
    })
    const busy = await startNode()
    busy.requests$.subscribe((request) => request.reject({ code: 'Overloaded', retryAfterMs: 1_500 }))
    await expect(alice.request(busy.addresses[0]!, bytes('?'))).rejects.toMatchObject({
      code: 'Overloaded',
      retryAfterMs: 1_500,
    })
  })
})

describe('several peers', () => {
  it('race, and the loser’s handler hears of it', async () => {
    const lost = event()
    const { alice, bob } = await pair((_data, signal) => {
      signal.addEventListener('abort', lost.happen)
      return new Promise<Uint8Array>(() => {})
    })
    const carol = await startNode()
    carol.setEventHandler({ handleInboundRequest: () => bytes('carol') })
    const { peer, value } = await alice.requestAny([bob.peerId, carol.addresses[0]!], bytes('?'), { hedgeAfter: 50 })
    expect([peer, text(value)]).toEqual([carol.addresses[0], 'carol'])
    await lost.happened
    const nobody = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
    const all = await lastValueFrom(alice.requestAll([carol.peerId, nobody], bytes('?')).pipe(toArray()))
    expect(all.map((one) => ('value' in one ? text(one.value) : one.error.code)).sort()).toEqual(['DialError', 'carol'])
  })
})

describe('a protocol', () => {
  it('carries values, streams and refusals with types', async () => {
    const chain = defineProtocol({
      name: 'chain',
      codecs: { block: json<{ height: number }>() },
      methods: { tip: unary(nothing, 'block'), since: stream(json<number>(), 'block') },
    })
    const [alice, bob] = [await startNode(), await startNode()]
    chain.serve(bob, {
      tip: () => ({ height: 7 }),
      since: (height) => of({ height }, { height: height + 1 }),
    })
    const remote = chain.client(alice).peer(bob.addresses[0]!)
    expect(await remote.tip()).toEqual({ height: 7 })
    const heights: number[] = []
    for await (const { height } of remote.since(3)) heights.push(height)
    expect(heights).toEqual([3, 4])
  })
})
