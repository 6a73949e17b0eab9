/** `stop({ drain })` and `closed`, on virtual time. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { concatMap, from, lastValueFrom, of, delay, timer, map, toArray } from 'rxjs'
import { isP2pError, type NodeConfig, type P2pError, type P2pNode } from 'tinyp2p'
import { simulate, type SimulatedNetwork } from 'tinyp2p/testing'
import { bytes, text } from '../support/bytes.js'

/** What a caller of a node that drains may hear: it was answered, or refused, or never came there. */
const TRUE = ['answered', 'Overloaded', 'DialError']

let net: SimulatedNetwork
const log: string[] = []

afterEach(() => {
  log.length = 0
})

/** Alice, and Bob who answers after a second: she is connected to him. */
async function pair(config: NodeConfig = {}): Promise<{ alice: P2pNode; bob: P2pNode }> {
  net = simulate({ seed: 1, latency: 10 })
  const bob = await net.createNode({ ...config, logger: ({ level, message }) => log.push(`${level} ${message}`) })
  bob.setEventHandler({
    handleInboundRequest: (data) => later(data, text(data) === 'hang' ? 1_000_000 : 1_000),
  })
  const alice = await net.createNode({ ...config, bootNodes: bob.addresses })
  await net.until(alice.request(bob.peerId, bytes('first')))
  return { alice, bob }
}

function later(data: Uint8Array, ms: number): Promise<Uint8Array> {
  return lastValueFrom(timer(ms, net.scheduler).pipe(map(() => data)))
}

async function failureOf(promise: Promise<unknown>): Promise<P2pError | undefined> {
  return promise.then(
    () => undefined,
    (error: P2pError) => error,
  )
}

/** Lets what was called just now be stepped. */
async function begun(): Promise<void> {
  await net.run(1)
}

