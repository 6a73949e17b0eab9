/** Protocols between nodes, in the simulated network. */
import { describe, expect, it } from '@jest/globals'
import {
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  NEVER,
  Subject,
  take,
  toArray,
  type Observable,
} from 'rxjs'
import {
  bytes, defineProtocol, json, nothing, stream, unary, utf8, type Codec, type Handlers, type P2pNode, type Protocol,
} from 'tinyp2p' // prettier-ignore
import { simulate } from 'tinyp2p/testing'
import { encodeCall } from '../../src/wire/call.js'
import { drained, failure } from '../support/promises.js'
import { simulatedPair, type SimulatedPair } from '../support/simulated-pair.js'
import { blockSchema, dateSchema, laterSchema, type Block } from '../support/schemas.js'

const chain = defineProtocol({
  name: 'chain',
  codecs: { block: blockSchema, height: json<number>() },
  methods: {
    tip: unary(nothing, 'block'),
    at: unary('height', 'block'),
    upper: unary(utf8, utf8),
    raw: unary(bytes, bytes),
    nextDay: unary(dateSchema, dateSchema),
    later: unary(laterSchema, laterSchema),
    since: stream('height', 'block'),
    ticks: stream(nothing, 'height'),
    echoes: stream(laterSchema, laterSchema),
  },
  topics: { mined: 'block', said: utf8, slow: laterSchema },
})

type ChainHandlers = typeof chain extends Protocol<infer Methods, unknown> ? Handlers<Methods> : never

const block = (height: number): Block => ({ height, text: `block ${height}` })

const handlers: ChainHandlers = {
  tip: () => block(9),
  at: async (height) => block(height),
  upper: (text, { from: asker }) => `${text.toUpperCase()} ${asker.length > 10 ? 'known' : 'unknown'}`,
  raw: (data) => data.slice().reverse(),
  nextDay: (date) => new Date(date.getTime() + 86_400_000).toISOString(),
  later: (text) => text,
  since: async function* (height) {
    for (let at = height; at < height + 3; at++) yield block(at)
  },
  ticks: () => from([1, 2, 3]),
  echoes: async (text) => from([text, text]),
}

interface Pair extends SimulatedPair {
  /** Bob's methods, for Alice. */
  methods: ReturnType<ReturnType<typeof chain.client>['peer']>
}

async function pair(own: Partial<ChainHandlers> = {}): Promise<Pair> {
  const nodes = await simulatedPair()
  chain.serve(nodes.bob, { ...handlers, ...own })
  return { ...nodes, methods: chain.client(nodes.alice).peer(nodes.bob.peerId) }
}

