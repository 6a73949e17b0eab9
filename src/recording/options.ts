/** The `record` option of a node's config: where a recording is written, and whether payloads are in it. */
import { checkObject, reading, show, type Names } from '../edge/checks.js'
import { checkPath } from '../edge/paths.js'
import { P2pError } from '../errors.js'

/** Takes the bytes of a recording as they are made. Both methods are called inside the lane, and must return at once. */
export interface RecordingSink {
  /** Takes the next bytes, which are not used again. If it throws, the recording ends, and the node goes on. */
  write(chunk: Uint8Array): void
  /** Called when no more bytes come. (A simulated node that is restarted begins another recording.) What it throws is logged. */
  close?(): void
}

/** The option `record` of the config, as an object. */
export interface RecordOptions {
  /** The path of a new file, or a sink for the bytes. `InvalidConfig` if the file is not empty: no recording is overwritten. */
  to: string | RecordingSink
  /**
   * Payloads (of requests, responses, broadcasts and streams) are replaced by zeros of the same length. Peer ids, addresses,
   * topics and error messages stay. Default: false.
   */
  redact?: boolean | undefined
}

const NAMES: Names<RecordOptions> = { to: true, redact: true }

/** Checks the option and fills in the defaults. `undefined`: nothing is recorded. @throws `InvalidConfig` */
export function readRecord(record: unknown): Required<RecordOptions> | undefined {
  return reading('record', () => checkedRecord(record))
}

function checkedRecord(record: unknown): Required<RecordOptions> | undefined {
  if (record === undefined) return undefined
  if (isTarget(record)) return { to: checkTarget(record), redact: false }
  if (typeof record === 'object' && record !== null && !('write' in record)) {
    checkObject(record, 'record', NAMES)
    const { to, redact = false } = record as { to?: unknown; redact?: unknown }
    if (typeof redact !== 'boolean') {
      throw new P2pError('InvalidConfig', `record.redact must be true or false, not ${show(redact)}`)
    }
    if (isTarget(to)) return { to: checkTarget(to), redact }
  }
  const message = `record must be a path, a sink { write(chunk), close?() } or { to: path | sink, redact }, not ${show(record)}`
  throw new P2pError('InvalidConfig', message)
}

/**
 * The option for the nth start of a simulated node. From the second start on the number is added to the path (`a.t2pr`,
 * `a.t2pr.2`), because a recording is never overwritten.
 */
export function recordOfLife(record: Required<RecordOptions>, life: number): Required<RecordOptions> {
  return life === 1 || typeof record.to !== 'string' ? record : { ...record, to: `${record.to}.${life}` }
}

function checkTarget(to: string | RecordingSink): string | RecordingSink {
  return typeof to === 'string' ? checkPath(to, 'record', 'the path of a new file') : to
}

function isTarget(value: unknown): value is string | RecordingSink {
  if (typeof value === 'string') return value !== '' && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  const { write, close } = value as Partial<RecordingSink>
  return typeof write === 'function' && (close === undefined || typeof close === 'function')
}
