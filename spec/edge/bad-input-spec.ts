/**
 * What callers pass that cannot be right: each option of each call and of the config, and each argument that is bytes. Whatever it is, what
 * comes back is a `P2pError` that names it, and nothing is sent.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { isObservable, lastValueFrom } from 'rxjs'
import { createNode, defineProtocol, json, unary, type P2pNode } from 'tinyp2p'
import { ACCESS_NAMES } from '../../src/config/access.js'
import type { NodeConfig } from '../../src/config/config.js'
import { PUBSUB_OPTIONS } from '../../src/config/pubsub.js'
import { LIMIT_RULES } from '../../src/core/limits/limits.js'
import { explore, marbles, readRecording, replay, simulate, type SimulatedNetwork } from '../../src/testing/index.js'
import { bytes } from '../support/bytes.js'
import { CAROL, DAVE } from '../support/edge.js'

/** Throws whatever is done with it. */
function hostile(): object {
  const no = (): never => {
    throw new Error('hands off')
  }
  return new Proxy({}, { get: no, has: no, ownKeys: no, getPrototypeOf: no, getOwnPropertyDescriptor: no })
}

/** What no option takes. */
const BAD: [string, () => never][] = [
  ['null', () => null as never],
  ['NaN', () => NaN as never],
  ['a symbol', () => Symbol('bad') as never],
  ['a bigint', () => 1n as never],
  ['a proxy that throws', () => hostile() as never],
]

interface Outcome {
  name?: string
  code?: string
  message?: string
}

/** What a call fails with. */
async function failure(call: () => unknown): Promise<Outcome> {
  try {
    const result = await call()
    if (isObservable(result)) await lastValueFrom(result)
    return { message: `it has not failed: ${String(result)}` }
  } catch (error) {
    const { name, code, message } = error as Outcome
    return { name, code, message }
  }
}

const CODES = /^Invalid(Config|SecretKey|Address|PeerId)$/

/** A call, and what the message of its failure must name. */
type Case = [what: string, named: string, call: () => unknown]

/** Those that do not fail as they should, each with what they do instead. */
async function wrongs(cases: Case[]): Promise<string[]> {
  const wrong: string[] = []
  for (const [what, named, call] of cases) {
    const { name, code = '', message = '' } = await failure(call)
    // (That an option is unknown would be another fault.)
    if (name === 'P2pError' && CODES.test(code) && message.includes(named) && !message.includes('no option')) continue
    wrong.push(`${what}: ${name} ${code} ${message}`)
  }
  return wrong
}

let net: SimulatedNetwork
let node: P2pNode

beforeAll(async () => {
  net = simulate()
  node = await net.createNode({ topics: ['block'] })
})
afterAll(() => void node.stop().catch(() => undefined))

const protocol = defineProtocol({
  methods: { add: unary(json<number>(), json<number>()) },
  topics: { sums: json<number>() },
})
const PEERS = [CAROL, DAVE]
const sent = bytes('?')

type Ask = (options: never) => unknown
const CALLS: [name: string, options: string[], ask: Ask][] = [
  ['request', ['signal', 'timeout'], (options) => node.request(CAROL, sent, options)],
  ['request$', ['signal', 'timeout', 'buffer', 'onOverflow', 'idleTimeout'], (options) => node.request$(CAROL, sent, options)], // prettier-ignore
  ['requestAny', ['signal', 'timeout', 'hedgeAfter'], (options) => node.requestAny(PEERS, sent, options)],
  ['requestAll', ['signal', 'timeout', 'concurrency'], (options) => node.requestAll(PEERS, sent, options)],
  ['broadcast', ['waitForPeers', 'receipts', 'signal'], (options) => node.broadcast('block', sent, options)],
  ['waitForPeers', ['min', 'timeout'], (waitForPeers) => node.broadcast('block', sent, { waitForPeers })],
  ['receipts', ['count', 'timeout'], (receipts) => node.broadcast('block', sent, { receipts })],
  ['broadcasts$', ['replay', 'buffer', 'onOverflow'], (options) => node.broadcasts$('block', options)],
  ['joined', ['timeout', 'signal'], (options) => node.joined('block', options)],
  ['online', ['peers', 'timeout', 'signal'], (options) => node.online(options)],
  ['stop', ['drain'], (options) => node.stop(options)],
  ['deny', ['for', 'reason'], (options) => node.deny(CAROL, options)],
  ['explain', ['topic', 'peer'], (about) => node.explain(about)],
  ['a typed request', ['signal', 'timeout'], (options) => protocol.client(node).peer(CAROL).add(1, options)],
  ['a typed requestAny', ['signal', 'hedgeAfter'], (options) => protocol.client(node).any(PEERS).add(1, options)],
  ['a typed requestAll', ['signal', 'concurrency'], (options) => protocol.client(node).all(PEERS).add(1, options)],
  ['a typed broadcast', ['waitForPeers', 'receipts', 'signal'], (options) => protocol.client(node).broadcast('sums', 1, options)], // prettier-ignore
  ['a typed broadcasts$', ['replay', 'buffer', 'onOverflow'], (options) => protocol.client(node).broadcasts$('sums', options)], // prettier-ignore
  ['simulate', ['seed', 'latency', 'jitter', 'loss', 'bandwidth'], (options) => simulate(options)],
  ['a skew', ['offset', 'rate'], (skew) => simulate().createNode({}, skew)],
  ['until of a network', ['within'], (options) => simulate().until(Promise.resolve(), options)],
  ['marbles', ['until'], (options) => marbles(net, () => undefined, options)],
  ['explore', ['seeds', 'from', 'schedule'], (options) => explore(options)],
  ['replay', ['partial', 'verify', 'onStep'], (options) => replay(sent, options)],
  ['readRecording', ['partial', 'verify'], (options) => readRecording(sent, options)],
]

