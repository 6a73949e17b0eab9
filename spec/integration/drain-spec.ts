/** How a node ends, on real sockets: what is in flight is finished, and what a blocked event loop left in the sockets counts. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { interval, lastValueFrom, map, take, tap } from 'rxjs'
import type { P2pError, P2pNode } from 'tinyp2p'
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endChildren, endProcesses } from '../support/another-process.js'
import { bytes, heard, outcome, startEcho, startNode, stopNodes, text, within } from '../support/nodes.js'
import { endRelays, Relay } from '../support/relay.js'
import { hear, RawPeer } from '../support/raw-peer.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const children = new Set<ChildProcess>()
const raw: RawPeer[] = []

afterEach(async () => {
  await stopNodes()
  await endProcesses()
  endRelays()
  await endChildren(children)
  await Promise.all(raw.splice(0).map((peer) => peer.stop()))
})

/** Answers after a while, a megabyte. */
async function startSlow(settings = {}): Promise<P2pNode> {
  const node = await startNode({}, settings)
  node.setEventHandler({
    handleInboundRequest: async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return new Uint8Array(1_000_000)
    },
  })
  return node
}

/** It has been handed this request. */
async function asked(node: P2pNode): Promise<void> {
  await new Promise<void>((resolve) => node.requests$.pipe(take(1)).subscribe(() => resolve()))
}

describe('a node that drains', () => {
  it.each([
    ['a session', {}],
    ['version 1', { protocols: ['/tinyp2p/req-resp/1.0.0'] }],
  ])('answers over %s what it was asked before, whole', async (_name, settings) => {
    const [alice, bob] = [await startNode({}, settings), await startSlow(settings)]
    const arrived = asked(bob)
    const answers = Promise.all(Array.from({ length: 5 }, () => alice.request(bob.addresses[0]!, bytes('?'))))
    await arrived
    const stopped = bob.stop({ drain: 8_000 })
    expect((await within(5_000, answers, 'the answers')).map(({ length }) => length)).toEqual(Array(5).fill(1_000_000))
    await within(3_000, stopped, 'the end')
    expect(await bob.closed).toBeUndefined()
  })

  it('lets nobody new in while its last confirmations are under way, so nobody asks in vain', async () => {
    const [alice, bob, carol] = [await startNode(), await startEcho(), await startNode()]
    const relay = await Relay.to(Number(bob.addresses[0]!.split('/')[4]))
    await carol.request(`${relay.address}/p2p/${bob.peerId}`, bytes('?'))
    relay.hold()
    const stopped = bob.stop({ drain: 8_000 })
    expect(await outcome(alice.request(bob.addresses[0]!, bytes('?')))).toBe('DialError')
    relay.goOn()
    await within(3_000, stopped, 'the end')
    expect(await bob.closed).toBeUndefined()
  })

  it('ends a stream of values with its last', async () => {
    const [alice, bob] = [await startNode(), await startNode()]
    const values = interval(20).pipe(take(10), map((i) => bytes(`${i}`))) // prettier-ignore
    bob.setEventHandler({ handleInboundRequest: () => values })
    const seen: string[] = []
    let stopped: Promise<void> | undefined
    for await (const value of alice.request$(bob.addresses[0]!, bytes('?'))) {
      seen.push(text(value))
      stopped ??= bob.stop({ drain: 5_000 })
    }
    expect(seen).toHaveLength(10)
    await within(3_000, stopped!, 'the end')
  })

  it('tells the taker of a stream, and an asker, that it was stopped, when the time of the drain is over', async () => {
    const [alice, bob] = [await startNode(), await startNode()]
    const endless = interval(20).pipe(map((i) => bytes(`${i}`)))
    bob.setEventHandler({
      handleInboundRequest: (data) => (text(data) === 'one' ? new Promise<Uint8Array>(() => {}) : endless),
    })
    const message = `${bob.peerId} was stopped before it had answered`
    const one = alice.request(bob.addresses[0]!, bytes('one')).catch((error: unknown) => error)
    const values = alice.request$(bob.addresses[0]!, bytes('many'))
    let stopped: Promise<void> | undefined
    const error = await lastValueFrom(values.pipe(tap(() => void (stopped ??= bob.stop({ drain: 300 }))))).catch(
      (failure: unknown) => failure,
    )
    expect(error).toMatchObject({ code: 'ConnectionLost', message })
    expect(await one).toMatchObject({ code: 'ConnectionLost', message })
    await within(3_000, stopped!, 'the end')
  })

  it('refuses what comes later, and is cut by a second stop()', async () => {
    const [alice, bob] = [await startNode(), await startNode()]
    bob.setEventHandler({ handleInboundRequest: () => new Promise(() => {}) })
    const arrived = asked(bob)
    const hangs = outcome(alice.request(bob.addresses[0]!, bytes('?')))
    await arrived
    const stopped = bob.stop({ drain: 60_000 })
    expect(await outcome(alice.request(bob.peerId, bytes('?')))).toBe('Overloaded')
    expect(await outcome(bob.request(alice.peerId, bytes('?')))).toBe('NodeStopped')
    await within(2_500, Promise.all([bob.stop(), stopped]), 'the end')
    expect(await hangs).toBe('ConnectionLost')
  })

  it.each([
    [5, 50_000],
    // Small ones arrive sooner than their signatures are checked.
    [500, 1_000],
  ])('sends the broadcasts that wait, and its peer hears all: %d of %d bytes', async (many, size) => {
    const topics = ['news']
    const [alice, bob] = [await startNode({ topics }), await startNode({ topics })]
    let count = 0
    const all = new Promise<void>((resolve) => {
      alice.broadcasts$('news').subscribe(() => ++count === many && resolve())
    })
    await bob.dial(alice.addresses[0]!)
    await heard(bob, 'subscriptionChanged')
    for (let i = 0; i < many; i++) {
      const data = new Uint8Array(size)
      new DataView(data.buffer).setUint32(0, i)
      void bob.broadcast('news', data)
    }
    await within(8_000, bob.stop({ drain: 6_000 }), 'the end')
    await within(3_000, all, 'the broadcasts')
  })
})