describe('a method', () => {
  it('takes and gives values, by whatever codec', async () => {
    const { net, methods } = await pair()
    expect(await net.until(methods.tip())).toEqual(block(9))
    expect(await net.until(methods.at(4))).toEqual(block(4))
    expect(await net.until(methods.upper('grüße'))).toBe('GRÜSSE known')
    expect(await net.until(methods.raw(Uint8Array.of(1, 2, 3)))).toEqual(Uint8Array.of(3, 2, 1))
    expect(await net.until(methods.nextDay('2026-11-24'))).toEqual(new Date('2026-11-25'))
    expect(await net.until(methods.later('soon'))).toBe('soon')
  })

  it('gives a stream of values to a subscriber and to a loop', async () => {
    const { net, methods } = await pair()
    const blocks = [block(5), block(6), block(7)]
    expect(await net.until(drained(methods.since(5)))).toEqual(blocks)
    expect(await net.until(lastValueFrom(methods.since(5).pipe(toArray())))).toEqual(blocks)
    expect(await net.until(drained(methods.ticks()))).toEqual([1, 2, 3])
    for (const echoes of [
      () => drained(methods.echoes('x')),
      () => lastValueFrom(methods.echoes('x').pipe(toArray())),
    ]) {
      expect(await net.until(echoes())).toEqual(['x', 'x'])
    }
  })

  it('that is a stream ends on both sides when it is left', async () => {
    const torn: string[] = []
    const { net, methods } = await pair({
      since: async function* (height) {
        try {
          for (let at = height; ; at++) yield block(at)
        } finally {
          torn.push('generator')
        }
      },
      // Its generator hangs, and its iterator's `return` is called all the same.
      ticks: () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: async () => {
            torn.push('iterator')
            return { done: true as const, value: undefined }
          },
        }),
      }),
    })
    await net.until(lastValueFrom(methods.since(1).pipe(take(2))))
    await net.until((async () => {
      for await (const { height } of methods.since(1)) if (height === 3) break
    })()) // prettier-ignore
    const iterator = methods.ticks()[Symbol.asyncIterator]()
    const step = iterator.next()
    await net.run(500)
    await iterator.return!()
    expect(await step).toEqual({ done: true, value: undefined })
    await net.run(500)
    expect(torn).toEqual(['generator', 'generator', 'iterator'])
  })

  it('takes the options of a request', async () => {
    const { net, methods } = await pair({ tip: () => new Promise(() => {}), ticks: () => NEVER })
    expect((await net.until(failure(methods.tip(undefined, { timeout: 300 })))).code).toBe('RequestTimeout')
    const { signal } = { signal: AbortSignal.abort() }
    expect((await net.until(failure(methods.at(1, { signal })))).code).toBe('Aborted')
    expect((await net.until(failure(drained(methods.ticks(undefined, { timeout: 300 }))))).code).toBe('RequestTimeout')
  })
})

