/**
 * Replay: a recording of a node, run again through the same core. It calls `step` itself and needs no lane: what the lane
 * adds to the core (the gathering of an instant, the discovery interval, the wake-ups) is in the recorded batches already, and
 * a second lane would add its own ticks to them. The time is what the batches say, so it takes no longer than the core does.
 */
import type { NodeStatus } from '../core/explanation.js'
import type { Effect } from '../core/effects.js'
import type { Batch } from '../core/events.js'
import { defaultSettings } from '../core/settings.js'
import { createState, type State } from '../core/state.js'
import { fullStatus } from '../core/explain/status.js'
import { step } from '../core/step.js'
import { checkOptions, messageOf, reading, show, type Names } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { digestOf } from '../recording/digest.js'
import {
  readRecording,
  RecordingError,
  TINYP2P_VERSION,
  type RecordingHeader,
  type Source,
  type Trailer,
} from '../recording/format.js'

/** Options of `replay`. */
export interface ReplayOptions {
  /** Replays the part before the end or the damage of a recording that is cut short or damaged. Default: false, which throws. */
  partial?: boolean | undefined
  /**
   * Compares the states before and after the stop with those of the node, and throws `Diverged` if they differ. Default: true. Use
   * false for a recording of another version of the core: before a fault was mended, or of an older tinyp2p.
   */
  verify?: boolean | undefined
  /** Called after every step. What it throws ends the replay. */
  onStep?: ((step: ReplayedStep) => void) | undefined
}

const NAMES: Names<ReplayOptions> = { partial: true, verify: true, onStep: true }

/** One batch, and the effects and the state that the core made of it. */
export interface ReplayedStep {
  /** The number of the batch, from 1. */
  index: number
  /** Its events, and its time `at` in ms on the node's clock, whose start has no meaning. */
  batch: Batch
  /** What the core asked for: of the network, the edge and the clock. */
  effects: Effect[]
  /** The state after it. To be read, never changed; it is the same object at each step. */
  state: Readonly<State>
}

/** What `replay` resolves with. */
export interface Replay {
  /** The header of the recording. */
  header: RecordingHeader
  /** How many batches were replayed. */
  batches: number
  /** How many events were in them. */
  events: number
  /** The state at the end. */
  state: State
  /** The last status of the running node: before it was stopped, or at the end of the recording if it was not. */
  status: NodeStatus
  /** Whether the recording has its end, which means that the node was stopped without a fault. */
  complete: boolean
  /** Why it is not complete; only with `partial`. */
  fault?: RecordingError
}

/**
 * Runs a recording again, through the same states to the same effects. Nothing is sent anywhere.
 *
 * ```ts
 * const effects: Effect[] = []
 * const { status } = await replay('node.t2pr', { onStep: (step) => effects.push(...step.effects) })
 * ```
 *
 * @param recording the path of a file, or its bytes
 * @throws `RecordingError`: `NotARecording`, `OtherVersion`, `CutShort`, `Damaged`, `Diverged`, or `StepFailed` when the core
 * throws; `InvalidConfig` for bad arguments; what `onStep` throws.
 */
export async function replay(recording: string | Uint8Array, options: ReplayOptions = {}): Promise<Replay> {
  checkOptions(options, 'replay', NAMES)
  const { partial, verify, onStep } = options
  checkFlag(partial, 'partial')
  checkFlag(verify, 'verify')
  if (onStep !== undefined && typeof onStep !== 'function') {
    throw new P2pError('InvalidConfig', `onStep must be a function, not ${show(onStep)}`)
  }
  const { source, close } = await sourceOf(recording)
  try {
    return replayOf(source, options)
  } finally {
    close()
  }
}

function checkFlag(value: unknown, what: string): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new P2pError('InvalidConfig', `${what} must be true or false, not ${show(value)}`)
}

function replayOf(recording: Uint8Array | Source, options: ReplayOptions): Replay {
  const { partial = false, verify = true, onStep } = options
  const { header, batches } = readRecording(recording)
  const state = stateOf(header)
  const digest = (): string => core('in a digest', () => digestOf(state, { lengthsOnly: header.redacted }))
  const statusNow = (): NodeStatus => core('in its status', () => fullStatus(state))
  const counts = { batches: 0, events: 0 }
  let status: NodeStatus | undefined
  let running: string | undefined

  const source = batches()
  let next = source.next()
  for (; next.done !== true; next = source.next()) {
    const batch = next.value
    if (state.lifecycle.phase === 'running' && batch.events.some(({ type }) => type === 'shutdown')) {
      status = statusNow()
      if (verify) running = digest()
    }
    const effects = core(`at batch ${counts.batches + 1} (${batch.at} ms)`, () => step(state, batch))
    counts.batches++
    counts.events += batch.events.length
    onStep?.({ index: counts.batches, batch, effects, state })
  }

  const { trailer, fault } = next.value
  status ??= statusNow()
  if (trailer === undefined) {
    if (!partial) throw fault
    return { header, ...counts, state, status, complete: false, fault }
  }
  checkCounts(trailer, counts)
  if (verify) {
    if (trailer.running !== running) throw diverged(header, 'before it was stopped', trailer.running, running)
    if (trailer.final !== digest()) throw diverged(header, 'in the end', trailer.final, digest())
  }
  return { header, ...counts, state, status, complete: true }
}

/** @throws `Damaged`: no node has had these settings. */
function stateOf({ peerId, settings }: RecordingHeader): State {
  try {
    return createState(peerId, { ...defaultSettings, ...settings })
  } catch (cause) {
    throw new RecordingError('Damaged', `the settings in the header are those of no node: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** What is recorded may be nothing that ever happened to a node. @throws `StepFailed` when the core throws */
function core<T>(where: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw new RecordingError('StepFailed', `the core throws ${where}: ${messageOf(cause)}`, { cause })
  }
}

async function sourceOf(recording: unknown): Promise<{ source: Uint8Array | Source; close: () => void }> {
  if (typeof recording === 'string') {
    const { openRecording } = await import('../recording/file.js')
    const source = openRecording(recording)
    return { source, close: () => source.close() }
  }
  if (ArrayBuffer.isView(recording)) {
    const { buffer, byteOffset, byteLength } = recording
    const source = reading('a recording', () => new Uint8Array(buffer, byteOffset, byteLength))
    return { source, close: () => undefined }
  }
  throw new P2pError('InvalidConfig', `a recording is given by its path or its bytes, not by ${show(recording)}`)
}

function checkCounts({ batches, events }: Trailer, counts: { batches: number; events: number }): void {
  if (batches === counts.batches && events === counts.events) return
  const message = `the recording names ${batches} batches with ${events} events, and has ${counts.batches} with ${counts.events}`
  throw new RecordingError('Damaged', message)
}

function diverged(header: RecordingHeader, when: string, recorded?: string, replayed?: string): RecordingError {
  const digests = `its digest is ${replayed ?? 'none'} instead of ${recorded ?? 'none'}`
  const versions =
    header.tinyp2p === TINYP2P_VERSION
      ? `both are tinyp2p ${TINYP2P_VERSION}, so the core was changed or read something that is not in its events`
      : `it was recorded with tinyp2p ${header.tinyp2p}, and this is ${TINYP2P_VERSION}`
  const message = `the replay has another state than the node had ${when} (${digests}): ${versions}`
  return new RecordingError('Diverged', `${message}. verify: false replays it all the same`)
}
