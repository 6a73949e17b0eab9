/**
 * What a node keeps on disk (`dataDir`): its key, the peers that it remembers and the ports that it had. A file is replaced as a
 * whole, so that a process can be ended at any moment; a damaged file is set aside, and the log says so. A directory that is deleted
 * under a running node is made again. Whatever uses the disk has its time: platform/disk.ts.
 */
import { join, resolve } from 'node:path'
import type { Batch, Event } from '../core/events.js'
import { ageOf } from '../core/peers/pace.js'
import type { State } from '../core/state.js'
import { messageOf } from '../edge/checks.js'
import type { PlainLogger } from '../edge/log.js'
import { P2pError } from '../errors.js'
import { isThere, Unanswered, within } from '../platform/disk.js'
import { makeDirectory } from './files.js'
import { keyFile, keyOf } from './key.js'
import { InUse, lockDirectory, type Lock } from './lock.js'
import { portsOf, withLastPorts } from './ports.js'
import { readRemembered, writeRemembered, type Remembered } from './remembered.js'

/**
 * Peers and addresses that come or go are written together, this long after the first of them, ms. While they go on to come and go,
 * each write waits twice as long as the one before.
 */
const WRITE_AFTER = 500
const WRITE_AFTER_LONGEST = 60_000
/** When nothing but the ages of peers has changed, they are written after this time, ms. */
const WRITE_AGES_AFTER = 300_000

/** A directory is open within this time, or is not used; what takes longer later on is told, ms. */
const ANSWERED_WITHIN = 10_000
/** `stop()` waits no longer for what is written at the end, ms: its two seconds are for the network, too. */
const CLOSED_WITHIN = 700

/** Events that may end a node, which empties its state. */
const ENDS: ReadonlySet<Event['type']> = new Set(['shutdown', 'listenFailed'])

export class DataDir {
  private state: Readonly<State> | undefined
  private timer: NodeJS.Timeout | undefined
  private pause = WRITE_AFTER
  /** What `state.memory.version` was when it was last looked at. */
  private version = 0
  private writtenAt = -Infinity
  /** The remembered peers before the node came to its end, and their version. */
  private last: { peers: Remembered['peers']; version: number } | undefined
  private ports: Remembered['ports']
  /** What the disk is used for. Nothing else is done with it meanwhile. */
  private using: Promise<void> | undefined
  /** Something is to be written after that. */
  private isBehind = false
  private closing: Promise<void> | undefined
  /** What could not be written, and why. */
  private complaints: ReadonlyMap<string, string> = new Map()

  constructor(
    private readonly directory: string,
    readonly secret: string,
    private readonly before: Remembered,
    private lock: Lock,
    private readonly log: PlainLogger,
  ) {
    this.ports = before.ports
  }

  get remembered(): Remembered['peers'] {
    return this.before.peers
  }

  /** Where to listen: free ports are those of the last time, as far as they are free. */
  listen(asked: string[]): Promise<string[]> {
    return withLastPorts(asked, this.ports)
  }

  /** Where the node listens now, by the addresses of `listen`. */
  listens(asked: string[], bound: readonly (readonly string[] | undefined)[]): void {
    const ports = { ...this.ports, ...portsOf(asked, bound) }
    if (JSON.stringify(ports) === JSON.stringify(this.ports)) return
    this.ports = ports
    this.saveSoon()
  }

  /** The node whose memory is to be kept. */
  watch(state: Readonly<State>): void {
    this.state = state
  }

  /** Sees every batch before it is stepped. */
  batch({ at, events }: Batch): void {
    // A drain ends with any event.
    if (this.state?.lifecycle.phase === 'draining' || events.some(({ type }) => ENDS.has(type))) this.keepLast()
    if (events.some(({ type }) => type === 'tick')) this.tick(at)
    // By then it is stepped.
    queueMicrotask(() => {
      this.look()
    })
  }