describe('bad data', () => {
  it('of the caller is refused before anything is sent', async () => {
    const { net, bob, methods } = await pair()
    let asked = 0
    bob.requests$.subscribe(() => asked++)
    const wrong = [
      () => methods.nextDay('never'),
      () => methods.upper(7 as never),
      () => methods.later(''),
      () => methods.at(1n as never),
      () => drained(methods.echoes('')),
      () => lastValueFrom(methods.echoes('')),
      () => drained(methods.since(1n as never)),
    ]
    for (const call of wrong) {
      const error = await net.until(failure(call()))
      expect(error.code).toBe('InvalidConfig')
      expect(error.message).toMatch(/^the request of chain\/\w+ cannot be encoded: /)
    }
    await net.run(1_000)
    expect(asked).toBe(0)
  })

  it('of the asker is rejected with BadRequest, and the next call is answered', async () => {
    const { net, alice, bob, methods } = await pair()
    for (const [method, body] of [['nextDay', '"never"'], ['at', '{'], ['later', '""'], ['tip', 'x'], ['since', '{']]) {
      const frame = encodeCall(`chain/${method!}`, new TextEncoder().encode(body))
      const error = await net.until(failure(alice.request(bob.peerId, frame)))
      expect([error.code, error.remoteCode]).toEqual(['RequestRejected', 'BadRequest'])
      expect(error.message).toContain('the request cannot be decoded')
    }
    expect(await net.until(methods.at(4))).toEqual(block(4))
  }) // prettier-ignore

  it('of the answerer is an error of that call alone', async () => {
    const { net, alice, bob, methods } = await pair()
    const lies = defineProtocol({
      name: 'lies',
      methods: { tip: unary(nothing, blockSchema), since: stream(nothing, blockSchema) },
    })
    const loose = defineProtocol({ name: 'lies', methods: { tip: unary(nothing, utf8), since: stream(nothing, utf8) } })
    loose.serve(bob, { tip: () => '{"height":"4"}', since: () => from(['{"height":1,"text":"ok"}', '{']) })
    const liar = lies.client(alice).peer(bob.peerId)
    const error = await net.until(failure(liar.tip()))
    expect([error.code, error.remoteCode]).toEqual(['InvalidResponse', undefined])
    expect(error.message).toContain('answered lies/tip with what cannot be decoded: height: expected a number')
    expect((error.cause as Error).name).toBe('TypeError')
    const seen: Block[] = []
    const looping = (async () => {
      for await (const one of liar.since()) seen.push(one)
    })()
    expect((await net.until(failure(looping))).code).toBe('InvalidResponse')
    expect(seen).toEqual([{ height: 1, text: 'ok' }])
    expect((await net.until(failure(lastValueFrom(liar.since())))).code).toBe('InvalidResponse')
    expect(await net.until(methods.tip())).toEqual(block(9))
  })

  it('of our own handler stays in our log', async () => {
    const logged: string[] = []
    const net = simulate()
    const bob = await net.createNode({ logger: ({ level, cause }) => logged.push(`${level} ${String(cause)}`) })
    const alice = await net.createNode()
    chain.serve(bob, { ...handlers, tip: () => ({ height: 'high' }) as never, since: () => 7 as never })
    const methods = chain.client(alice).peer(bob.addresses[0]!)
    for (const call of [methods.tip(), lastValueFrom(methods.since(1))]) {
      const error = await net.until(failure(call))
      expect([error.code, error.remoteCode, error.message.includes('expected')]).toEqual(['RequestRejected', undefined, false])
    }
    const errors = logged.filter((line) => line.startsWith('error'))
    expect(errors.map((line) => line.includes('expected a number') || line.includes('not 7'))).toEqual([true, true])
  }) // prettier-ignore

  it('on a topic is left out and counted, and the observable goes on', async () => {
    const net = simulate()
    const alice = await net.createNode()
    const bob = await net.createNode({ bootNodes: alice.addresses })
    const client = chain.client(bob)
    const heard: unknown[] = []
    for (const topic of ['mined', 'slow'] as const) client.broadcasts$(topic).subscribe((one) => heard.push(one))
    alice.broadcasts$('chain/mined').subscribe()
    alice.broadcasts$('chain/slow').subscribe()
    await net.run(10_000)
    await net.until(alice.broadcast('chain/mined', new TextEncoder().encode('{"height":"no"}')))
    await net.until(alice.broadcast('chain/slow', new TextEncoder().encode('""')))
    await net.until(chain.client(alice).broadcast('mined', block(1)))
    await net.until(chain.client(alice).broadcast('slow', 'yes'))
    await net.run(5_000)
    const sender = { from: alice.peerId, via: alice.peerId }
    expect(heard).toEqual([
      { ...sender, topic: 'mined', data: block(1) },
      { ...sender, topic: 'slow', data: 'yes' },
    ])
    expect(client.dropped).toBe(2)
    expect((await failure(client.broadcast('mined', { height: 1 } as Block))).code).toBe('InvalidConfig')
    expect((await failure(client.broadcast('other' as never, '' as never))).code).toBe('InvalidConfig')
    expect(() => client.broadcasts$('other' as never)).toThrow('no topic "other"')
  })
})

