/** Files that survive the end of a process at any moment: whole, or not there. */
import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from '../platform/checksums.js'
import { checkFile, isThere, NoFile, using } from '../platform/disk.js'

/** (Windows has neither.) */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>

/**
 * Replaces a file as a whole: after a crash it has the old contents or the new ones. They are on disk when the promise
 * resolves.
 */
export function replaceFile(path: string, text: string): Promise<void> {
  return using(path, () => replace(path, text))
}

async function replace(path: string, text: string): Promise<void> {
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

/**
 * `undefined`: there is no such file. `own`: the directory is everybody's, so the file counts if our own user has made it, and it is no
 * link.
 * @throws `NoFile`: something else has its name
 */
export function readText(path: string, own = false): Promise<string | undefined> {
  return using(path, () => read(path, own))
}

async function read(path: string, own: boolean): Promise<string | undefined> {
  const check = (stats: Stats): void => {
    checkFile(path, stats)
    const isOurs = process.geteuid === undefined || stats.uid === process.geteuid()
    if (own && !isOurs) throw new NoFile(`${path} is another user's`)
  }
  try {
    check(await (own ? lstat(path) : stat(path)))
    // It may be another one by now.
    const file = await open(path, O_RDONLY! | O_NONBLOCK | (own ? O_NOFOLLOW : 0))
    try {
      check(await file.stat())
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const stats = await lstat(path).catch(() => undefined)
    if (stats?.isSymbolicLink() === true) throw new NoFile(`${path} is a link to nothing`)
    return undefined
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
    if (await isThere(aside)) continue
    await move(path, aside)
    return aside
  }
}

/**
 * Makes a directory, and those above it, for its owner alone. Node's own recursive `mkdir` tries for ever where a directory exists in
 * which none can be made (`/proc`).
 */
export function makeDirectory(path: string): Promise<void> {
  return using(path, () => make(path))
}

async function make(path: string): Promise<void> {
  try {
    return await makeOne(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
  }
  await make(dirname(path))
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
