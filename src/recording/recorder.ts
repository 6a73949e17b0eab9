/**
 * The recorder of one node: sees each batch before it is stepped, and writes it. Whatever goes wrong ends the recording with
 * a line in the log; the node never notices.
 */
import type { Batch, Event } from '../core/events.js'
import type { State } from '../core/state.js'
import { messageOf } from '../edge/checks.js'
import type { Logger } from '../edge/log.js'
import { digestOf } from './digest.js'
import { RecordingWriter, type RecordingHeader } from './format.js'
import { IdNames } from './redaction/id-names.js'
import { redact } from './redaction/redact.js'

/** Like the public `RecordingSink`, but it may take time to close. */
export interface Sink {
  write(chunk: Uint8Array): void
  close?(): void | Promise<void>
}

export class Recorder {
  /** Resolves when the sink has got everything. Never rejects. */
  closed: Promise<void> = Promise.resolve()
  private readonly writer = new RecordingWriter()
  /** Of a redacted recording. */
  private readonly ids = new IdNames()
  private state: Readonly<State> | undefined
  private batches = 0
  private events = 0
  /** Digest of the state before it was stopped. */
  private running: string | undefined
  private over = false
  private failed = false

  constructor(
    private readonly sink: Sink,
    private readonly header: RecordingHeader,
    private readonly log: Logger,
  ) {
    this.guard(() => sink.write(this.writer.header(header)))
  }

  /** The state that the batches are about. Call it before the first of them. */
  watch(state: Readonly<State>): void {
    this.state = state
  }

  /** A batch that is about to be stepped. */
  batch({ at, events }: Batch): void {
    if (this.over) return
    this.guard(() => {
      const state = this.state!
      if (state.lifecycle.phase === 'running' && events.some(({ type }) => type === 'shutdown'))
        this.running = this.digest(state)
      this.sink.write(this.writer.batch(at, this.header.redacted ? this.redacted(events, state) : events))
      this.batches++
      this.events += events.length
    })
  }

  /** The node has ended. A trailer is written, unless the node was killed. */
  end(): void {
    if (this.over) return
    this.guard(() => {
      if (this.state?.lifecycle.phase !== 'ended') return
      const { batches, events, running } = this
      const counts = running === undefined ? { batches, events } : { batches, events, running }
      this.sink.write(this.writer.trailer({ ...counts, final: this.digest(this.state) }))
    })
    this.close()
  }

  /** Ends the recording, but not the node. Only the first call has an effect. */
  giveUp(error: unknown): void {
    if (this.failed) return
    this.failed = true
    const what = this.over
      ? 'the end of the recording could not be written'
      : `the recording ends after batch ${this.batches}, and the node goes on`
    this.log('warn', `${what}: ${messageOf(error)}`, error)
    this.close()
  }

  private redacted(events: Event[], state: Readonly<State>): Event[] {
    this.ids.sweep(state)
    return redact(events, state, this.ids)
  }

  private digest(state: Readonly<State>): string {
    return digestOf(state, { lengthsOnly: this.header.redacted, nameOf: this.ids.find })
  }

  private guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.giveUp(error)
    }
  }

  private close(): void {
    if (this.over) return
    this.over = true
    try {
      this.closed = Promise.resolve(this.sink.close?.()).catch((error: unknown) => this.couldNotClose(error))
    } catch (error) {
      this.couldNotClose(error)
    }
  }

  private couldNotClose(error: unknown): void {
    this.log('warn', 'the recording could not be closed', error)
  }
}