describe('a node that drains', () => {
  it('answers what it was asked before, and then ends', async () => {
    const { alice, bob } = await pair()
    const asked = alice.request(bob.peerId, bytes('late'))
    await net.run(100)
    const stopped = bob.stop({ drain: 5_000 })
    const since = net.now
    expect(text(await net.until(asked))).toBe('late')
    await net.until(stopped)
    expect(net.now - since).toBeLessThan(1_000)
    expect(await bob.closed).toBeUndefined()
    expect(log.filter((line) => line.startsWith('warn'))).toEqual([])
  })

  it('tells those that it has not answered at its end that it was stopped', async () => {
    const { alice, bob } = await pair()
    const failed = failureOf(alice.request(bob.peerId, bytes('hang')))
    await net.run(100)
    const stopped = bob.stop({ drain: 200 })
    const message = `${bob.peerId} was stopped before it had answered`
    expect(await net.until(failed)).toMatchObject({ code: 'ConnectionLost', message })
    await net.until(stopped).catch(() => undefined)
  })

  it('answers over version 1 too', async () => {
    net = simulate({ seed: 2, latency: 10 })
    const v1 = { protocols: ['/tinyp2p/req-resp/1.0.0'] }
    const bob = await net.createNode({}, {}, v1)
    bob.setEventHandler({ handleInboundRequest: (data) => later(data, 500) })
    const alice = await net.createNode({ bootNodes: bob.addresses }, {}, v1)
    const asked = alice.request(bob.peerId, bytes('late'))
    await net.run(300)
    const stopped = bob.stop({ drain: 5_000 })
    await begun()
    const refused = await net.until(failureOf(alice.request(bob.peerId, bytes('new'))))
    expect(refused?.code).toBe('RequestRejected')
    expect(text(await net.until(asked))).toBe('late')
    await net.until(stopped)
  })

  it('ends its streams of values with their last', async () => {
    const { alice, bob } = await pair()
    bob.requests$.subscribe((request) => {
      if (text(request.data) !== 'stream') return
      request.respond(
        from(['a', 'b', 'c']).pipe(concatMap((value) => of(bytes(value)).pipe(delay(200, net.scheduler)))),
      )
    })
    const values = lastValueFrom(alice.request$(bob.peerId, bytes('stream')).pipe(map(text), toArray()))
    await net.run(250)
    const stopped = bob.stop({ drain: 5_000 })
    expect(await net.until(values)).toEqual(['a', 'b', 'c'])
    await net.until(stopped)
    expect(await bob.closed).toBeUndefined()
  })

  it('gets the answers to what it has asked', async () => {
    const { alice, bob } = await pair()
    const asked = alice.request(bob.peerId, bytes('mine'))
    await net.run(100)
    const stopped = alice.stop({ drain: 5_000 })
    expect(text(await net.until(asked))).toBe('mine')
    await net.until(stopped)
  })

  it('refuses new work: its callers at once, and peers so that they can ask elsewhere', async () => {
    const { alice, bob } = await pair({ topics: ['news'] })
    const asked = alice.request(bob.peerId, bytes('late'))
    await net.run(100)
    const stopped = bob.stop({ drain: 5_000 })
    const ours = [bob.request(alice.peerId, bytes('?')), bob.broadcast('news', bytes('!')), bob.dial(alice.peerId)].map(
      failureOf,
    )
    const since = net.now
    for (const failure of await net.until(Promise.all(ours))) expect(failure?.code).toBe('NodeStopped')
    expect(net.now).toBe(since)
    const refused = await net.until(failureOf(alice.request(bob.peerId, bytes('new'))))
    expect(refused).toMatchObject({
      code: 'Overloaded',
      message: expect.stringMatching(/shutting down/),
      retryAfterMs: 1_000,
    })
    const carol = await net.createNode({ bootNodes: alice.addresses })
    carol.setEventHandler({ handleInboundRequest: () => bytes('carol') })
    const any = alice.requestAny([bob.peerId, carol.addresses[0]!], bytes('any'), { hedgeAfter: 10_000 })
    expect((await net.until(any)).peer).toBe(carol.addresses[0])
    expect(text(await net.until(asked))).toBe('late')
    await net.until(stopped)
  })

  it('sends the broadcasts that wait', async () => {
    const { alice, bob } = await pair({ topics: ['news'] })
    const heard: string[] = []
    alice.broadcasts$('news').subscribe(({ data }) => heard.push(text(data)))
    await net.run(3_000)
    const published = Promise.all(Array.from({ length: 200 }, (_, i) => bob.broadcast('news', bytes(`${i}`))))
    const stopped = bob.stop({ drain: 5_000 })
    await net.until(published)
    await net.until(stopped)
    await net.run(100)
    expect(heard).toHaveLength(200)
  })

  it('cuts what hangs when its time is over, and names it', async () => {
    const { alice, bob } = await pair()
    alice.setEventHandler({ handleInboundRequest: () => new Promise(() => {}) })
    const [asked, other] = [alice.request(bob.peerId, bytes('hang')), bob.request(alice.peerId, bytes('hang'))].map(
      failureOf,
    )
    await net.run(100)
    const since = net.now
    await net.until(bob.stop({ drain: 2_000 }))
    expect(net.now - since).toBe(2_000)
    const message = `the node was stopped before all was done: 1 request (to ${alice.peerId}), 1 handler (for ${alice.peerId})`
    expect(await bob.closed).toMatchObject({ code: 'NodeStopped', message })
    expect(log).toContain(`warn ${message}`)
    expect((await net.until(asked!))?.code).toBe('ConnectionLost')
    expect(await net.until(other!)).toMatchObject({ code: 'NodeStopped', message })
  })

  it('is cut at once by a second stop(), and both resolve', async () => {
    const { alice, bob } = await pair()
    const asked = failureOf(alice.request(bob.peerId, bytes('hang')))
    await net.run(100)
    const since = net.now
    const stopped = bob.stop({ drain: 60_000 })
    await net.run(500)
    await net.until(Promise.all([stopped, bob.stop(), bob.stop({ drain: 1 })]))
    expect(net.now - since).toBe(500)
    const message = `the node was stopped before all was done: 1 handler (for ${alice.peerId})`
    expect(await bob.closed).toMatchObject({ code: 'NodeStopped', message })
    expect((await net.until(asked))?.code).toBe('ConnectionLost')
  })

  it('ends sooner when a second drain is shorter, and no later when it is longer', async () => {
    const { alice, bob } = await pair()
    const asked = failureOf(alice.request(bob.peerId, bytes('hang')))
    await net.run(100)
    const since = net.now
    const stopped = bob.stop({ drain: 60_000 })
    void bob.stop({ drain: 700 })
    void bob.stop({ drain: 5_000 })
    await net.until(stopped)
    expect(net.now - since).toBe(700)
    await net.until(asked)
  })

  it('ends at once when nothing is in flight', async () => {
    const { bob } = await pair()
    const since = net.now
    await net.until(bob.stop({ drain: 60_000 }))
    expect(net.now - since).toBeLessThan(50)
  })

  // A peer on a slow line takes its time to confirm, and meanwhile somebody comes in.
  it.each(Array.from({ length: 30 }, (_, i) => 10 * i))(
    'loses no request of a peer whose dial began %d ms before, whether or not it has come in',
    async (before) => {
      net = simulate({ seed: 1, latency: 30 })
      const bob = await net.createNode()
      bob.setEventHandler({ handleInboundRequest: (data) => data })
      const carol = await net.createNode({ bootNodes: bob.addresses })
      net.slow(bob, carol, 30)
      const alice = await net.createNode()
      await net.until(carol.request(bob.peerId, bytes('first')))
      const outcomes: string[] = []
      const ask = (): void => {
        alice.request(bob.addresses[0]!, bytes('late')).then(
          () => outcomes.push('answered'),
          ({ code }: P2pError) => outcomes.push(code),
        )
      }
      ask()
      let isOver = false
      await net.run(before)
      const stopped = bob.stop({ drain: 5_000 }).then(() => (isOver = true))
      while (!isOver) {
        ask()
        await net.run(20)
      }
      await net.until(stopped)
      await net.run(20_000)
      expect(outcomes.filter((one) => !TRUE.includes(one))).toEqual([])
      expect(await bob.closed).toBeUndefined()
    },
  )

  it.each([-1, 1.5, NaN, 2 ** 31, '5', null])('does not begin with a drain of %p', async (drain) => {
    const { bob } = await pair()
    const failure = await failureOf(bob.stop({ drain: drain as number }))
    expect(failure).toMatchObject({ code: 'InvalidConfig', message: expect.stringMatching(/^drain /) })
    expect((await failureOf(bob.stop({ drian: 5 } as object)))?.message).toMatch(/drian/)
    expect(await net.until(bob.status())).toMatchObject({ peerId: bob.peerId })
  })
})

describe('closed', () => {
  it('waits for the end, and has nothing to say of stop()', async () => {
    const { bob } = await pair()
    let closed = false
    void bob.closed.then(() => (closed = true))
    await net.run(60_000)
    expect(closed).toBe(false)
    await net.until(bob.stop())
    expect(await bob.closed).toBeUndefined()
  })

  it('says why a node ended by itself', async () => {
    const { bob } = await pair()
    await net.crash(bob)
    const error = await bob.closed
    expect(isP2pError(error, 'NodeStopped')).toBe(true)
    expect(error?.message).toMatch(/crashed/)
  })
})
