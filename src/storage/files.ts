/** Files that survive the end of a process at any moment: whole, or not there. */
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
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

/**
 * Moves a damaged file out of the way, to `NAME.damaged-1`, `-2` …, so that nothing is lost that could still be repaired. With
 * `copyFile` as `move` it stays, for a file that must not be missing for a moment.
 */
export async function setAside(
  path: string,
  move: (from: string, to: string) => Promise<void> = rename,
): Promise<string> {
  for (let n = 1; ; n++) {
    const aside = `${path}.damaged-${n}`
    if (existsSync(aside)) continue
    await move(path, aside)
    return aside
  }
}

/**
 * Makes a directory, and those above it, for its owner alone. Node's own recursive `mkdir` tries for ever where a directory exists in
 * which none can be made (`/proc`).
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    return await makeOne(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
  }
  await makeDirectory(dirname(path))
  await makeOne(path)
}

/** Nothing is to be done when it is there. */
async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (!(await isDirectory(path))) throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** The text twice, sealed, so that one wrong byte, or a lost half, does not lose it. */
export function twice(text: string): string {
  // An empty line is between the copies: a flipped bit in a single line break would damage both.
  return `${sealed(text)}\n\n${sealed(text)}\n`
}

/** The copies in a file; `undefined`: one that is damaged. Files that an editor has saved have other line ends. */
export function copiesIn(file: string): (string | undefined)[] {
  return file
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(unsealed)
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
