/** The public config: what it may say, what it means when it says nothing, and what is wrong with it. */
import type { SchedulerLike } from 'rxjs'
import { isUnspecified, peerOf } from '../core/peers/addresses.js'
import type { PubsubOptions } from '../core/pubsub.js'
import { defaultSettings, type Settings } from '../core/settings.js'
import { checkNumber, checkObject, checkTarget, checkTcpAddress, checkTopic, show } from '../edge/checks.js'
import type { Validator } from '../edge/broadcasts/validators.js'
import type { LogEntry } from '../edge/log.js'
import { P2pError } from '../errors.js'
import { readPubsub, type PubsubConfig } from './pubsub.js'
import { readRecord, type RecordingSink, type RecordOptions } from '../recording/options.js'
import { MAX_DELAY } from '../platform/timers.js'

export interface NodeConfig {
  /** Multiaddrs to listen on. Default: `/ip4/0.0.0.0/tcp/0`, every interface and a free port. */
  listen?: string | string[]
  /**
   * Multiaddrs at which others reach us, in place of those that we listen on: behind a port mapping, a proxy or a name. Without
   * `/p2p`. Default: what we listen on, as interfaces come and go.
   */
  announce?: string | string[]
  /** The identity: 32 secret bytes, or their base58 text (`newSecret()` makes one). Default: a new identity. */
  secret?: string | Uint8Array
  /** Peers to begin with: multiaddrs that end in `/p2p/<peer id>`. One that is down is tried again at each tick. */
  bootNodes?: string | string[]
  /** Milliseconds between two discovery ticks. Default 30,000; the first tick comes after 5,000 or sooner. */
  discoveryInterval?: number
  /** Topics that are joined at the start and never left, each of 1 to 256 characters. Default: none. */
  topics?: string[]
  reqResp?: {
    /** Milliseconds after which a connection without use is closed. Default 10,000. */
    connectionKeepAlive?: number
    /** Milliseconds that a request may take, ours and those of others; ours can name another `timeout`. Default 10,000. */
    requestTimeout?: number
    /** The largest request that we send or take, bytes. Default 1,048,576. */
    maxRequestSize?: number
    /** The largest response, or value of a stream of them, that we take, bytes. Default 1,048,576. */
    maxResponseSize?: number
  }
  /** Broadcasts: sizes, ids, validators, history, scores. */
  pubsub?: PubsubConfig
  /** The one scheduler of everything in the node. Tests pass a virtual one. (`queueScheduler` gathers nothing: not supported.) */
  scheduler?: SchedulerLike
  /** Called with each log line. Default: none; with the environment variable `TINYP2P_LOG`, standard error from that level on. */
  logger?: (entry: LogEntry) => void
  /**
   * Records everything that enters the node, so that `replay` of tinyp2p/testing can run it again: into a new file, given by its
   * path, or into a sink. Default: nothing is recorded. docs/recording.md says more.
   */
  record?: string | RecordingSink | RecordOptions
}

const KEYS = [
  'listen',
  'announce',
  'secret',
  'bootNodes',
  'discoveryInterval',
  'topics',
  'reqResp',
  'pubsub',
  'scheduler',
  'logger',
  'record',
]
const REQ_RESP_KEYS = ['connectionKeepAlive', 'requestTimeout', 'maxRequestSize', 'maxResponseSize']
const MAX_SIZE = 2 ** 31 - 1

/** A config, checked and with its defaults: what each part of a node needs of it. */
export interface CheckedConfig {
  settings: Settings
  pubsub: PubsubOptions
  validators: Readonly<Record<string, Validator>>
  /** `undefined`: nothing is recorded. */
  record: Required<RecordOptions> | undefined
}

