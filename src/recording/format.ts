/**
 * The bytes of a recording: a preamble, then records. docs/recording.md describes them byte by byte. This file does not know what
 * the events mean.
 */
import type { Batch, Event } from '../core/events.js'
import type { Settings } from '../core/settings.js'
import { crc32 } from '../platform/checksums.js'
import { printable } from '../wire/text.js'
import { CborWriter, decodeCbor } from './cbor.js'

/** The version of this package, as a recording names it. (A spec compares it with package.json.) */
export const TINYP2P_VERSION = '0.1.0'

/**
 * Like the signature of PNG: a byte above 127, CR LF, and Ctrl-Z, the end of a text file in DOS. A program that copies the file as
 * text changes one of them, and the recording is no longer taken for one.
 */
const MAGIC = Uint8Array.of(0x89, 0x54, 0x32, 0x50, 0x52, 0x0d, 0x0a, 0x1a)
/** The version of the format. It changes when the same bytes get another meaning. */
export const FORMAT_VERSION = 1
const PREAMBLE = MAGIC.length + 2
/** Length of the body, checksum of the body, checksum of these two: 32 bits each, big-endian. */
const RECORD_HEAD = 12

/** A record is read as a whole, so it has a longest body. A longer batch ends its recording. */
const MAX_BODY = 268_435_456
/** Some of it may be out of the recording, which may be anybody's. */
const LONGEST_MESSAGE = 1_000

/** What can be wrong with a recording. */
export type RecordingErrorCode =
  /** The file cannot be read, or is not a recording. */
  | 'NotARecording'
  /** A format that this version of tinyp2p does not read. Replay it with the version that wrote it. */
  | 'OtherVersion'
  /**
   * The end is missing: the node was killed or still runs, or the disk was full. `partial: true` replays the part that is
   * there.
   */
  | 'CutShort'
  /** Its bytes were changed after they were written. `partial: true` replays the part before the damage. */
  | 'Damaged'
  /** The replay ended in another state than the node did. `verify: false` replays it without this check. */
  | 'Diverged'
  /**
   * The core threw; the `cause` is its error. It threw in the node too, or this version has a fault that the recording's had
   * not.
   */
  | 'StepFailed'

/**
 * What is wrong with a recording: `code` for programs, `message` with the place and what can be done, and the `cause`, if there
 * is one.
 */
export class RecordingError extends Error {
  /** Always `RecordingError`. */
  override readonly name = 'RecordingError'

  constructor(
    readonly code: RecordingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(printable(message, LONGEST_MESSAGE), options)
  }
}

/** The header of a recording: the node that it is of. The node's secret is not in it. */
export interface RecordingHeader {
  /** The node's peer id. */
  peerId: string
  /** The config, checked and with its defaults. */
  settings: Settings
  /** The seed of the simulated network, if the node was in one. */
  seed?: number | string
  /** The version of tinyp2p that wrote it. */
  tinyp2p: string
  /** Whether payloads were replaced by zeros. */
  redacted: boolean
}

/** The end of a recording, written when the node has stopped without a fault. */
export interface Trailer {
  batches: number
  events: number
  /** Digest of the state before the batch that stopped the node; absent if it never ran. */
  running?: string
  /** Digest of the state in the end. */
  final: string
}

/** Makes the bytes. */
export class RecordingWriter {
  private readonly cbor = new CborWriter()

  /** Preamble and header. */
  header(header: RecordingHeader): Uint8Array {
    const record = this.record(() => this.cbor.write(header))
    const bytes = new Uint8Array(PREAMBLE + record.length)
    bytes.set(MAGIC)
    new DataView(bytes.buffer).setUint16(MAGIC.length, FORMAT_VERSION)
    bytes.set(record, PREAMBLE)
    return bytes
  }

  /** @throws `TypeError` when an event is not plain data. */
  batch(at: number, events: Event[]): Uint8Array {
    return this.record(() => {
      this.cbor.listHead(events.length + 1)
      this.cbor.write(at)
      for (const event of events) this.cbor.write(withoutCause(event))
    })
  }

  trailer(trailer: Trailer): Uint8Array {
    return this.record(() => this.cbor.write(trailer))
  }

  private record(body: () => void): Uint8Array {
    this.cbor.clear()
    this.cbor.skip(RECORD_HEAD)
    body()
    const bytes = this.cbor.take()
    if (bytes.length - RECORD_HEAD > MAX_BODY) throw new RangeError(`a record is longer than ${MAX_BODY} bytes`)
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    view.setUint32(0, bytes.length - RECORD_HEAD)
    view.setUint32(4, crc32(bytes.subarray(RECORD_HEAD)))
    view.setUint32(8, crc32(bytes.subarray(0, 8)))
    return bytes
  }
}

/** Leaves out the error behind a failure: it is not plain data, and the core only passes it on. */
function withoutCause(event: Event): Event {
  if (!('failure' in event) || event.failure?.cause === undefined) return event
  return { ...event, failure: { message: event.failure.message } }
}

/** How a recording ends: with its trailer, or with what is wrong with it. */
export type Ending = { trailer: Trailer; fault?: undefined } | { trailer?: undefined; fault: RecordingError }

