/**
 * What a node keeps on disk (`dataDir`): its key, and the peers that it remembers. A file is replaced as a whole, so that a process
 * can be ended at any moment; a damaged file is renamed, and the log says so.
 */
import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { base58btc } from 'multiformats/bases/base58'
import type { Settings } from '../core/settings.js'
import type { Batch, Event } from '../core/events.js'
import type { State } from '../core/state.js'
import { checkPeerId, checkTcpAddress, messageOf } from '../edge/checks.js'
import type { Logger } from '../edge/log.js'
import { P2pError } from '../errors.js'
import { newSecret, parseSecret } from '../identity.js'
import { InUse, lockDirectory, readText, replaceFile, sealed, setAside, unsealed } from './files.js'

/** Changes of the remembered peers are written together, this long after the first of them, ms. */
const WRITE_AFTER = 500

/** Events that may change the remembered peers. */
const NEWS: ReadonlySet<Event['type']> = new Set(['identified', 'connectionClosed', 'dialFailed', 'pingFailed'])

/** Events that may end a node, which empties its state. */
const ENDS: ReadonlySet<Event['type']> = new Set(['shutdown', 'listenFailed'])

type RememberedPeers = Settings['remembered']

export class DataDir {
  private state: Readonly<State> | undefined
  private timer: NodeJS.Timeout | undefined
  /** The remembered peers before the node came to its end. */
  private last: RememberedPeers | undefined
  private writing: Promise<void> = Promise.resolve()
  private closing: Promise<void> | undefined
  private complaint: string | undefined

  constructor(
    private readonly peersFile: string,
    readonly secret: string,
    readonly remembered: RememberedPeers,
    private readonly release: () => void,
    private readonly log: Logger,
  ) {}

  /** The node whose memory is to be kept. */
  watch(state: Readonly<State>): void {
    this.state = state
  }

  /** Sees every batch before it is stepped. */
  batch({ events }: Batch): void {
    for (const { type } of events) {
      if (ENDS.has(type)) this.last ??= this.snapshot()
      else if (NEWS.has(type) && this.timer === undefined && this.closing === undefined) {
        this.timer = setTimeout(() => {
          this.timer = undefined
          void this.save()
        }, WRITE_AFTER)
        this.timer.unref()
      }
    }
  }

  /** Writes the remembered peers, and unlocks the directory. */
  close(): Promise<void> {
    this.closing ??= this.finish()
    return this.closing
  }

  private async finish(): Promise<void> {
    clearTimeout(this.timer)
    await this.save()
    try {
      this.release()
    } catch (cause) {
      this.log('warn', `the lock of dataDir was not removed: ${messageOf(cause)}`, cause)
    }
  }

  private save(): Promise<void> {
    const peers = this.last ?? this.snapshot()
    // A node that has never listened has remembered nobody yet, so the file stays as it is.
    if (peers === undefined) return this.writing
    this.writing = this.writing
      .then(() => replaceFile(this.peersFile, sealed(JSON.stringify({ version: 1, peers }))))
      .then(
        () => void (this.complaint = undefined),
        (cause: unknown) => {
          const message = messageOf(cause)
          if (message !== this.complaint) {
            this.log('warn', `the remembered peers could not be written, and the node goes on: ${message}`, cause)
          }
          this.complaint = message
        },
      )
    return this.writing
  }

  /**
   * The peer that was good last comes first. Ages and not dates, so that a clock that was set, or a long pause, makes no peer
   * too old. `undefined`: the state has them not yet, or no more.
   */
  private snapshot(): RememberedPeers | undefined {
    if (this.state === undefined) return undefined
    const { memory, connections, lifecycle, now } = this.state
    if (lifecycle.phase !== 'running' && lifecycle.phase !== 'draining') return undefined
    return [...memory.peers]
      .filter(([, { addresses, goodAt }]) => addresses.length > 0 && Number.isFinite(goodAt))
      .map(([peer, { addresses, goodAt }]) => ({
        peer,
        addresses: [...addresses],
        age: connections.byPeer.has(peer) ? 0 : Math.max(0, now - goodAt),
      }))
      .sort((a, b) => a.age - b.age)
  }
}

/**
 * Opens the directory, and makes it where there is none. Its key is on disk when the promise resolves.
 * @throws `InvalidConfig`: another process uses it, it cannot be written, or its key is not `secret`; `InvalidSecretKey`: its key
 * is damaged
 */
