/** Everything that a step can ask of the world: of the network, of the edge (promises, observables, handlers), of the clock. */
import type { ErrorCode } from '../errors.js'
import type { Explanation, NodeStatus } from './explain/explanation.js'
import type { PortEffect } from './port.js'
import type { AskId, ExchangeId, Failure, Heard, ValidationId } from './terms.js'

/** What a question is answered with. */
export type Answer =
  Uint8Array | string | NodeStatus | Record<string, string[]> | { recipients: string[] } | Explanation | undefined

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** An error as the core states it; the edge makes the exception of it. */
export interface Refusal extends Failure {
  code: ErrorCode
  retryAfterMs?: number
  /** The code that the other side gave, when it is none of ours. */
  remoteCode?: string
}

export type EdgeEffect =
  /** We listen: the node is ready for its caller. */
  | { type: 'ready' }
  | { type: 'settle'; ask: AskId; value: Answer }
  /** A value, and more may follow. */
  | { type: 'value'; ask: AskId; value: Uint8Array }
  /** No value follows. */
  | { type: 'valuesEnded'; ask: AskId }
  | { type: 'fail'; ask: AskId; refusal: Refusal }
  /** A request came in: hand it to whoever answers requests. */
  | { type: 'handle'; exchange: ExchangeId; from: string; data: Uint8Array }
  /** The producer of this answer may go on, until it has made values that cost this much (`valueCost`). */
  | { type: 'produce'; exchange: ExchangeId; allowance: number }
  /** Nobody waits for this exchange's answer, or for more of it, any more: fire its signal, end its producer. */
  | { type: 'cancelHandler'; exchange: ExchangeId; reason: string }
  | ({ type: 'deliver' } & Heard)
  /** The subscriber has these first; what is delivered from now on comes after them. */
  | { type: 'replayed'; subscription: AskId; broadcasts: Heard[] }
  /** Judge this message: answered by `validated`. */
  | ({ type: 'validate'; validation: ValidationId } & Heard)
  /** Nobody waits for that judgement any more. */
  | { type: 'cancelValidation'; validation: ValidationId; reason: string }
  /** Compute the SHA-256 of this: answered by `digested`. */
  | { type: 'digest'; digest: number; data: Uint8Array }
  /** The peer has heard the broadcast of this ask, and its validator, if it has one, took it. */
  | { type: 'receipt'; ask: AskId; peer: string; rtt: number }
  /** No receipt follows. */
  | { type: 'receiptsEnded'; ask: AskId }
  /** We have joined or left topics. At most one a batch. */
  | { type: 'topicsChanged' }
  /** Others have joined or left the topic. At most one a batch and topic. */
  | { type: 'subscribersChanged'; topic: string }
  /** Something that the status shows has changed. At most one a batch. */
  | { type: 'statusChanged' }
  /** Something that the states of peers show has changed. At most one a batch. */
  | { type: 'peersChanged' }
  | { type: 'log'; level: LogLevel; message: string; cause?: unknown }
  /** The node is over; with the reason, if it did not end by `stop()`. */
  | { type: 'ended'; refusal?: Refusal }

export type ClockEffect = { type: 'wakeAt'; time: number }

export type Effect = PortEffect | EdgeEffect | ClockEffect

/** What a step appends its effects to, in order. */
export type Effects = Effect[]

export function log(out: Effects, level: LogLevel, message: string, cause?: unknown): void {
  out.push(cause === undefined ? { type: 'log', level, message } : { type: 'log', level, message, cause })
}
