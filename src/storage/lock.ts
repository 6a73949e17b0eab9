/**
 * A directory that one node uses at a time. The lock is a file in it; where nothing can be written, one in the system's directory for
 * temporary files. (Containers and machines that share a directory are not told apart.)
 */
import { execFile } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { isThere, using } from '../platform/disk.js'
import { readText, sealed, unsealed } from './files.js'

/** How often a lock is tried that others try to get at the same moment. After half a second of pauses, about, they have it. */
const ATTEMPTS = 12
/** The longest pause after the first attempt, ms. It doubles, up to the longest. */
const FIRST_PAUSE = 5
const LONGEST_PAUSE = 160

/** What the name of a claim ends with. */
const CLAIM = /^\.[0-9a-f-]{36}$/

/** `ps` that takes longer is not waited for, ms. */
const PS_WITHIN = 2_000

/** The directory is another node's. */
export class InUse extends Error {
  /**
   * @param pid 0: several begin to use it at this moment
   * @param isUnsure it is another thread of our process, and nothing tells whether that has ended
   */
  constructor(
    readonly pid: number,
    readonly isUnsure = false,
  ) {
    super(`process ${pid} uses it`)
  }
}

/** No lock can be written there. */
class Unwritable extends Error {}

export interface Lock {
  /** Why the directory cannot be written, if it cannot. */
  readonly trouble?: Error
  /** Nothing can be written anywhere, so another process is not kept out. */
  readonly isShared?: boolean
  /** False when somebody has removed or replaced the file, or the directory. */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

/** What a lock file says of its owner. */
interface Owner {
  pid: number
  /** `null`: nobody can tell. */
  started: string | null
  /** Which start of the machine this was: `started` counts from there. `null`: nobody can tell. */
  boot?: string | null
  thread?: number
  /** The number that the system has for the thread, and when it was started; absent: it does not tell. */
  task?: { id: string; started: string }
  /** Tells the locks of one process apart. */
  id?: string
}

/** The locks of this thread, also those of another copy of this package. */
const held = ((globalThis as Record<symbol, unknown>)[Symbol.for('tinyp2p.locks')] ??= new Set()) as Set<string>

/**
 * Takes the directory for this node, also from a process or a thread that is dead, or from a node of this thread that has ended and could
 * not give it back, because the directory was renamed meanwhile.
 * @throws `InUse`; `NoFile`: the lock is no file; what the file system throws when there is no such directory, or the lock cannot be read
 */
export async function lockDirectory(directory: string, temporary = tmpdir()): Promise<Lock> {
  // By its number, because it may have several paths.
  const { dev, ino } = await using(directory, () => stat(directory, { bigint: true }))
  const elsewhere = join(temporary, `tinyp2p-${dev}-${ino}.lock`)
  const here = join(directory, 'lock')
  const lock = await takeEither(here, elsewhere)
  // The other place is looked at afterwards, so that of two who come at once, and could not write to the same place, one sees the other.
  try {
    if (lock.trouble !== undefined) await refuseUsed(await readText(here))
    // (What another user has put elsewhere counts for nothing.)
    const isElsewhere = lock.trouble !== undefined && lock.isShared !== true
    if (!isElsewhere) await refuseUsed(await readText(elsewhere, true).catch(() => undefined))
  } catch (error) {
    await lock.release()
    throw error
  }
  return lock
}

async function takeEither(here: string, elsewhere: string): Promise<Lock> {
  try {
    return await take(here)
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error
    const trouble = error.cause as Error
    try {
      return { ...(await take(elsewhere, true)), trouble }
    } catch (cause) {
      if (cause instanceof InUse) throw cause
      return { trouble, isShared: true, isHeld: () => Promise.resolve(true), release: () => Promise.resolve() }
    }
  }
}

/**
 * Never two get it, however their steps mix and wherever one of them stands still. Each (1) makes a claim, a file with a name of its own,
 * (2) lists the claims of others and removes them, (3) reads the lock and gives way to an owner that lives, (4) renames its claim to the
 * lock, which fails if the claim has been removed. Say P and Q rename in this order. If Q's list has P's claim, that had become the lock before
 * Q could remove it, so Q reads P's lock and gives way. If not, P made its claim after Q began to list, so P's list has Q's claim, and P removes
 * it before it renames its own, so Q cannot rename. A lock is replaced by (4) alone, and appears whole: a damaged one is no living owner's. Two that
 * remove each other's claims try again, after pauses of chance.
 */
async function take(path: string, own = false): Promise<Lock> {
  const id = crypto.randomUUID()
  const us = sealed(JSON.stringify({ ...(await ourselves()), id }))
  const claim = `${path}.${id}`
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(attempt)
    try {
      await writing(writeFile(claim, us, { flag: 'wx', mode: 0o600 }))
      await writing(removeClaims(path, claim, own))
      await refuseUsed(await readText(path, own))
      // Before it is there: nobody may take it for one that was left.
      held.add(us)
      if (!(await becomes(claim, path))) continue
      return {
        isHeld: () => isOurs(path, us, own),
        release: () => release(path, us, own),
      }
    } catch (error) {
      held.delete(us)
      await rm(claim, { force: true }).catch(() => undefined)
      throw error
    }
  }
  held.delete(us)
  throw new InUse(0)
}