export async function openDataDir(
  path: string,
  secret: string | Uint8Array | undefined,
  log: Logger,
): Promise<DataDir> {
  const directory = resolve(path)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw unusable(directory, cause)
  }
  const release = lock(directory, log)
  try {
    const own = await keyOf(join(directory, 'key'), secret === undefined ? undefined : parseSecret(secret), log)
    const peersFile = join(directory, 'peers')
    return new DataDir(peersFile, own, await readPeers(peersFile, log), release, log)
  } catch (error) {
    release()
    throw error instanceof P2pError ? error : unusable(directory, error)
  }
}

function unusable(directory: string, cause: unknown): P2pError {
  return new P2pError('InvalidConfig', `dataDir ${directory} cannot be used: ${messageOf(cause)}`, { cause })
}

function lock(directory: string, log: Logger): () => void {
  try {
    return lockDirectory(directory)
  } catch (cause) {
    if (cause instanceof InUse) {
      const who = cause.pid === process.pid ? 'another node of this process' : `process ${cause.pid || 'unknown'}`
      const advice = 'stop that one first, or give each node a directory of its own'
      throw new P2pError('InvalidConfig', `dataDir ${directory} is in use by ${who}: ${advice}`, { cause })
    }
    // At best it can be read. Whether that is enough depends on whether it has a key.
    log('warn', `dataDir ${directory} cannot be written, so nothing new is kept: ${messageOf(cause)}`, cause)
    return () => undefined
  }
}

/** The key is stored twice, each time with a checksum, so that one wrong byte does not lose the identity. */
async function keyOf(path: string, given: Uint8Array | undefined, log: Logger): Promise<string> {
  const text = await readText(path)
  const wanted = given === undefined ? undefined : base58btc.baseEncode(given)
  if (text === undefined) return writeKey(path, wanted ?? newSecret())
  await warnOfMode(path, log)
  const key = text
    .split('\n')
    .map(unsealed)
    .find((copy) => copy !== undefined)
  if (key === undefined && wanted === undefined) {
    const advice = 'restore it, or move it away to begin with a new identity'
    throw new P2pError('InvalidSecretKey', `the key in ${path} is damaged: ${advice}`)
  }
  if (key !== undefined && wanted !== undefined && key !== wanted) {
    throw new P2pError(
      'InvalidConfig',
      'secret and dataDir name two identities: leave out secret, or choose another dataDir',
    )
  }
  if (key !== undefined && text === keyText(key)) return key
  const own = (key ?? wanted)!
  try {
    const aside = await setAside(path)
    await writeKey(path, own)
    log('warn', `the key file was damaged and is repaired; what was there is in ${aside}`)
  } catch (cause) {
    log('warn', `the key file ${path} is damaged and could not be repaired: ${messageOf(cause)}`, cause)
  }
  return own
}

async function writeKey(path: string, secret: string): Promise<string> {
  await replaceFile(path, keyText(secret))
  return secret
}

/** An empty line is between the copies: a flipped bit in a single line break would damage both. */
function keyText(secret: string): string {
  return `${sealed(secret)}\n\n${sealed(secret)}\n`
}

async function warnOfMode(path: string, log: Logger): Promise<void> {
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) log('warn', `others may read the key ${path}: chmod 600 it`)
}

async function readPeers(path: string, log: Logger): Promise<RememberedPeers> {
  try {
    const text = await readText(path)
    if (text === undefined) return []
    const peers = peersOf(text)
    if (peers !== undefined) return peers
    const aside = await setAside(path)
    log('warn', `the remembered peers were damaged, and begin anew; what was there is in ${aside}`)
  } catch (cause) {
    log('warn', `the remembered peers could not be read: ${messageOf(cause)}`, cause)
  }
  return []
}

/**
 * `undefined`: it is damaged. Fields that a later version has added are ignored, and so are addresses that this version does not
 * dial: peers say of themselves what they like.
 */
function peersOf(text: string): RememberedPeers | undefined {
  const content = unsealed(text)
  if (content === undefined) return undefined
  try {
    const { peers } = JSON.parse(content) as { peers: RememberedPeers }
    return peers.map(({ peer, addresses, age }) => {
      if (!Number.isFinite(age)) throw new TypeError('an age is a number')
      return { peer: checkPeerId(peer), addresses: addresses.filter(isTcp), age }
    })
  } catch {
    return undefined
  }
}

function isTcp(address: string): boolean {
  try {
    checkTcpAddress(address)
    return true
  } catch {
    return false
  }
}
