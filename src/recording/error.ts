/** What can be wrong with a recording, told apart by a code; and how errors of others are quoted. */

export type RecordingErrorCode =
  /** The file cannot be read, or it is something else. */
  | 'NotARecording'
  /** A format that this version of tinyp2p does not read. Replay it with the version that wrote it. */
  | 'OtherVersion'
  /** It ends before its end: the node was killed, or runs still, or the disk was full. `partial: true` replays what is whole. */
  | 'CutShort'
  /** Its bytes are not those that were written. `partial: true` replays what comes before the damage. */
  | 'Damaged'
  /** The replay ended in another state than the node. `verify: false` takes that. */
  | 'Diverged'
  /** The core threw, as it did (or would have done) in the node: the `cause` is its error. */
  | 'StepFailed'

export class RecordingError extends Error {
  override readonly name = 'RecordingError'

  constructor(
    readonly code: RecordingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Of an error of any make, from any realm. */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : String(error)
}