/** A program that runs on, and its lines. */
class Program {
  readonly lines: string[] = []
  readonly exit: Promise<unknown[]>
  private wake: () => void = () => undefined

  constructor(readonly child: ChildProcess) {
    children.add(child)
    this.exit = once(child, 'exit')
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.lines.push(line)
      this.wake()
    })
  }

  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null)
      if (found) return found[1] ?? found[0]
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }
}

function startExample(...args: string[]): Program {
  const all = ['--import', 'tsx', 'examples/main.ts', '--listen', '/ip4/127.0.0.1/tcp/0', ...args]
  return new Program(spawn(process.execPath, all, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }))
}

describe.each(['SIGTERM', 'SIGINT'] as const)('the demo node after %s', (signal) => {
  it('answers the request that is half there, and exits with 0', async () => {
    const demo = startExample()
    const address = await within(15_000, demo.line(/listening on (\S+)/), 'the start')
    const peer = await RawPeer.start()
    raw.push(peer)
    const stream = await peer.open(address)
    const answer = hear(stream)
    stream.send(Uint8Array.of(5, 104, 97))
    // A request behind it on the same connection: when that is answered, the half has been read.
    const whole = await peer.say(address, [Uint8Array.of(1, 33)])
    expect(whole.end).toBe('ended')
    demo.child.kill(signal)
    await within(5_000, demo.line(/stopping/), 'the signal')
    stream.send(Uint8Array.of(108, 108, 111))
    await stream.close()
    const { bytes: reply } = await within(5_000, answer, 'the answer')
    expect(text(reply.subarray(1))).toBe('Hello, response!')
    expect(await within(5_000, demo.exit, 'the end')).toEqual([0, null])
  })
})

describe('an event loop that was blocked', () => {
  it('does not cost an answer that came in time', async () => {
    const there = await AnotherProcess.start()
    const node = await startEcho()
    await node.dial(there.address)
    const answer = node.request(there.peerId, bytes('in time'), { timeout: 500 })
    // Sent, or its stream being opened: no answer has been read.
    await new Promise((resolve) => setImmediate(resolve))
    const since = Date.now()
    while (Date.now() - since < 1_200);
    expect(text(await answer)).toBe('in time')
  })
})

describe('closed', () => {
  it('is the fault that a node ended by, and nobody has to look at it', async () => {
    const node = await startNode()
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      // Our own bug: a step throws.
      const lane = (node as unknown as { lane: { commands$: { next(event: unknown): void } } }).lane
      lane.commands$.next({ type: 'connectionOpened', get peer() { throw new Error('planted') } }) // prettier-ignore
      const error: P2pError | undefined = await within(3_000, node.closed, 'the end')
      expect(error).toMatchObject({ code: 'NodeStopped', message: expect.stringMatching(/fault of its own/) })
      expect(error?.cause).toMatchObject({ message: 'planted' })
      await node.stop()
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', note)
    }
  })
})
