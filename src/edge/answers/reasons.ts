/**
 * What a rejection tells the asker, and what it must not tell. The asker is a stranger, so an error leaves the node only as far
 * as its author has marked it for strangers, and every part is bounded.
 */
import type { CommandOf } from '../../core/events.js'
import { isP2pError, P2pError } from '../../errors.js'
import type { ExchangeId } from '../../core/terms.js'
import { MAX_CODE, MAX_MESSAGE } from '../../wire/session/format.js'
import { isWellFormed } from '../../wire/text.js'
import { checkObject, reading, show, type Names } from '../checks.js'

/** Why a request is rejected. All fields are optional. They reach the asker over sessions; version 1 cannot carry them. */
export interface Rejection {
  /** For programs: the asker's `error.remoteCode`. Printable ASCII; at most 64 characters of it are sent. */
  code?: string | undefined
  /** For people: in the asker's `error.message`. At most 4,096 bytes of UTF-8 are sent. */
  message?: string | undefined
  /** After how many milliseconds a new attempt makes sense, from 0 on; more than 2,147,483,647 is sent as that. */
  retryAfterMs?: number | undefined
}

const NAMES: Names<Rejection> = { code: true, message: true, retryAfterMs: true }

/** 24 days: no caller waits longer, and the number fits into 32 bits with a sign. */
const MAX_RETRY_AFTER = 2 ** 31 - 1

const encoder = new TextEncoder()
const room = new Uint8Array(MAX_MESSAGE)

/** As much of the text as its first 4,096 bytes of UTF-8 hold, in whole characters: half of one is U+FFFD, as it will be sent. */
export function cutMessage(text: string): string {
  const whole = isWellFormed(text) ? text : text.replace(/\p{Cs}/gu, '\ufffd')
  // No UTF-16 unit takes more than three bytes.
  if (whole.length * 3 <= MAX_MESSAGE) return whole
  return whole.slice(0, encoder.encodeInto(whole, room).read)
}

/** The printable ASCII of a code, as far as it is sent. */
export function cutCode(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').slice(0, MAX_CODE)
}

/** What a caller gave to `reject`. @throws `InvalidConfig` for what is neither a text nor such an object. */
export function checkRejection(reason: unknown): Rejection {
  return reading('a reason', () => checkedRejection(reason))
}

function checkedRejection(reason: unknown): Rejection {
  if (reason === undefined) return {}
  if (typeof reason === 'string') return { message: reason }
  if (isError(reason)) return rejectionOf(reason)
  if (typeof reason !== 'object' || reason === null) {
    throw wrong(`a reason is a text or { code, message, retryAfterMs }, not ${show(reason)}`)
  }
  checkObject(reason, 'a reason', NAMES)
  const { code, message, retryAfterMs } = reason as Record<keyof Rejection, unknown>
  if (code !== undefined && typeof code !== 'string') throw wrong(`the code of a reason is a text, not ${show(code)}`)
  if (message !== undefined && typeof message !== 'string') {
    throw wrong(`the message of a reason is a text, not ${show(message)}`)
  }
  if (retryAfterMs !== undefined && !isWait(retryAfterMs)) {
    throw wrong(`retryAfterMs is a number of ms from 0 on, not ${show(retryAfterMs)}`)
  }
  return { code, message, retryAfterMs }
}

/** By its tag too: an error may come from another realm. */
function isError(value: unknown): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

/** What an error tells strangers: nothing, unless it has `expose: true` (as http-errors marks it) or is our `Overloaded`. */
export function rejectionOf(error: unknown): Rejection {
  return read(() => told(error), {})
}

/** What a handler has thrown is foreign: it may be a proxy, and its getters may throw. */
function read<T>(from: () => T, otherwise: T): T {
  try {
    return from()
  } catch {
    return otherwise
  }
}

function told(error: unknown): Rejection {
  if (typeof error !== 'object' || error === null) return {}
  const { expose, code, message, retryAfterMs: wait } = error as Record<string, unknown>
  const retryAfterMs = isWait(wait) ? wait : undefined
  if (expose === true) {
    return {
      code: typeof code === 'string' ? code : undefined,
      message: typeof message === 'string' ? message : undefined,
      retryAfterMs,
    }
  }
  return isP2pError(error, 'Overloaded') ? { code: error.code, retryAfterMs } : {}
}

/** Whether the error is a rejection on purpose, and not a fault of the handler. */
export function isDeliberate(error: unknown): boolean {
  const isMeant = (): boolean =>
    isP2pError(error, 'Overloaded') ||
    (typeof error === 'object' && error !== null && (error as { expose?: unknown }).expose === true)
  return read(isMeant, false)
}

/** The command, with everything cut to what may be sent. */
export function rejectCommand(exchange: ExchangeId, { code, message, retryAfterMs }: Rejection): CommandOf<'reject'> {
  const command: CommandOf<'reject'> = { type: 'reject', exchange }
  if (message !== undefined) command.reason = cutMessage(message)
  const sent = code === undefined ? '' : cutCode(code)
  if (sent !== '') command.code = sent
  if (retryAfterMs !== undefined) command.retryAfterMs = Math.min(Math.ceil(retryAfterMs), MAX_RETRY_AFTER)
  return command
}

function isWait(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value)
}

function wrong(message: string): P2pError {
  return new P2pError('InvalidConfig', message)
}
