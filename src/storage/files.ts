/** Files that survive the end of a process at any moment: whole or not there, and a directory that one process uses at a time. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from '../platform/checksums.js'

/**
 * Replaces a file as a whole: after a crash it has the old contents or the new ones. They are on disk when the promise
 * resolves.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  try {
    // Only its owner may read it, from the first byte on.
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Windows cannot sync a directory. There the rename has to do. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined)
  try {
    await directory?.sync().catch(() => undefined)
  } finally {
    await directory?.close()
  }
}

/** `undefined`: there is no such file. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Moves a damaged file out of the way, to `NAME.damaged-1`, `-2` …, so that nothing is lost that could still be repaired. */
export async function setAside(path: string): Promise<string> {
  for (let n = 1; ; n++) {
    const aside = `${path}.damaged-${n}`
    if (statSync(aside, { throwIfNoEntry: false }) !== undefined) continue
    await rename(path, aside)
    return aside
  }
}

/** The text with a checksum before it. */
export function sealed(text: string): string {
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}`
}

/** The text of a sealed file; `undefined`: it is damaged. */
export function unsealed(line: string): string | undefined {
  const text = line.slice(9)
  return line === sealed(text) ? text : undefined
}

/** A lock file without contents that is older than this was left by a dead process, ms. */
const WRITTEN_WITHIN = 2_000

/** `ps` that takes longer is not waited for, ms. */
const PS_WITHIN = 2_000

/** The directory is another process's. */
export class InUse extends Error {
  constructor(readonly pid: number) {
    super(`process ${pid} uses it`)
  }
}

/**
 * Takes the directory for this process, also from a process that is dead. What is returned gives it back. (Processes are told apart
 * by number and start: containers that share a directory are not told apart.)
 * @throws `InUse`; what the file system throws
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, 'lock')
  const us = sealed(JSON.stringify({ pid: process.pid, started: startOf(process.pid), at: performance.timeOrigin }))
  for (let attempt = 0; ; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600)
      try {
        writeSync(file, us)
      } catch (error) {
        // The disk is full. Without a name in it, it would be in everybody's way for a while.
        rmSync(path, { force: true })
        throw error
      } finally {
        closeSync(file)
      }
      return () => {
        if (read(path) === us) rmSync(path, { force: true })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const text = read(path)
      const owner = livingOwner(path, text)
      if (owner !== undefined || attempt > 2) throw new InUse(owner ?? 0)
      if (text !== undefined) removeStale(path, text)
    }
  }
}

/** Removes the lock with this text, and not one that another process has taken meanwhile. */
function removeStale(path: string, text: string): void {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (read(aside) !== text) linkSync(aside, path)
  } catch {
    // Another process was faster: the next attempt sees it.
  }
  rmSync(aside, { force: true })
}

function livingOwner(path: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const content = unsealed(text)
  if (content === undefined) {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0 }
    return Date.now() - mtimeMs < WRITTEN_WITHIN ? 0 : undefined
  }
  const { pid, started } = JSON.parse(content) as { pid: number; started: string | null }
  const now = startOf(pid)
  if (!isAlive(pid)) return undefined
  // Where nothing tells when a process was started, one that is alive is taken for the owner.
  return now === null || started === null || now === started ? pid : undefined
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another process has made it.
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
