/** Everything that a step can ask for: of the network, of the edge (promises, observables, handlers) and of the clock. */
import type { ErrorCode } from '../errors.js'
import type { AuditEvent } from './access/audit-event.js'
import type { Explanation, NodeStatus } from './explanation.js'
import type { PortEffect } from './port.js'
import type { AskId, ExchangeId, Failure, Heard, Said, SubscriptionId, ValidationId } from './terms.js'

/** The value that answers a question. */
export type Answer =
  Uint8Array | string | NodeStatus | Record<string, string[]> | { recipients: string[] } | Explanation | undefined

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** An error as plain data, from which the edge makes a `P2pError`. */
export interface Refusal extends Failure {
  code: ErrorCode
  retryAfterMs?: number
  /** The code that the other side gave, if it is not one of the protocol's. */
  remoteCode?: string
}

export type EdgeEffect =
  /** The node listens and is ready for its caller. */
  | { type: 'ready' }
  | { type: 'settle'; ask: AskId; value: Answer }
  /** A value, which others may follow. */
  | { type: 'value'; ask: AskId; value: Uint8Array }
  /** No value follows. */
  | { type: 'valuesEnded'; ask: AskId }
  | { type: 'fail'; ask: AskId; refusal: Refusal }
  /** A request came in: call the handler. `waited`: so long after it was here, ms; absent: at once. */
  | { type: 'handle'; exchange: ExchangeId; from: string; data: Uint8Array; waited?: number }
  /** The producer of this answer may produce values of this cost (`heldCost`). */
  | { type: 'produce'; exchange: ExchangeId; allowance: number }
  /** The answer of this exchange, or the rest of it, is no longer wanted: fire its signal, end its producer. */
  | { type: 'cancelHandler'; exchange: ExchangeId; refusal: Refusal }
  | ({ type: 'deliver' } & Heard)
  /** The subscriber gets these broadcasts before those that are delivered from now on. */
  | { type: 'replayed'; subscription: SubscriptionId; broadcasts: Heard[] }
  /** Validate this message. Answered by `validated`. */
  | ({ type: 'validate'; validation: ValidationId } & Heard)
  /** The verdict is no longer wanted. */
  | { type: 'cancelValidation'; validation: ValidationId; refusal: Refusal }
  /** Compute the SHA-256 of `data`. Answered by `digested`. */
  | { type: 'digest'; digest: number; data: Uint8Array }
  /** The peer has received the broadcast of this ask, and its validator, if it has one, accepted it. `rtt` in ms. */
  | { type: 'receipt'; ask: AskId; peer: string; rtt: number }
  /** No receipt follows. */
  | { type: 'receiptsEnded'; ask: AskId }
  /** We have joined or left topics. At most once per batch. */
  | { type: 'topicsChanged' }
  /** Peers have joined or left the topic. At most once per batch and topic. */
  | { type: 'subscribersChanged'; topic: string }
  /** Something that the status shows has changed. At most once per batch. */
  | { type: 'statusChanged' }
  /** Something that the states of peers show has changed. At most one a batch. */
  | { type: 'peersChanged' }
  /** Something happened that is relevant for security. */
  | { type: 'audited'; event: AuditEvent; ago: number }
  /** Ask the application whether this peer may come in. Answered by `authorized`. */
  | { type: 'authorize'; authorization: number; peer: string; address: string; inbound: boolean }
  /** The answer is no longer wanted. */
  | { type: 'cancelAuthorization'; authorization: number; denied: boolean }
  /** `kind`: what all lines of this kind have in common; absent: all of it. `peer`: whom it is about. */
  | { type: 'log'; level: LogLevel; message: string; kind?: string; peer?: string; cause?: unknown }
  /** The node has ended; `refusal` says why, if it was not by `stop()`. */
  | { type: 'ended'; refusal?: Refusal }

/** Wake the lane at `time`, ms on its scheduler. It replaces the wake-up before. */
export type ClockEffect = { type: 'wakeAt'; time: number }

export type Effect = PortEffect | EdgeEffect | ClockEffect

/** What a step appends its effects to, in order. */
export type Effects = Effect[]

export function log(out: Effects, level: LogLevel, said: Said, cause?: unknown): void {
  const { text: message, ...more } = typeof said === 'string' ? { text: said } : said
  out.push({ type: 'log', level, message, ...more, ...(cause !== undefined && { cause }) })
}
