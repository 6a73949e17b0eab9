/**
 * A directory that one node uses at a time. The lock is a file in it; where nothing can be written, one in the system's directory for
 * temporary files. (Containers and machines that share a directory are not told apart.)
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { sealed, unsealed } from './files.js'

/** A lock file without contents that is older than this was left by a dead process, ms. */
const WRITTEN_WITHIN = 2_000

/** What file systems say that have no hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** `ps` that takes longer is not waited for, ms. */
const PS_WITHIN = 2_000

/** The directory is another node's. */
export class InUse extends Error {
  constructor(readonly pid: number) {
    super(`process ${pid} uses it`)
  }
}

export interface Lock {
  /** Why the directory cannot be written, if it cannot. */
  readonly trouble?: Error
  /** Nothing can be written anywhere, so another process is not kept out. */
  readonly isShared?: boolean
  /** False when somebody has removed or replaced the file, or the directory. */
  isHeld(): boolean
  release(): void
}

/** What a lock file says of its owner. */
interface Owner {
  pid: number
  /** `null`: nobody can tell. */
  started: string | null
  /** Which start of the machine this was: `started` counts from there. `null`: nobody can tell. */
  boot?: string | null
  thread?: number
  /** Tells the locks of one process apart. */
  id?: string
}

/** The locks of this thread, also those of another copy of this package. */
const held = ((globalThis as Record<symbol, unknown>)[Symbol.for('tinyp2p.locks')] ??= new Set()) as Set<string>

/**
 * Takes the directory for this node, also from a process that is dead, or from a node of this process that has ended and could not
 * give it back, because the directory was renamed meanwhile.
 * @throws `InUse`; what the file system throws when there is no such directory
 */
export function lockDirectory(directory: string, temporary = tmpdir()): Lock {
  // By its number, because it may have several paths.
  const { dev, ino } = statSync(directory, { bigint: true })
  const elsewhere = join(temporary, `tinyp2p-${dev}-${ino}.lock`)
  const here = join(directory, 'lock')
  const lock = takeEither(here, elsewhere)
  // The other place is looked at afterwards, so that of two who come at once, and could not write to the same place, one sees the other.
  const [other, text] = lock.trouble === undefined ? [elsewhere, readOwn(elsewhere)] : [here, read(here)]
  const owner = livingOwner(other, text)
  if (owner === undefined) return lock
  lock.release()
  throw new InUse(owner)
}

function takeEither(here: string, elsewhere: string): Lock {
  try {
    return take(here)
  } catch (error) {
    if (error instanceof InUse) throw error
    const trouble = error as Error
    try {
      return { ...take(elsewhere, readOwn), trouble }
    } catch (cause) {
      if (cause instanceof InUse) throw cause
      return { trouble, isShared: true, isHeld: () => true, release: () => undefined }
    }
  }
}

function take(path: string, readLock = read): Lock {
  const owner: Owner = { ...ourselves(), id: crypto.randomUUID() }
  const us = sealed(JSON.stringify(owner))
  for (let attempt = 0; ; attempt++) {
    try {
      create(path, us)
      held.add(us)
      const isHeld = (): boolean => readLock(path) === us
      const release = (): void => {
        held.delete(us)
        if (isHeld()) rmSync(path, { force: true })
      }
      return { isHeld, release }
    } catch (error) {
      // Whatever went wrong: a full or a read-only disk says so before it says that there is a lock.
      const text = readLock(path)
      const pid = livingOwner(path, text)
      if (pid !== undefined) throw new InUse(pid)
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // What another user has put there says nothing of the directory, and we cannot remove it.
      if (attempt > 2 && readLock === readOwn) throw error
      if (attempt > 2) throw new InUse(0)
      if (text !== undefined) removeStale(path, text)
    }
  }
}

/**
 * Complete or not at all, because a process may be killed at any moment: a lock without a name in it would be in everybody's way for a
 * while. Where there are no hard links it is written in place.
 * @throws if it is there
 */
function create(path: string, text: string): void {
  const draft = `${path}.${crypto.randomUUID()}`
  try {
    writeWhole(draft, text)
    linkSync(draft, path)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    writeWhole(path, text)
  } finally {
    rmSync(draft, { force: true })
  }
}

function writeWhole(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
  } catch (error) {
    // The disk is full.
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** Removes the lock with this text, and not one that another process has taken meanwhile. @throws if nothing can be removed there */
function removeStale(path: string, text: string): void {
  const aside = `${path}.${crypto.randomUUID()}`
  try {
    renameSync(path, aside)
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  // By a rename, which needs neither room nor hard links. A third process that has taken it meanwhile came later, and loses it.
  if (read(aside) === text) rmSync(aside, { force: true })
  else renameSync(aside, path)
}

function livingOwner(path: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const content = unsealed(text)
  if (content === undefined) {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0 }
    return Date.now() - mtimeMs < WRITTEN_WITHIN ? 0 : undefined
  }
  const { pid, started, boot, thread } = JSON.parse(content) as Owner
  const us = ourselves()
  const isOther = (mine: string | null, theirs: string | null = null): boolean =>
    mine !== null && theirs !== null && mine !== theirs
  // A copy from another machine, or of the time before this one was started again.
  if (isOther(us.boot, boot)) return undefined
  // Process 1 of a container lives always, and is another one after each start.
  if (pid === us.pid) {
    if (isOther(us.started, started)) return undefined
    return thread !== us.thread || held.has(text) ? pid : undefined
  }
  // Where nothing tells when a process was started, one that is alive is taken for the owner.
  return isAlive(pid) && !isOther(startOf(pid), started) ? pid : undefined
}

function ourselves(): Owner & { boot: string | null } {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim() ?? null
  return { pid: process.pid, started: startOf(process.pid), boot, thread: threadId }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * A file in a directory that is everybody's: `undefined` also if it is not a file of our own user, but one that somebody has put there, or
 * a link or a pipe.
 */
function readOwn(path: string): string | undefined {
  // (Windows has neither, and a directory of temporary files for each user.)
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>
  try {
    const file = openSync(path, O_RDONLY! | O_NOFOLLOW | O_NONBLOCK)
    try {
      const stats = fstatSync(file)
      const isOurs = process.geteuid === undefined || stats.uid === process.geteuid()
      return isOurs && stats.isFile() ? readFileSync(file, 'utf8') : undefined
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
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
 * When a process was started, because process ids are used again: by `/proc` (Linux), or by `ps` (macOS, BSD). A zombie is dead.
 * `null`: the system does not tell (Windows, or the process of another user).
 */
export function startOf(pid: number, proc = '/proc'): string | null {
  // The name of the program, in brackets, may have blanks in it.
  const fields = read(`${proc}/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ')
  if (fields === undefined) return existsSync(proc) ? null : startByPs(pid)
  return fields[0] === 'Z' ? 'dead' : (fields[19] ?? null)
}

function startByPs(pid: number): string | null {
  if (process.platform === 'win32') return null
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const args = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]
  const { stdout, status } = spawnSync('ps', args, { encoding: 'utf8', env, timeout: PS_WITHIN })
  const [, state, start] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(status === 0 ? stdout : '') ?? []
  if (state === undefined) return null
  return state.startsWith('Z') ? 'dead' : start!
}