/** So long that one of several who try at once is through before the next comes. */
async function pause(attempt: number): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt)
  await new Promise((resolve) => setTimeout(resolve, longest * Math.random()))
}

async function writing(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (cause) {
    throw new Unwritable('no lock can be written there', { cause })
  }
}

/** Those of living ones, too: they try again. */
async function removeClaims(path: string, ours: string, own: boolean): Promise<void> {
  const lock = basename(path)
  for (const name of await readdir(dirname(path))) {
    const other = join(dirname(path), name)
    if (!name.startsWith(lock) || !CLAIM.test(name.slice(lock.length)) || other === ours) continue
    // Where everybody may write, those of other users cannot be removed, and their locks do not count either.
    await rm(other, { force: true }).catch((error: unknown) => {
      if (!own) throw error
    })
  }
}

/** False: another one has removed our claim. */
async function becomes(claim: string, path: string): Promise<boolean> {
  try {
    await rename(claim, path)
    return true
  } catch (cause) {
    if (!(await isThere(claim)) && (cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new Unwritable('no lock can be written there', { cause })
  }
}

async function isOurs(path: string, us: string, own: boolean): Promise<boolean> {
  return (await readText(path, own).catch(() => undefined)) === us
}

/** As long as it is there it is held: another node of this process may look at it at any moment. */
async function release(path: string, us: string, own: boolean): Promise<void> {
  try {
    if (await isOurs(path, us, own)) await using(path, () => rm(path, { force: true }))
  } finally {
    held.delete(us)
  }
}

/** @throws `InUse` if it is a lock, and its owner lives */
async function refuseUsed(text: string | undefined): Promise<void> {
  const content = text === undefined ? undefined : unsealed(text)
  if (content === undefined) return
  const owner = ownerIn(content)
  if (owner === undefined) return
  const { pid, started, boot, thread, task } = owner
  const us = await ourselves()
  const isOther = (mine: string | null, theirs: string | null = null): boolean =>
    mine !== null && theirs !== null && mine !== theirs
  // A copy from another machine, or of the time before this one was started again.
  if (isOther(us.boot, boot)) return
  if (pid !== us.pid && !isAlive(pid)) return
  // Process 1 of a container lives always, and is another one after each start. Where nothing tells when a process was started, one that
  // is alive is taken for the owner.
  const start = pid === us.pid ? us.started : await startOf(pid)
  if (isOther(start, started)) return
  if (pid === us.pid && thread === us.thread) {
    if (held.has(text!)) throw new InUse(pid)
    return
  }
  // A thread may end alone. (A system that tells of the process tells of its threads.)
  const isKnown = task !== undefined && start !== null
  if (isKnown && (await startOf(pid, '/proc', task.id)) !== task.started) return
  throw new InUse(pid, pid === us.pid && !isKnown)
}

/** `undefined`: nobody of ours has written it. */
function ownerIn(content: string): Owner | undefined {
  try {
    const owner = JSON.parse(content) as Partial<Owner> | null
    return Number.isInteger(owner?.pid) && owner!.pid! > 0 ? (owner as Owner) : undefined
  } catch {
    return undefined
  }
}

async function ourselves(): Promise<Owner & { boot: string | null }> {
  const boot = (await look('/proc/sys/kernel/random/boot_id'))?.trim() ?? null
  const owner = { pid: process.pid, started: await startOf(process.pid), boot, thread: threadId }
  const id = ourTask()
  const started = id === undefined ? null : await startOf(process.pid, '/proc', id)
  return id === undefined || started === null ? owner : { ...owner, task: { id, started } }
}

/** Asked by this thread itself, as only calls that are not asynchronous are. (It is no disk, and answers.) */
function ourTask(): string | undefined {
  try {
    return basename(readlinkSync('/proc/thread-self'))
  } catch {
    return undefined
  }
}

async function look(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user has started it.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * When a process, or a thread of it, was started, because their numbers are used again: by `/proc` (Linux), or by `ps` (macOS, BSD). A zombie
 * is dead. `null`: the system does not tell (Windows, the process of another user), or there is none.
 */
export async function startOf(pid: number, proc = '/proc', task?: string): Promise<string | null> {
  const place = task === undefined ? `${pid}` : `${pid}/task/${task}`
  // The name of the program, in brackets, may have blanks in it.
  const fields = (await look(`${proc}/${place}/stat`))?.replace(/^.*\) /s, '').split(' ')
  if (fields === undefined) return task !== undefined || (await isThere(proc)) ? null : startByPs(pid)
  return fields[0] === 'Z' ? 'dead' : (fields[19] ?? null)
}

async function startByPs(pid: number): Promise<string | null> {
  if (process.platform === 'win32') return null
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const args = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]
  const out = await new Promise<string>((resolve) => {
    execFile('ps', args, { env, timeout: PS_WITHIN }, (error, stdout) => {
      resolve(error === null ? stdout : '')
    })
  })
  const [, state, start] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(out) ?? []
  if (state === undefined) return null
  return state.startsWith('Z') ? 'dead' : start!
}
