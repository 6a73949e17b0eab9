/** Recordings on disk: the only part that knows files. It is loaded when a path is given, so that a browser need not have it. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeSync, type Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { messageOf, show } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { checkFile, Unanswered, within } from '../platform/disk.js'
import { RecordingError, type Source } from './format.js'
import type { Sink } from './recorder.js'

/** Bytes that may wait for the disk. When it cannot follow, the recording ends there. */
const MAX_WAITING = 16_777_216
/** The disk has so long to open a file, ms. */
const OPEN_TIMEOUT = 10_000
/** How long `close` waits for the disk, ms: a node must not hang in `stop()` because a disk does. */
const CLOSE_TIMEOUT = 500
/** Readable by its owner alone, because payloads are in it. */
const MODE = 0o600
/** A pipe that nobody reads is an error, and does not block. (Windows has none.) */
const { O_APPEND, O_CREAT, O_WRONLY, O_NONBLOCK = 0 } = constants as Partial<typeof constants>
const FLAGS = O_APPEND! | O_CREAT! | O_WRONLY! | O_NONBLOCK

export interface FileSink extends Sink {
  close(): Promise<void>
}

/**
 * A new file, written in the background. `failed` hears once of a disk that is full or broken.
 * @throws `InvalidConfig` when the file cannot be opened, is no regular one, or has something in it: a recording is never overwritten.
 */
export async function openFile(path: string, failed: (error: Error) => void): Promise<FileSink> {
  const opening = opened(path)
  const file = await within(OPEN_TIMEOUT, path, opening).catch((cause: unknown) => {
    if (cause instanceof Unanswered) void opening.then((late) => late.close()).catch(() => undefined)
    throw unwritable(path, cause)
  })
  const stream = file.createWriteStream()
  stream.once('error', failed)
  // What comes after the first error (the closing of a broken file) is no news.
  stream.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  return {
    write(chunk) {
      if (stream.writableLength > MAX_WAITING) {
        throw new Error(`the disk cannot follow, ${stream.writableLength} bytes wait to be written to ${path}`)
      }
      stream.write(chunk)
    },
    async close() {
      stream.end()
      await within(CLOSE_TIMEOUT, path, closed).catch(failed)
    },
  }
}

/** What is there already is looked at before it is opened, which may block or do something (a pipe, a device). */
async function opened(path: string): Promise<FileHandle> {
  const there = await stat(path).catch(() => undefined)
  if (there !== undefined) checkNew(path, there)
  const file = await open(path, FLAGS, MODE)
  try {
    checkNew(path, await file.stat())
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** @throws unless it is a file with nothing in it, or a device that takes bytes one by one (`/dev/null`) */
function checkNew(path: string, stats: Stats): void {
  if (stats.isFile() && stats.size > 0) throw notEmpty(path)
  if (!stats.isCharacterDevice()) checkFile(path, stats)
}

/**
 * A new file, written at once: for simulations, where time must not pass while a disk works.
 * @throws as `openFile`
 */
export function openFileSync(path: string): Sink {
  let file: number
  try {
    file = openSync(path, FLAGS, MODE)
  } catch (cause) {
    throw unwritable(path, cause)
  }
  try {
    checkNew(path, fstatSync(file))
  } catch (cause) {
    closeSync(file)
    throw unwritable(path, cause)
  }
  return {
    write(chunk) {
      for (let written = 0; written < chunk.length;) written += writeSync(file, chunk, written)
    },
    close() {
      closeSync(file)
    },
  }
}

/**
 * A recording on disk, of which one record at a time is in memory. `close` it.
 * @throws `RecordingError` when it cannot be read, or is no regular file.
 */
export function openRecording(path: string): Source & { close(): void } {
  const unreadable = (cause: unknown): RecordingError => {
    return new RecordingError('NotARecording', `the recording ${show(path)} cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
  let file: number | undefined
  try {
    // It is looked at before it is opened, which may block (a pipe).
    if (!statSync(path).isFile()) throw new Error('it is no regular file')
    file = openSync(path, 'r')
    const { size: length } = fstatSync(file)
    const handle = file
    return {
      length,
      read(at, end) {
        const bytes = new Uint8Array(Math.max(0, Math.min(end, length) - at))
        try {
          for (let read = 0; read < bytes.length;) {
            const got = readSync(handle, bytes, read, bytes.length - read, at + read)
            if (got === 0) throw new Error('it has become shorter')
            read += got
          }
        } catch (cause) {
          throw unreadable(cause)
        }
        return bytes
      },
      close() {
        closeSync(handle)
      },
    }
  } catch (cause) {
    if (file !== undefined) closeSync(file)
    throw unreadable(cause)
  }
}

function unwritable(path: string, cause: unknown): P2pError {
  if (cause instanceof P2pError) return cause
  const message = `record: the file ${show(path)} cannot be written: ${messageOf(cause)}`
  return new P2pError('InvalidConfig', message, { cause })
}

function notEmpty(path: string): P2pError {
  const message = `record: the file ${show(path)} has something in it, and a recording is never overwritten: name another`
  return new P2pError('InvalidConfig', message)
}