  private tick(now: number): void {
    if (this.timer === undefined) this.pause = Math.max(WRITE_AFTER, this.pause / 2)
    if (now - this.writtenAt >= WRITE_AGES_AFTER) this.saveSoon()
    else if (this.using === undefined && this.closing === undefined) {
      this.use(async () => {
        if (!(await this.isWhole())) this.saveSoon()
      })
    }
  }

  private look(): void {
    const version = this.live?.memory.version
    if (version === undefined || version === this.version) return
    this.version = version
    this.saveSoon()
  }

  private keepLast(): void {
    const version = this.live?.memory.version
    if (version !== undefined && version !== this.last?.version) this.last = { peers: this.snapshot()!, version }
  }

  /** Writes what is remembered, and unlocks the directory, within `CLOSED_WITHIN`: the log says what has not been done by then. */
  close(): Promise<void> {
    this.closing ??= this.finish()
    return this.closing
  }

  private async finish(): Promise<void> {
    clearTimeout(this.timer)
    let left = 'what is remembered is not stored as it was at the end, and the lock counts until this process has ended'
    const ending = (async () => {
      await this.using
      await this.write()
      left = 'the lock counts until this process has ended'
      await this.lock.release()
    })()
    await within(CLOSED_WITHIN, this.directory, ending).catch((cause: unknown) => {
      this.log('warn', `dataDir ${this.directory} is left as it is: ${messageOf(cause)}; ${left}`, cause)
    })
  }

  private saveSoon(): void {
    if (this.timer !== undefined || this.closing !== undefined) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.pause = Math.min(2 * this.pause, WRITE_AFTER_LONGEST)
      if (this.using === undefined) this.use(() => this.write())
      else this.isBehind = true
    }, this.pause)
    this.timer.unref()
  }

  /** A disk that does not answer is told, and is used again when it has answered. */
  private use(work: () => Promise<void>): void {
    this.using = work().then(() => {
      this.using = undefined
      if (this.isBehind) this.saveSoon()
      this.isBehind = false
    })
    within(ANSWERED_WITHIN, this.directory, this.using).catch((cause: unknown) => {
      this.complain(new Map([['peers', cause]]))
    })
  }

  /** Never fails. */
  private async write(): Promise<void> {
    const peers = this.snapshot() ?? this.last?.peers
    // A node that has never listened has remembered nobody yet, so the file stays as it is.
    if (peers === undefined) return
    this.writtenAt = this.state!.now
    const { ports } = this
    const failures = await this.restore()
      .then(() => writeRemembered(this.directory, { peers, ports }))
      .catch((cause: unknown) => new Map([['peers', cause]]))
    this.complain(failures)
  }

  /** What goes on to fail for the same reason is told once. */
  private complain(failures: ReadonlyMap<string, unknown>): void {
    const before = this.complaints
    this.complaints = new Map([...failures].map(([name, cause]) => [name, messageOf(cause)]))
    for (const [name, message] of this.complaints) {
      if (message === before.get(name)) continue
      const line = `the remembered ${name} could not be written, and the node goes on: ${message}`
      this.log('warn', line, failures.get(name))
    }
  }

  /** The state while it has the peers: not before it has begun, nor after its end. */
  private get live(): Readonly<State> | undefined {
    const phase = this.state?.lifecycle.phase
    return phase === 'running' || phase === 'draining' ? this.state : undefined
  }

  private async isWhole(): Promise<boolean> {
    return (await this.lock.isHeld()) && (await isThere(keyFile(this.directory)))
  }

  /** Somebody may have deleted the directory, or its files, or put another one in its place. */
  private async restore(): Promise<void> {
    if (await this.isWhole()) return
    const hadKey = await isThere(keyFile(this.directory))
    await makeDirectory(this.directory)
    const lock = (await this.lock.isHeld()) ? this.lock : await lockFor(this.directory)
    try {
      await keyOf(this.directory, this.secret, this.log)
    } catch (error) {
      // It is another node's by now.
      if (lock !== this.lock) await lock.release()
      throw error
    }
    if (lock !== this.lock) await this.lock.release()
    this.lock = lock
    if (!hadKey) this.log('warn', `the key was gone from dataDir ${this.directory}, and is written again`)
  }

  /**
   * The peer that was good last comes first. Ages and not dates, so that a clock that was set, or a long pause, makes no peer
   * too old.
   */
  private snapshot(): Remembered['peers'] | undefined {
    const state = this.live
    if (state === undefined) return undefined
    const { memory, connections } = state
    return [...memory.peers]
      .filter(([, { addresses, goodAt }]) => addresses.length > 0 && Number.isFinite(goodAt))
      .map(([peer, known]) => ({
        peer,
        addresses: [...known.addresses],
        age: connections.byPeer.has(peer) ? 0 : Math.max(0, ageOf(state, known)),
      }))
      .sort((a, b) => a.age - b.age)
  }
}

