/** Each option of each call, and each field of a rejection, makes a difference: none is accepted and then dropped. */
import { describe, expect, it } from '@jest/globals'
import { isObservable, lastValueFrom, VirtualTimeScheduler } from 'rxjs'
import type { Event } from '../../src/core/events.js'
import { checkRejection, rejectCommand, type Rejection } from '../../src/edge/answers/reasons.js'
import { Broadcasts, type BroadcastsOptions } from '../../src/edge/broadcasts/broadcasts.js'
import type { BroadcastOptions } from '../../src/edge/broadcasts/publishing.js'
import type { RequestAllOptions, RequestAnyOptions } from '../../src/edge/requests/fan-out.js'
import type { RequestOptions, StreamOptions } from '../../src/edge/requests/outbound.js'
import { build } from '../../src/node/node.js'
import type { P2pNode, StopOptions } from '../../src/node/p2p-node.js'
import { bytes } from '../support/bytes.js'
import { settingsWith } from '../support/core.js'
import { BOB, CAROL, DAVE } from '../support/edge.js'
import { turn } from '../support/promises.js'

/** Each option with a value that is not its default. */
type Given<Options> = { [Name in keyof Required<Options>]: Options[Name] }
type OptionsOf<Call extends 'joined' | 'online'> = NonNullable<Parameters<P2pNode[Call]>[Call extends 'joined' ? 1 : 0]>

const signal = AbortSignal.abort('never mind')
const PEERS = [CAROL, DAVE]

/** What a call asks of the lane within 50 ms. */
async function asked(ask: (node: P2pNode) => unknown): Promise<Event[]> {
  const events: Event[] = []
  const scheduler = new VirtualTimeScheduler(undefined, 50)
  const { node, ready } = build({
    peerId: BOB,
    settings: settingsWith(),
    scheduler,
    createPort: (report) => ({
      run: ({ type }) => void (type === 'listen' && report({ type: 'listening', addresses: [] })),
    }),
    log: () => undefined,
    tap: (batch) => events.push(...batch.events),
  })
  ready.catch(() => undefined)
  ask(node)
  await turn()
  scheduler.flush()
  await turn()
  return events
}

const silent = { error: () => undefined }

/** What a loop that is slow tells the lane: three broadcasts come while it is busy with one. */
async function told(options: BroadcastsOptions): Promise<unknown[]> {
  const events: unknown[] = []
  const broadcasts = new Broadcasts(
    (event) => events.push(event),
    () => undefined,
  )
  const loop = broadcasts.of('block', options)[Symbol.asyncIterator]()
  const first = loop.next()
  for (const id of ['a', 'b', 'c', 'd']) {
    broadcasts.onBroadcast({ topic: 'block', data: bytes(id), from: BOB, via: CAROL, id })
  }
  broadcasts.end()
  await first
  for (let left = 0; left < 3; left++) {
    await loop.next().then(
      ({ value }) => events.push(value),
      (error: unknown) => events.push(error),
    )
  }
  return events
}

function call<Options extends object>(
  name: string,
  ask: (node: P2pNode, options: Options) => unknown,
  given: Given<Options>,
): [string, object, (options: object) => Promise<unknown>] {
  return [name, given, (options) => asked((node) => ask(node, options as Options))]
}

const fails = (promise: Promise<unknown>): void => void promise.catch(() => undefined)

const CALLS = [
  call<RequestOptions>('request', (node, options) => fails(node.request(CAROL, bytes('?'), options)), {
    signal,
    timeout: 7,
  }),
  call<StreamOptions>('request$', (node, options) => node.request$(CAROL, bytes('?'), options).subscribe(silent), {
    signal,
    timeout: 7,
    buffer: 7,
    onOverflow: 'conflate',
    idleTimeout: 7,
  }),
  call<RequestAnyOptions>('requestAny', (node, options) => fails(node.requestAny(PEERS, bytes('?'), options)), {
    signal,
    timeout: 7,
    hedgeAfter: 1_000,
  }),
  call<RequestAllOptions>(
    'requestAll',
    (node, options) => node.requestAll(PEERS, bytes('?'), options).subscribe(silent),
    { signal, timeout: 7, concurrency: 1 },
  ),
  call<BroadcastOptions>('broadcast', (node, options) => fails(node.broadcast('block', bytes('b'), options)), {
    waitForPeers: {},
    receipts: true,
    signal,
  }),
  call<NonNullable<BroadcastOptions['waitForPeers']>>(
    'broadcast, waitForPeers',
    (node, waitForPeers) => fails(node.broadcast('block', bytes('b'), { waitForPeers })),
    { min: 7, timeout: 7 },
  ),
  call<Exclude<BroadcastOptions['receipts'], boolean | undefined>>(
    'broadcast, receipts',
    (node, receipts) => fails(node.broadcast('block', bytes('b'), { receipts })),
    { count: 7, timeout: 7 },
  ),
  call<OptionsOf<'joined'>>('joined', (node, options) => fails(node.joined('block', options)), { timeout: 7, signal }),
  call<OptionsOf<'online'>>('online', (node, options) => fails(node.online(options)), {
    peers: 7,
    timeout: 7,
    signal,
  }),
  call<StopOptions>('stop', (node, options) => fails(node.stop(options)), { drain: 7 }),
]

const BROADCASTS: Given<BroadcastsOptions> = { replay: 7, buffer: 1, onOverflow: 'conflate' }
const REJECTION: Given<Rejection> = { code: 'Gone', message: 'it is gone', retryAfterMs: 7 }

const ALL: [string, object, (options: object) => unknown][] = [
  ...CALLS,
  ['broadcasts$', BROADCASTS, told],
  ['reject', REJECTION, (reason) => rejectCommand(2, checkRejection(reason))],
]

describe('an option', () => {
  it.each(ALL)('of %s makes a difference', async (_name, given, observe) => {
    const without = await observe({})
    // Otherwise any two calls would differ.
    expect(await observe({})).toEqual(without)
    const idle: string[] = []
    for (const [name, value] of Object.entries(given)) {
      const difference = await observe({ [name]: value as unknown })
      if (isSame(difference, without)) idle.push(name)
    }
    expect(idle).toEqual([])
  })
})

/** What a call ends with. */
async function outcome(work: () => unknown): Promise<unknown> {
  try {
    const result = work()
    return await (isObservable(result) ? lastValueFrom(result) : result)
  } catch (error) {
    return error
  }
}

describe('options that are none', () => {
  const CALLED: [string, (node: P2pNode, options: never) => unknown][] = [
    ['request', (node, options) => node.request(CAROL, bytes('?'), options)],
    ['request$', (node, options) => node.request$(CAROL, bytes('?'), options)],
    ['requestAny', (node, options) => node.requestAny(PEERS, bytes('?'), options)],
    ['requestAll', (node, options) => node.requestAll(PEERS, bytes('?'), options)],
    ['broadcast', (node, options) => node.broadcast('block', bytes('b'), options)],
    ['broadcasts$', (node, options) => node.broadcasts$('block', options)],
    ['joined', (node, options) => node.joined('block', options)],
    ['online', (node, options) => node.online(options)],
    ['stop', (node, options) => node.stop(options)],
  ]
  it.each(CALLED)('are refused by %s, as bad input', async (_name, called) => {
    for (const options of [null, 'x', 7, true]) {
      let ended: unknown
      await asked((node) => void outcome(() => called(node, options as never)).then((error) => (ended = error)))
      expect(ended).toMatchObject({ name: 'P2pError', code: 'InvalidConfig' })
    }
  })
})

function isSame(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b)
    return true
  } catch {
    return false
  }
}