export interface Recording {
  header: RecordingHeader
  /**
   * Yields every complete batch, and returns how the recording ends.
   * @throws `RecordingError` only when it cannot be read any more
   */
  batches: () => Generator<Batch, Ending>
}

/** Where a recording is read from, a record at a time. */
export interface Source {
  /** Its length, bytes. */
  readonly length: number
  /** The bytes from `at` to `end`, or to its own end. @throws `RecordingError` when they cannot be read. */
  read(at: number, end: number): Uint8Array
}

/** @throws `RecordingError` when there is no header to begin with. */
export function readRecording(from: Uint8Array | Source): Recording {
  const source = from instanceof Uint8Array ? sourceOf(from) : from
  const at = checkPreamble(source)
  const record = readRecord(source, at, 'the header')
  if (record instanceof RecordingError) throw record
  const header = record.value
  if (!isHeader(header)) throw damaged(at, 'the header', 'it is no header')
  return { header, batches: () => readBatches(source, record.end) }
}

function sourceOf(bytes: Uint8Array): Source {
  return { length: bytes.length, read: (at, end) => bytes.subarray(at, end) }
}

function checkPreamble(source: Source): number {
  const bytes = source.read(0, PREAMBLE)
  const seen = bytes.subarray(0, MAGIC.length)
  if (!seen.every((byte, i) => byte === MAGIC[i])) {
    throw new RecordingError(
      'NotARecording',
      'this is not a recording of tinyp2p: its first bytes are not those of one',
    )
  }
  if (bytes.length < PREAMBLE) throw cutShort(bytes.length, 'in its first bytes, so that nothing of it can be replayed')
  const version = bytes[MAGIC.length]! * 256 + bytes[MAGIC.length + 1]!
  if (version !== FORMAT_VERSION) {
    const message = `the recording has format version ${version}, and this tinyp2p reads version ${FORMAT_VERSION}`
    throw new RecordingError('OtherVersion', `${message}: replay it with the tinyp2p that wrote it`)
  }
  return PREAMBLE
}

function* readBatches(source: Source, from: number): Generator<Batch, Ending> {
  let at = from
  for (let batches = 0; ; batches++) {
    const what = `batch ${batches + 1}`
    if (at === source.length) {
      const where = `after batch ${batches}: the node was not stopped in good order, or runs still`
      return { fault: cutShort(at, `${where}; ${PARTIAL}`) }
    }
    const record = readRecord(source, at, what)
    if (record instanceof RecordingError) return { fault: record }
    const { value, end } = record
    if (isTrailer(value)) {
      if (end === source.length) return { trailer: value }
      return { fault: damaged(end, 'what follows the end', 'nothing may be there') }
    }
    if (!isBatch(value)) return { fault: damaged(at, what, 'it is no batch') }
    const [time, ...events] = value
    yield { at: time, events }
    at = end
  }
}

function readRecord(source: Source, at: number, what: string): { value: unknown; end: number } | RecordingError {
  const body = at + RECORD_HEAD
  const cut = `within ${what}${what === 'the header' ? ', so that nothing of it can be replayed' : `; ${PARTIAL}`}`
  if (body > source.length) return cutShort(source.length, cut)
  const head = source.read(at, body)
  const view = new DataView(head.buffer, head.byteOffset)
  if (view.getUint32(8) !== crc32(head.subarray(0, 8))) return damaged(at, what, 'its checksum is wrong')
  const length = view.getUint32(0)
  if (length > MAX_BODY) return damaged(at, what, `it is longer than ${MAX_BODY} bytes`)
  const end = body + length
  if (end > source.length) return cutShort(source.length, cut)
  const bytes = source.read(body, end)
  if (view.getUint32(4) !== crc32(bytes)) return damaged(at, what, 'its checksum is wrong')
  try {
    return { value: decodeCbor(bytes), end }
  } catch (cause) {
    return damaged(at, what, 'its checksum is right, but it is no CBOR that we write', cause)
  }
}

const PARTIAL = 'partial: true replays what is whole'

function cutShort(at: number, where: string): RecordingError {
  return new RecordingError('CutShort', `the recording ends at byte ${at}, ${where}`)
}

function damaged(at: number, what: string, why: string, cause?: unknown): RecordingError {
  return new RecordingError('Damaged', `the recording is damaged at byte ${at}, ${what}: ${why}`, { cause })
}

function isHeader(value: unknown): value is RecordingHeader {
  if (typeof value !== 'object' || value === null) return false
  const { peerId, settings, tinyp2p, redacted } = value as Partial<RecordingHeader>
  const isSettings = typeof settings === 'object' && (settings as unknown) !== null
  return typeof peerId === 'string' && isSettings && typeof tinyp2p === 'string' && typeof redacted === 'boolean'
}

function isBatch(value: unknown): value is [number, ...Event[]] {
  if (!Array.isArray(value)) return false
  const [at, ...events] = value as unknown[]
  return typeof at === 'number' && events.every((event) => typeof (event as Partial<Event> | null)?.type === 'string')
}

function isTrailer(value: unknown): value is Trailer {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Trailer>).final === 'string'
}