describe('a codec that takes its time', () => {
  /** A node that hears what it is told. */
  function hearing(): { node: P2pNode; hear: (text: string) => void } {
    const heard = new Subject<{ topic: string; data: Uint8Array; from: string; via: string }>()
    const node = { broadcasts$: () => heard } as unknown as P2pNode
    return {
      node,
      hear: (text) => heard.next({ topic: 't', data: new TextEncoder().encode(text), from: 'b', via: 'b' }),
    }
  }

  it('gets what came in its order, and not more than 256 broadcasts at once', async () => {
    const steps: ((text: string) => void)[] = []
    const slow: Codec<string> = { encode: utf8.encode, decode: () => new Promise((resolve) => steps.push(resolve)) }
    const client = defineProtocol({ topics: { t: slow } })
    const { node, hear } = hearing()
    const typed = client.client(node)
    const seen: string[] = []
    typed.broadcasts$('t').subscribe(({ data }) => seen.push(data))
    for (let i = 0; i < 300; i++) hear(`${i}`)
    expect([steps.length, typed.dropped]).toEqual([1, 44])
    for (let i = 0; i < 256; i++) {
      steps[i]!(`${i}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(seen).toEqual(Array.from({ length: 256 }, (_, i) => `${i}`))
    hear('after that')
    expect([steps.length, typed.dropped]).toEqual([257, 44])
    steps[256]!('the last')
  })
})

describe('who answers', () => {
  it('is each protocol its own, and the handler the rest', async () => {
    const { net, alice, bob, methods } = await pair()
    const other = defineProtocol({ name: 'chain/2', methods: { tip: unary(nothing, utf8) } })
    const unnamed = defineProtocol({ methods: { tip: unary(nothing, utf8) } })
    other.serve(bob, { tip: () => 'other' })
    unnamed.serve(bob, { tip: () => 'unnamed' })
    const handled: Uint8Array[] = []
    bob.setEventHandler({ handleInboundRequest: (data) => (handled.push(data), data) })
    expect(await net.until(methods.tip())).toEqual(block(9))
    expect(await net.until(other.client(alice).peer(bob.peerId).tip())).toBe('other')
    expect(await net.until(unnamed.client(alice).peer(bob.peerId).tip())).toBe('unnamed')
    expect(handled).toEqual([])
    expect(await net.until(alice.request(bob.peerId, Uint8Array.of(9, 9)))).toEqual(Uint8Array.of(9, 9))
    expect(handled).toHaveLength(1)
  })

  it('says UnknownMethod of its own alone', async () => {
    const { net, alice, bob } = await pair()
    const newer = defineProtocol({ name: 'chain', methods: { added: unary(nothing, nothing) } })
    const error = await net.until(failure(newer.client(alice).peer(bob.peerId).added()))
    expect([error.code, error.remoteCode]).toEqual(['RequestRejected', 'UnknownMethod'])
    expect(error.message).toContain('there is no method added here')
    expect(chain.owns(encodeCall('chain/added', new Uint8Array()))).toBe(true)
    for (const name of ['chain/2/tip', 'chai/tip', '/tip', 'tip']) {
      expect(chain.owns(encodeCall(name, new Uint8Array()))).toBe(false)
    }
    expect(chain.owns(new Uint8Array())).toBe(false)
  })

  it('is nobody after the subscription has ended', async () => {
    const { net, alice } = await pair()
    const carol = await net.createNode()
    const served = chain.serve(carol, handlers)
    const methods = chain.client(alice).peer(carol.addresses[0]!)
    expect(await net.until(methods.at(1))).toEqual(block(1))
    served.unsubscribe()
    expect((await net.until(failure(methods.at(1)))).code).toBe('UnknownProtocol')
  })

  it('may be an object with methods of its own', async () => {
    class Counter {
      private count = 0
      next(): number {
        return ++this.count
      }
      ticks(): Observable<number> {
        return interval(10).pipe(map(() => this.count))
      }
    }
    const counting = defineProtocol({ methods: { next: unary(nothing, json<number>()) } })
    const { net, alice, bob } = await pair()
    counting.serve(bob, new Counter())
    const { next } = counting.client(alice).peer(bob.peerId)
    expect([await net.until(next()), await net.until(next())]).toEqual([1, 2])
  })
})

describe('versions of a protocol', () => {
  const users = (version: number) =>
    defineProtocol({ name: 'users', version, methods: { get: unary(nothing, utf8) }, topics: { joined: utf8 } })

  it('are served side by side, and seen by peers before they are asked', async () => {
    const { net, alice, bob } = await simulatedPair()
    const first = users(1).serve(bob, { get: () => 'one' })
    users(2).serve(bob, { get: () => 'two' })
    await net.until(alice.dial(bob.addresses[0]!))
    await net.run(1_000)
    const serves = async () => (await net.until(firstValueFrom(alice.peer$(bob.peerId)))).serves
    expect(await serves()).toEqual(['users@1', 'users@2'])
    expect((await net.until(alice.explain({ peer: bob.peerId }))).text).toContain('serves users@1, users@2')
    for (const [version, text] of [[1, 'one'], [2, 'two']] as const) {
      expect(await net.until(users(version).client(alice).peer(bob.peerId).get())).toBe(text)
    }
    first.unsubscribe()
    await net.run(1_000)
    expect(await serves()).toEqual(['users@2'])
  }) // prettier-ignore

  it('that are not served are refused at once, and those that are, are named; whoever else answers requests', async () => {
    const { net, alice, bob } = await simulatedPair()
    users(1).serve(bob, { get: () => 'one' })
    const ask = async (): Promise<unknown[]> => {
      const before = net.now
      const { code, message } = await net.until(failure(users(2).client(alice).peer(bob.peerId).get()))
      return [code, message.includes('the protocol users@2 is not served here, but users@1'), net.now - before < 1_000]
    }
    await net.until(alice.dial(bob.addresses[0]!))
    expect(await ask()).toEqual(['UnknownProtocol', true, true])
    bob.setEventHandler({ handleInboundRequest: (data) => data })
    bob.requests$.subscribe()
    expect(await ask()).toEqual(['UnknownProtocol', true, true])
    const streamed = defineProtocol({ name: 'users', version: 3, methods: { all: stream(nothing, utf8) } })
    const { all } = streamed.client(alice).peer(bob.peerId)
    expect((await net.until(failure(drained(all())))).code).toBe('UnknownProtocol')
    expect((await net.until(failure(lastValueFrom(all())))).code).toBe('UnknownProtocol')
  })

  it('are each served once by a node, until the subscription ends', async () => {
    const { bob } = await simulatedPair()
    const serve = () => users(1).serve(bob, { get: () => 'one' })
    const served = serve()
    expect(serve).toThrow('the protocol "users@1" is served already')
    served.unsubscribe()
    expect(serve).not.toThrow()
  })

  it('have topics of their own', async () => {
    const { net, alice } = await simulatedPair()
    users(1).client(alice).broadcasts$('joined').subscribe()
    users(2).client(alice).broadcasts$('joined').subscribe()
    await net.run(10)
    expect(await firstValueFrom(alice.topics$)).toEqual(['users@1/joined', 'users@2/joined'])
  })
})

describe('a typed call', () => {
  const slow = (decode: () => Promise<string>): Codec<string> => ({ encode: utf8.encode, decode })
  const never = (): Promise<never> => new Promise(() => undefined)

  it('ends in its time, whatever a codec does', async () => {
    const { net, alice, bob } = await simulatedPair()
    const hanging = defineProtocol({
      name: 'hanging',
      methods: {
        ask: unary({ encode: never, decode: never }, utf8),
        hear: unary(utf8, slow(never)),
        list: stream({ encode: never, decode: never }, utf8),
      },
    })
    hanging.serve(bob, { ask: () => '', hear: () => 'yes', list: async function* () {} })
    const { ask, hear, list } = hanging.client(alice).peer(bob.addresses[0]!)
    const calls = [
      () => ask('', { timeout: 500 }),
      () => hear('', { timeout: 500 }),
      () => drained(list('', { timeout: 500 })),
      () => lastValueFrom(list('', { timeout: 500 })),
    ]
    for (const call of calls) {
      const before = net.now
      const { code, message } = await net.until(failure(call()))
      expect([code, net.now - before]).toEqual(['RequestTimeout', 500])
      expect(message).toMatch(/was not ready within the 500 ms of the call$/)
    }
    const controller = new AbortController()
    const aborted = failure(ask('', { signal: controller.signal }))
    controller.abort()
    expect((await net.until(aborted)).code).toBe('Aborted')
  })

  it('has the options of the method that it is made of, and no others', async () => {
    const { net, alice, bob } = await simulatedPair()
    const text = defineProtocol({ name: 'text', methods: { upper: unary(utf8, utf8) }, topics: { said: utf8 } })
    text.serve(bob, { upper: (value) => value.toUpperCase() })
    const client = text.client(alice)
    const { upper } = client.peer(bob.addresses[0]!)
    for (const options of [{ timeuot: 5 }, null, 7]) {
      expect((await net.until(failure(upper('a', options as never)))).code).toBe('InvalidConfig')
      expect((await net.until(failure(client.broadcast('said', 'a', options as never)))).code).toBe('InvalidConfig')
      expect(() => client.broadcasts$('said', options as never)).toThrow(/option/)
    }
  })

  it('may be made to several peers: for the first answer, or for all', async () => {
    const { net, alice, bob } = await simulatedPair()
    const carol = await net.createNode()
    const text = defineProtocol({ name: 'text', methods: { upper: unary(utf8, utf8) } })
    text.serve(bob, { upper: (value) => value.toUpperCase() })
    const peers = [bob.addresses[0]!, carol.addresses[0]!]
    const client = text.client(alice)
    expect(await net.until(client.any(peers).upper('a', { hedgeAfter: 100 }))).toEqual({ peer: peers[0], value: 'A' })
    const outcomes = await net.until(lastValueFrom(client.all(peers).upper('a').pipe(toArray())))
    expect(outcomes).toContainEqual({ peer: peers[0], value: 'A' })
    expect(outcomes).toContainEqual({ peer: peers[1], error: expect.objectContaining({ code: 'UnknownProtocol' }) })
  })

  it('broadcasts and hears with all that the node can', async () => {
    const net = simulate()
    const alice = await net.createNode({ topics: ['said'] })
    const bob = await net.createNode({ bootNodes: alice.addresses })
    const text = defineProtocol({ topics: { said: json<number>() } })
    const options = { waitForPeers: { min: 1, timeout: 9_000 }, receipts: true }
    const heard: number[] = []
    text.client(bob).broadcasts$('said').subscribe()
    const { recipients, receipts$ } = await net.until(text.client(alice).broadcast('said', 1, options))
    expect(recipients).toEqual([bob.peerId])
    expect((await net.until(firstValueFrom(receipts$!))).peer).toBe(bob.peerId)
    await net.until(alice.broadcast('said', Uint8Array.of(0xff)))
    await net.until(text.client(alice).broadcast('said', 2))
    const client = text.client(bob)
    await net.until(
      (async () => {
        for await (const { data, topic } of client.broadcasts$('said', { replay: 10, onOverflow: 'dropOldest' })) {
          expect(topic).toBe('said')
          if (heard.push(data) === 2) break
        }
      })(),
    )
    expect([heard, client.dropped]).toEqual([[1, 2], 1])
  })
})

describe('a protocol', () => {
  it('needs a handler for each of its methods', async () => {
    const { bob } = await pair()
    const lacking = { ...handlers, tip: undefined } as unknown as typeof handlers
    expect(() => chain.serve(bob, lacking)).toThrow('the method tip needs a handler, not undefined')
    expect(() => chain.serve(bob, undefined as never)).toThrow('the handlers of a protocol must be an object')
  })

  it('refuses a definition with a misspelt part, which would be a protocol without it', () => {
    expect(() => defineProtocol({ topcis: { mined: 'block' } } as never)).toThrow(
      'the definition of a protocol has no option "topcis" (did you mean topics?); there are name, version, codecs, methods, topics',
    )
  })

  it('without a name calls its topics as they are', async () => {
    const net = simulate()
    const alice = await net.createNode()
    const bob = await net.createNode({ bootNodes: alice.addresses })
    const heard = new Subject<string>()
    const plain = defineProtocol({ topics: { block: utf8 } })
    bob.broadcasts$('block').subscribe(({ data }) => heard.next(new TextDecoder().decode(data)))
    const first = lastValueFrom(heard.pipe(take(1)))
    alice.broadcasts$('block').subscribe()
    await net.run(10_000)
    await net.until(plain.client(alice).broadcast('block', 'mine'))
    expect(await net.until(first)).toBe('mine')
  })
})
