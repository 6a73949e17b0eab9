/** The public config: its options, their defaults, and the errors for values that are not valid. */
import type { SchedulerLike } from 'rxjs'
import { isAnyPort, isUnspecified, peerOf } from '../core/peers/addresses.js'
import { limitsOf, LIMIT_RULES, type Limits } from '../core/limits/limits.js'
import type { PubsubOptions } from '../core/pubsub.js'
import { defaultSettings, type Settings } from '../core/settings.js'
import { checkNumber, checkObject, checkTopic, inOption, reading, show, type Names } from '../edge/checks.js'
import { checkTarget, checkTcpAddress, type Target } from '../edge/targets.js'
import type { Authorize } from '../edge/access/authorizer.js'
import type { Validator } from '../edge/broadcasts/validators.js'
import type { LogEntry } from '../edge/log.js'
import { isLikeAddress } from '../edge/meant.js'
import { checkPath } from '../edge/paths.js'
import { P2pError } from '../errors.js'
import { ACCESS_NAMES, readAccess, type AccessConfig } from './access.js'
import { readLogConfig } from './log.js'
import { placesIn } from './places.js'
import { PUBSUB_OPTIONS, readPubsub, type PubsubConfig } from './pubsub.js'
import { readRecord, type RecordingSink, type RecordOptions } from '../recording/options.js'
import { MAX_DELAY } from '../platform/timers.js'

