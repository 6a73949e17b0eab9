/** A node that is recorded: the same node, with a recorder that taps its lane. Its `stop()` waits for the recording. */
import { build, type BuildOptions, type Built } from '../node/node.js'
import { TINYP2P_VERSION } from './format.js'
import type { RecordOptions } from './options.js'
import { Recorder, type Sink } from './recorder.js'

export interface RecordedOptions extends BuildOptions {
  record: Required<RecordOptions>
  /** The seed of the simulated network, whose nodes write a file at once, because no virtual time passes while a disk works. */
  seed?: number | string
}

/** As `build`. @throws `InvalidConfig` when the file of the recording cannot be written. */
export async function buildRecorded({ record, seed, ...options }: RecordedOptions): Promise<Built> {
  const { peerId, settings, log, tap, onEnd } = options
  const sink = await openSink(record.to, seed !== undefined, (error) => {
    recorder.giveUp(error)
  })
  const header = { peerId, settings, tinyp2p: TINYP2P_VERSION, redacted: record.redact }
  const recorder: Recorder = new Recorder(sink, seed === undefined ? header : { ...header, seed }, log)
  const built = build({
    ...options,
    tap: (batch) => {
      recorder.batch(batch)
      tap?.(batch)
    },
    onEnd: () => {
      recorder.end()
      return Promise.all([recorder.closed, onEnd?.()]).then(() => undefined)
    },
  })
  recorder.watch(built.state)
  const ready = built.ready.catch(async (error: unknown) => {
    await recorder.closed
    throw error
  })
  return { ...built, ready }
}

async function openSink(to: RecordOptions['to'], atOnce: boolean, failed: (error: Error) => void): Promise<Sink> {
  if (typeof to !== 'string') return to
  const { openFile, openFileSync } = await import('./file.js')
  return atOnce ? openFileSync(to) : openFile(to, failed)
}