/**
 * Opens the directory, and makes it where there is none. Its key is on disk when the promise resolves.
 * @throws `InvalidConfig`: another process uses it, it cannot be written, its disk does not answer, or its key is not `secret`;
 * `InvalidSecretKey`: its key is damaged or lost
 */
export async function openDataDir(
  path: string,
  secret: string | Uint8Array | undefined,
  log: PlainLogger,
): Promise<DataDir> {
  const directory = absolute(path)
  const opening = opened(directory, secret, log)
  try {
    return await within(ANSWERED_WITHIN, directory, opening)
  } catch (error) {
    // When it comes after all, nobody needs it any more.
    if (error instanceof Unanswered) void opening.then((late) => late.close()).catch(() => undefined)
    throw unusable(directory, error)
  }
}

async function opened(directory: string, secret: string | Uint8Array | undefined, log: PlainLogger): Promise<DataDir> {
  await makeDirectory(directory)
  const lock = await lockFor(directory)
  try {
    warnOfTrouble(lock, directory, log)
    const own = await keyOf(directory, secret, log)
    return new DataDir(directory, own, await readRemembered(directory, log), lock, log)
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** Fails where the working directory has been deleted. */
function absolute(path: string): string {
  try {
    return resolve(path)
  } catch (cause) {
    throw unusable(path, cause)
  }
}

function unusable(directory: string, cause: unknown): P2pError {
  if (cause instanceof P2pError) return cause
  return new P2pError('InvalidConfig', `dataDir ${directory} cannot be used: ${messageOf(cause)}`, { cause })
}

/** @throws `InvalidConfig`: it is in use */
async function lockFor(directory: string): Promise<Lock> {
  try {
    return await lockDirectory(directory)
  } catch (cause) {
    if (!(cause instanceof InUse)) throw cause
    throw new P2pError('InvalidConfig', `dataDir ${directory} is in use ${describe(cause, directory)}`, { cause })
  }
}

function describe({ pid, isUnsure }: InUse, directory: string): string {
  const file = join(directory, 'lock')
  if (pid === 0) return 'by one of several who begin to use it at this moment: give each node a directory of its own'
  if (isUnsure)
    return `by another thread of this process, or was until that ended, which this system does not tell: if it has ended, remove ${file}`
  const who = pid === process.pid ? 'another node of this process' : `process ${pid}`
  const advice = 'stop that one first, or give each node a directory of its own'
  return `by ${who}: ${advice}. If it uses another directory, of which this is a copy, remove ${file}; only one of both may run`
}

/** A directory that can only be read. Whether that is enough depends on whether it has a key. */
function warnOfTrouble({ trouble, isShared }: Lock, directory: string, log: PlainLogger): void {
  if (trouble === undefined) return
  const alone = isShared ? ' Nor can a lock be written elsewhere: see to it that no other process uses it.' : ''
  const message = `dataDir ${directory} cannot be written, so nothing new is kept: ${messageOf(trouble)}.${alone}`
  log('warn', message, trouble)
}