/** The config of a node. Every option is optional, and `undefined` means its default. An unknown option is `InvalidConfig`. */
export interface NodeConfig {
  /**
   * Multiaddrs to listen on. Default: `/ip4/0.0.0.0/tcp/0`, every interface and a free port: another one after each start, so name a
   * fixed port where others are to find the node again after a restart. With `dataDir` a free port (`tcp/0`) is that of the last time,
   * unless another program has taken it. One that is named twice counts once. Of several, those that cannot be listened on are a
   * warning in the log, each with its reason; when none can, `createNode` rejects with `ListenError`.
   */
  listen?: string | string[] | undefined
  /**
   * Multiaddrs at which others reach us, in place of those that we listen on: behind a port mapping, a proxy or a name. Without
   * `/p2p`. They are told as they are, and nobody checks them; `addresses` of the node and of its status show them, so with a mapped
   * port `listen` names a fixed one too. Default: what we listen on, as interfaces come and go, and the addresses at which peers of three hosts say that
   * they have reached us.
   */
  announce?: string | string[] | undefined
  /** The identity: 32 secret bytes, or their base58 text (`newSecret()` makes one). Default: a new identity. */
  secret?: string | Uint8Array | undefined
  /**
   * The path of a directory for this node alone; it is made when it does not exist. The node keeps its key there (mode 0600, not
   * encrypted), the peers that it remembers, and the free ports that it had. So it is the same peer after a restart, and finds its
   * network without boot nodes, as long as one of those peers is where it was. A directory that can only be read will do if it has a
   * key; nothing new is kept then.
   * `InvalidConfig` if another node uses the directory, or if `secret` is not the key in it; `InvalidSecretKey` if the key is damaged,
   * or missing where the peers are still there. Default: nothing is kept. Needs Node's file system.
   */
  dataDir?: string | undefined
  /**
   * Peers to begin with: multiaddrs that end in `/p2p/<peer id>`. One that is down is tried again for ever, at the pauses of
   * `keep`. Default: none.
   */
  bootNodes?: string | string[] | undefined
  /**
   * Peers to stay connected to, for ever: peer ids, or multiaddrs that end in one. A connection to such a peer is not closed when it
   * is idle; when it is lost, the peer is dialled again after 250 ms, and after pauses that grow: up to 0.8 s while nobody is
   * connected, otherwise up to 4 s, or `discoveryInterval` if that is shorter. (If it hangs up again and again: up to 4 s, or
   * `discoveryInterval`.) It is looked up in the network at ticks too, because it may have moved.
   */
  keep?: string | string[] | undefined
  /** Milliseconds between two discovery ticks. Default 30,000; the first tick comes after 5,000 or sooner. */
  discoveryInterval?: number | undefined
  /** Topics (one, or a list) that are joined at the start and never left, each of 1 to 256 characters. Default: none. */
  topics?: string | string[] | undefined
  /**
   * While at most so many peers are connected, no connection is closed because nothing uses it: a small network stays connected.
   * From 0 to 1,000,000, default 30.
   */
  stayConnected?: number | undefined
  /** How the node finds out that a connection is dead. */
  ping?:
    | {
        /** Milliseconds between two pings of every connected peer. Default 15,000. */
        interval?: number | undefined
        /**
         * A connection is closed when for so many milliseconds after a ping neither the answer nor any other byte has come over it. A
         * peer that dies is found after up to `interval` and `timeout` together. Default 20,000.
         */
        timeout?: number | undefined
        /**
         * Once the peer has opened another connection, requests go over the new one until the old one answers. Broadcasts do after so
         * long, and after twice that the old one is closed; later only while bytes of ours may be ahead of the ping. In a drain a
         * peer has so long to answer. At most `timeout`; default 1,000, or `timeout` if that is shorter.
         */
        test?: number | undefined
      }
    | undefined
  /** Requests: times and sizes. */
  reqResp?:
    | {
        /**
         * Milliseconds after which an unused connection is closed, when more than `stayConnected` peers are connected. Default 10,000.
         * The other side is asked first, if it supports that; the Rust tinyp2p does not.
         */
        connectionKeepAlive?: number | undefined
        /**
         * Milliseconds that a request of ours may take, if it names no other `timeout`, and that a handler of ours may take to answer
         * one. A peer's request that still comes, and an answer that still goes, have the time that their asker gives them. Default
         * 10,000.
         */
        requestTimeout?: number | undefined
        /** The largest request that we send or take, bytes. Default 1,048,576. */
        maxRequestSize?: number | undefined
        /** The largest response, or value of a stream of them, that we take, bytes. Default 1,048,576. */
        maxResponseSize?: number | undefined
      }
    | undefined
  /** Broadcasts: sizes, ids, validators, history, scores. */
  pubsub?: PubsubConfig | undefined
  /**
   * What others may use of this node: docs/limits.md has every limit, with its unit, its default and the reason.
   */
  limits?: { [Limit in keyof Limits]?: Limits[Limit] | undefined } | undefined
  /** Who may come in: lists, a question to the application, and the key of a private network. docs/access.md says more. */
  access?: AccessConfig | undefined
  /** The one scheduler of everything in the node. Tests pass a virtual one. (`queueScheduler` gathers nothing: not supported.) */
  scheduler?: SchedulerLike | undefined
  /**
   * Called with each log line, of every level. `false`: the node is silent. Default: warnings and errors go to standard error. The
   * environment variable `TINYP2P_LOG` then names another least level: `error`, `warn`, `info` or `debug`; `off` is none.
   */
  logger?: ((entry: LogEntry) => void) | false | undefined
  /** The node's name in its log lines, in place of its peer id: 1 to 64 printable characters. No other node sees it. Default: none. */
  name?: string | undefined
  /**
   * Records everything that enters the node, so that `replay` of tinyp2p/testing can run it again: into a new file, given by its
   * path, or into a sink. Default: nothing is recorded. docs/recording.md says more.
   */
  record?: string | RecordingSink | RecordOptions | undefined
}