describe('an option of a call that is bad', () => {
  it.each(CALLS)('is named: %s', async (_call, options, ask) => {
    const cases = options.flatMap((option) =>
      BAD.map(([what, make]): Case => [`${option}: ${what}`, option, () => ask({ [option]: make() } as never)]),
    )
    expect(await wrongs(cases)).toEqual([])
  })

  it.each(CALLS)('is told when it cannot be read: %s', async (_call, options, ask) => {
    const cases = options.map((option): Case => {
      const get = (): never => {
        throw new Error('hands off')
      }
      return [option, 'hands off', () => ask(Object.defineProperty({}, option, { get, enumerable: true }) as never)]
    })
    expect(await wrongs(cases)).toEqual([])
  })

  it.each(CALLS)('is told when there is no object of them: %s', async (_call, _options, ask) => {
    expect(await wrongs(BAD.map(([what, make]) => [what, '', () => ask(make())]))).toEqual([])
  })
})

const TOP: Record<keyof NodeConfig, true> = {
  listen: true,
  announce: true,
  secret: true,
  dataDir: true,
  bootNodes: true,
  keep: true,
  discoveryInterval: true,
  topics: true,
  stayConnected: true,
  ping: true,
  reqResp: true,
  pubsub: true,
  limits: true,
  access: true,
  scheduler: true,
  logger: true,
  name: true,
  record: true,
}

const GROUPS: Partial<Record<keyof NodeConfig, string[]>> = {
  ping: ['interval', 'timeout', 'test'],
  reqResp: ['connectionKeepAlive', 'requestTimeout', 'maxRequestSize', 'maxResponseSize'],
  pubsub: Object.keys(PUBSUB_OPTIONS),
  limits: Object.keys(LIMIT_RULES),
  access: Object.keys(ACCESS_NAMES),
}

/** Each option, with a config in which it has this value. */
function configsWith(make: () => never): [string, unknown][] {
  return [
    ...Object.keys(TOP).map((name): [string, unknown] => [name, { [name]: make() }]),
    ...Object.entries(GROUPS).flatMap(([group, names]) =>
      names.map((name): [string, unknown] => [name, { [group]: { [name]: make() } }]),
    ),
    ['record', { record: { to: make() } }],
    ['redact', { record: { to: 'file.t2pr', redact: make() } }],
    ['messages', { pubsub: { history: { messages: make() } } }],
    ['bytes', { pubsub: { history: { bytes: make() } } }],
    ['maxSize', { pubsub: { largeMessages: { maxSize: make() } } }],
    ['block', { pubsub: { validators: { block: make() } } }],
    ['behaviourWeight', { pubsub: { scoring: { behaviourWeight: make() } } }],
  ]
}

describe('an option of the config that is bad', () => {
  const begin = async (config: unknown, simulated: boolean): Promise<P2pNode> => {
    const begun = await (simulated ? net.createNode(config as NodeConfig) : createNode(config as NodeConfig))
    await begun.stop() // it should not have begun
    return begun
  }

  it.each(BAD)('is named: %s', async (_what, make) => {
    for (const simulated of [false, true]) {
      const cases = configsWith(make).map(([name, config]): Case => [name, name, () => begin(config, simulated)])
      expect(await wrongs([...cases, ['the config', 'config', () => begin(make(), simulated)]])).toEqual([])
    }
  })

  it('is told when it cannot be read', async () => {
    const get = (): never => {
      throw new Error('hands off')
    }
    const unreadable = (name: string): object => Object.defineProperty({}, name, { get, enumerable: true })
    const groups = Object.entries({ ...GROUPS, record: ['to', 'redact'], scheduler: ['schedule', 'now'] })
    const cases = [
      ...Object.keys(TOP).map((name): Case => [name, `${name} of the config`, () => begin(unreadable(name), false)]),
      ...groups.flatMap(([group, names]) =>
        names.map((name): Case => [name, 'hands off', () => begin({ [group]: unreadable(name) }, false)]),
      ),
      ['a validator', 'block', () => begin({ pubsub: { validators: unreadable('block') } }, false)] satisfies Case,
    ]
    expect(await wrongs(cases)).toEqual([])
  })
})

describe('a part of a protocol that is bad', () => {
  const PARTS = ['name', 'version', 'codecs', 'methods', 'topics']

  it.each(BAD)('is told: %s', async (_what, make) => {
    const cases = [
      ...PARTS.map((part): Case => [part, '', () => defineProtocol({ [part]: make() })]),
      ['a codec', 'codecs.c', () => defineProtocol({ codecs: { c: make() } })] satisfies Case,
      ['a method', 'methods.m', () => defineProtocol({ methods: { m: make() } })] satisfies Case,
      ['a request', 'methods.m', () => defineProtocol({ methods: { m: unary(make(), json()) } })] satisfies Case,
      ['a topic', 'topics.t', () => defineProtocol({ topics: { t: make() } })] satisfies Case,
      ['handlers', 'handler', () => protocol.serve(node, make())] satisfies Case,
      ['a handler', 'add', () => protocol.serve(node, { add: make() })] satisfies Case,
      ['an event handler', 'handle', () => node.setEventHandler(make())] satisfies Case,
      ['its method', 'handleBroadcast', () => node.setEventHandler({ handleBroadcast: make() })] satisfies Case,
      ['a validator', 'block', () => node.validate('block', make())] satisfies Case,
      ['a server', 'files', () => node.serve('files', make())] satisfies Case,
    ]
    expect(await wrongs(cases)).toEqual([])
  })
})
