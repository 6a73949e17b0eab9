/**
 * Disks that do not answer (a network's that is away, a frozen or a broken one), and files that are none. Nothing ends a call that hangs:
 * until the disk answers it holds one of the few threads that Node has for files, names of hosts and ciphers, and the process cannot exit
 * but by a signal. So whoever uses a disk waits within a time, does one thing after the other, and begins nothing while something hangs.
 */
import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'

/** A file that is larger is none that a node has written, bytes. */
const LARGEST = 16_777_216

/** What is being done, by the file. */
const underWay = new Set<{ path: string }>()

/** The disk does not answer. */
export class Unanswered extends Error {}

/** No file that could be read: a pipe, a device, a directory, a link to nothing, or one that is too large. */
export class NoFile extends Error {}

/** If the disk does not answer, the error of `within` names this file. */
export async function using<T>(path: string, work: () => Promise<T>): Promise<T> {
  const use = { path }
  underWay.add(use)
  try {
    return await work()
  } finally {
    underWay.delete(use)
  }
}

/**
 * The work, which goes on when it is given up. `place`: the file, or the directory, that it is about.
 * @throws `Unanswered` after so many ms
 */
export async function within<T>(ms: number, place: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const [at = place] = [...underWay].map(({ path }) => path).filter((path) => path.startsWith(place))
      reject(new Unanswered(`the disk has not answered for ${ms} ms, at ${at}`))
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** @throws `NoFile`: to open it could block for ever, or do something; or it does not fit in memory */
export function checkFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new NoFile(`${path} is no regular file`)
  if (stats.size > LARGEST)
    throw new NoFile(`${path} has ${stats.size} bytes, and no file of a node has more than ${LARGEST}`)
}

/** Is there anything of this name, be it a link to nothing? */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