const NAMES: Names<NodeConfig> = {
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
const REQ_RESP_NAMES: Names<NonNullable<NodeConfig['reqResp']>> = {
  connectionKeepAlive: true,
  requestTimeout: true,
  maxRequestSize: true,
  maxResponseSize: true,
}
const PING_NAMES: Names<NonNullable<NodeConfig['ping']>> = { interval: true, timeout: true, test: true }
const LIMIT_NAMES = Object.fromEntries(Object.keys(LIMIT_RULES).map((name) => [name, true])) as Names<Limits>
const elsewhere = placesIn({
  ...NAMES,
  reqResp: REQ_RESP_NAMES,
  ping: PING_NAMES,
  pubsub: PUBSUB_OPTIONS,
  limits: LIMIT_NAMES,
  access: ACCESS_NAMES,
})
const MAX_SIZE = 2 ** 31 - 1
const MAX_CONNECTED = 1_000_000

/** A config, checked and with its defaults: what each part of a node needs of it. */
export interface CheckedConfig {
  settings: Settings
  /** Of the node in its log; `undefined`: it has none. */
  name: string | undefined
  pubsub: PubsubOptions
  validators: Readonly<Record<string, Validator>>
  authorize: Authorize | undefined
  /** The 32 bytes; `undefined`: the network is open to all. */
  networkKey: Uint8Array | undefined
  /** `undefined`: nothing is recorded. */
  record: Required<RecordOptions> | undefined
  /** `undefined`: nothing is kept. */
  dataDir: string | undefined
}

/** Checks everything but the secret (`identity.ts` does that). @throws `InvalidConfig`, `InvalidAddress`, `InvalidPeerId` */
export function readConfig(config: NodeConfig): CheckedConfig {
  checkObject(config, 'the config', NAMES, elsewhere)
  const { reqResp = {}, ping = {}, limits = {}, announce = [], bootNodes = [], keep = [], topics = [] } = config
  checkObject(reqResp, 'reqResp', REQ_RESP_NAMES, elsewhere)
  checkObject(ping, 'ping', PING_NAMES, elsewhere)
  checkObject(limits, 'limits', LIMIT_NAMES, elsewhere)
  checkScheduler(config.scheduler)
  const name = readLogConfig(config)
  const record = readRecord(config.record)
  const { access, authorize, networkKey } = readAccess(config.access, elsewhere)
  const pubsub = readPubsub(config.pubsub, elsewhere)
  const dataDir =
    config.dataDir === undefined ? undefined : checkPath(config.dataDir, 'dataDir', 'the path of a directory')
  const time = (value: number | undefined, what: string, standard: number): number =>
    value === undefined ? standard : checkNumber(value, what, 'ms', 1, MAX_DELAY)
  const size = (value: number | undefined, what: string, standard: number): number =>
    value === undefined ? standard : checkNumber(value, what, 'bytes', 1, MAX_SIZE)
  const standard = defaultSettings
  const discoveryInterval = time(config.discoveryInterval, 'discoveryInterval', standard.discoveryInterval)
  const pingTimeout = time(ping.timeout, 'ping.timeout', standard.pingTimeout)
  const settings: Settings = {
    ...standard,
    ...pubsub.settings,
    listen: listenAddresses(config.listen === undefined ? standard.listen : config.listen),
    announce: announced(announce),
    bootNodes: bootPeers(bootNodes),
    keep: keptPeers(keep),
    topics: unique(list(topics, 'topics').map((topic) => inOption('topics', () => checkTopic(topic)))),
    discoveryInterval,
    firstTick: Math.min(standard.firstTick, discoveryInterval),
    stayConnected:
      config.stayConnected === undefined
        ? standard.stayConnected
        : checkNumber(config.stayConnected, 'stayConnected', 'peers', 0, MAX_CONNECTED),
    pingInterval: time(ping.interval, 'ping.interval', standard.pingInterval),
    pingTimeout,
    pingTest: time(ping.test, 'ping.test', Math.min(standard.pingTest, pingTimeout)),
    connectionKeepAlive: time(reqResp.connectionKeepAlive, 'reqResp.connectionKeepAlive', standard.connectionKeepAlive),
    requestTimeout: time(reqResp.requestTimeout, 'reqResp.requestTimeout', standard.requestTimeout),
    maxRequestSize: size(reqResp.maxRequestSize, 'reqResp.maxRequestSize', standard.maxRequestSize),
    maxResponseSize: size(reqResp.maxResponseSize, 'reqResp.maxResponseSize', standard.maxResponseSize),
    limits: readLimits(limits),
    access,
  }
  if (settings.pingTest > pingTimeout) {
    const message = `ping.test must be at most ping.timeout (${pingTimeout} ms), not ${settings.pingTest}`
    throw new P2pError('InvalidConfig', message)
  }
  const { options, validators } = pubsub
  return { settings, name, pubsub: options, validators, authorize, networkKey, record, dataDir }
}

function readLimits(limits: NonNullable<NodeConfig['limits']>): Limits {
  const given: Partial<Limits> = {}
  for (const [name, { unit, least, most }] of Object.entries(LIMIT_RULES)) {
    const value = limits[name as keyof Limits]
    if (value !== undefined) given[name as keyof Limits] = checkNumber(value, `limits.${name}`, unit, least, most)
  }
  return limitsOf(given)
}

function listenAddresses(listen: string | string[]): string[] {
  const addresses = list(listen, 'listen')
  if (addresses.length === 0) throw new P2pError('InvalidConfig', 'listen must name at least one multiaddr, not none')
  return unique(addresses.map((address) => inOption('listen', () => checkListen(address))))
}

function checkListen(address: string): string {
  const checked = checkTcpAddress(address, { check: checkListen, ending: '' })
  if (peerOf(checked) === undefined) return checked
  throw new P2pError('InvalidAddress', `${show(address)} cannot be listened on: leave out its /p2p part`)
}

function announced(announce: string | string[]): string[] {
  return unique(list(announce, 'announce').map((address) => inOption('announce', () => checkAnnounced(address))))
}

function checkAnnounced(address: string): string {
  const checked = checkTcpAddress(address, { check: checkAnnounced, ending: '' })
  const cannot = (why: string): P2pError =>
    new P2pError('InvalidAddress', `${show(address)} cannot be announced: ${why}`)
  if (peerOf(checked) !== undefined) throw cannot('leave out its /p2p part')
  if (isUnspecified(checked)) throw cannot('name the address at which others reach this node, not every interface')
  if (isAnyPort(checked)) throw cannot('name the port at which others reach this node, not any')
  return checked
}

function bootPeers(nodes: string | string[]): Record<string, string[]> {
  const form = 'must be a multiaddr that ends in /p2p/<peer id>'
  for (const node of list(nodes, 'bootNodes')) {
    if (node.startsWith('/') || isLikeAddress(node)) continue
    throw new P2pError('InvalidAddress', `bootNodes: ${show(node)} ${form}${node === '' ? ', or be left out' : ''}`)
  }
  return byPeer(nodes, 'bootNodes', form, ({ target, addresses }) => addresses.length > 0 && !target.startsWith('/'))
}

function keptPeers(peers: string | string[]): Record<string, string[]> {
  const form = 'must be a peer id, or a multiaddr that ends in /p2p/<peer id>'
  return byPeer(peers, 'keep', form, ({ target }) => !target.startsWith('/'))
}

/** The addresses of each peer that an option names. @throws what `checkTarget` does, with the option's name */
function byPeer(
  peers: string | string[],
  option: string,
  form: string,
  isRight: (target: Target) => boolean,
): Record<string, string[]> {
  const addressesOf: Record<string, string[]> = {}
  for (const peer of list(peers, option)) {
    const target = inOption(option, () => checkTarget(peer))
    if (!isRight(target)) throw new P2pError('InvalidAddress', `${option}: ${show(peer)} ${form}`)
    addressesOf[target.target] = unique([...(addressesOf[target.target] ?? []), ...target.addresses])
  }
  return addressesOf
}

/** What is named twice counts once. */
function unique(texts: string[]): string[] {
  return [...new Set(texts)]
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
  if (scheduler === undefined || isScheduler(scheduler)) return
  throw new P2pError(
    'InvalidConfig',
    `scheduler must be an RxJS scheduler (with schedule and now), not ${show(scheduler)}`,
  )
}

function isScheduler(value: unknown): boolean {
  return reading('scheduler', () => {
    const { schedule, now } = (value ?? {}) as Partial<SchedulerLike>
    return typeof schedule === 'function' && typeof now === 'function'
  })
}
