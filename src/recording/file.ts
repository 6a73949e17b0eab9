/** Recordings on disk: the only part that knows files. It is loaded when a path is given, so that a browser need not have it. */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { messageOf, show } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { RecordingError } from './format.js'
import type { Sink } from './recorder.js'

/** Bytes that may wait for the disk. When it cannot follow, the recording ends there. */
const MAX_WAITING = 16_777_216
/** How long `close` waits for the disk, ms: a node must not hang in `stop()` because a disk does. */
const CLOSE_TIMEOUT = 500
/** Readable by its owner alone, because payloads are in it. */
const MODE = 0o600

export interface FileSink extends Sink {
  close(): Promise<void>
}

/**
 * A new file, written in the background. `failed` hears once of a disk that is full or broken.
 * @throws `InvalidConfig` when the file cannot be opened, or has something in it: a recording is never overwritten.
 */
export async function openFile(path: string, failed: (error: Error) => void): Promise<FileSink> {
  const file = await open(path, 'a', MODE).catch((cause: unknown) => {
    throw unwritable(path, cause)
  })
  if ((await file.stat()).size > 0) {
    await file.close()
    throw notEmpty(path)
  }
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
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_TIMEOUT)
      })
      await Promise.race([closed, late])
      clearTimeout(timer)
    },
  }
}

/**
 * A new file, written at once: for simulations, where time must not pass while a disk works.
 * @throws as `openFile`
 */
export function openFileSync(path: string): Sink {
  let file: number
  try {
    file = openSync(path, 'a', MODE)
  } catch (cause) {
    throw unwritable(path, cause)
  }
  if (fstatSync(file).size > 0) {
    closeSync(file)
    throw notEmpty(path)
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

/** @throws `RecordingError` when it cannot be read. */
export async function readRecordingFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new RecordingError('NotARecording', `the recording ${show(path)} cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function unwritable(path: string, cause: unknown): P2pError {
  const message = `record: the file ${show(path)} cannot be written: ${messageOf(cause)}`
  return new P2pError('InvalidConfig', message, { cause })
}

function notEmpty(path: string): P2pError {
  const message = `record: the file ${show(path)} has something in it, and a recording is never overwritten: name another`
  return new P2pError('InvalidConfig', message)
}