/** Checks everything but the secret (`identity.ts` does that). @throws `InvalidConfig`, `InvalidAddress`, `InvalidPeerId` */
export function readConfig(config: NodeConfig): CheckedConfig {
  checkObject(config, 'the config', KEYS)
  checkObject(config.reqResp ?? {}, 'reqResp', REQ_RESP_KEYS)
  checkScheduler(config.scheduler)
  if (config.logger !== undefined && typeof config.logger !== 'function') {
    throw new P2pError('InvalidConfig', `logger must be a function, not ${show(config.logger)}`)
  }
  const record = readRecord(config.record)
  const pubsub = readPubsub(config.pubsub)
  const { reqResp = {} } = config
  const time = (value: number | undefined, what: string, standard: number): number =>
    value === undefined ? standard : checkNumber(value, what, 'ms', 1, MAX_DELAY)
  const size = (value: number | undefined, what: string, standard: number): number =>
    value === undefined ? standard : checkNumber(value, what, 'bytes', 1, MAX_SIZE)
  const standard = defaultSettings
  const discoveryInterval = time(config.discoveryInterval, 'discoveryInterval', standard.discoveryInterval)
  const settings: Settings = {
    ...standard,
    ...pubsub.settings,
    listen: listenAddresses(config.listen ?? standard.listen),
    announce: announced(config.announce ?? []),
    bootNodes: bootNodes(config.bootNodes ?? []),
    topics: list(config.topics ?? [], 'topics').map(checkTopic),
    discoveryInterval,
    firstTick: Math.min(standard.firstTick, discoveryInterval),
    connectionKeepAlive: time(reqResp.connectionKeepAlive, 'connectionKeepAlive', standard.connectionKeepAlive),
    requestTimeout: time(reqResp.requestTimeout, 'requestTimeout', standard.requestTimeout),
    maxRequestSize: size(reqResp.maxRequestSize, 'maxRequestSize', standard.maxRequestSize),
    maxResponseSize: size(reqResp.maxResponseSize, 'maxResponseSize', standard.maxResponseSize),
  }
  return { settings, pubsub: pubsub.options, validators: pubsub.validators, record }
}

function listenAddresses(listen: string | string[]): string[] {
  const addresses = list(listen, 'listen')
  if (addresses.length === 0) throw new P2pError('InvalidConfig', 'listen must name at least one multiaddr, not none')
  return addresses.map((address) => {
    const checked = checkTcpAddress(address)
    if (peerOf(checked) === undefined) return checked
    throw new P2pError('InvalidAddress', `${show(address)} cannot be listened on: leave out its /p2p part`)
  })
}

function announced(announce: string | string[]): string[] {
  return list(announce, 'announce').map((address) => {
    const checked = checkTcpAddress(address)
    const cannot = (why: string): P2pError =>
      new P2pError('InvalidAddress', `announce: ${show(address)} cannot be announced: ${why}`)
    if (peerOf(checked) !== undefined) throw cannot('leave out its /p2p part')
    if (isUnspecified(checked)) throw cannot('name the address at which others reach this node, not every interface')
    if (/\/tcp\/0$/.test(checked)) throw cannot('name the port at which others reach this node, not any')
    return checked
  })
}

function bootNodes(nodes: string | string[]): Record<string, string[]> {
  const byPeer: Record<string, string[]> = {}
  for (const address of list(nodes, 'bootNodes')) {
    const { target, addresses } = checkTarget(address)
    if (addresses.length === 0 || target.startsWith('/')) {
      throw new P2pError(
        'InvalidAddress',
        `the boot node ${show(address)} must be a multiaddr that ends in /p2p/<peer id>`,
      )
    }
    ;(byPeer[target] ??= []).push(...addresses)
  }
  return byPeer
}

/** One text or several, as several. */
function list(value: unknown, what: string): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value]
  for (const one of values) {
    if (typeof one === 'string') continue
    throw new P2pError('InvalidConfig', `${what} must be made of texts, not of ${show(one)}`)
  }
  return values as string[]
}

function checkScheduler(scheduler: unknown): void {
  if (scheduler === undefined) return
  const { schedule, now } = (scheduler ?? {}) as Partial<SchedulerLike>
  if (typeof schedule === 'function' && typeof now === 'function') return
  throw new P2pError(
    'InvalidConfig',
    `scheduler must be an RxJS scheduler (with schedule and now), not ${show(scheduler)}`,
  )
}
