/** Foreign errors as the port states them. Knows how libp2p words its errors; must not know what they are reported for. */
import { NO_HANDSHAKE } from '../core/access/lists.js'
import type { Failure } from '../core/terms.js'
import { printable } from '../wire/text.js'

/** A peer may have a part in the text. */
const LONGEST = 500

/** What went wrong, in a few words and without the stack. (No `instanceof`: jest's realms have an `Error` of their own.) */
export function reasonOf(thrown: unknown): string {
  const error = causeOf(thrown)
  if (isEvent(error)) return error.type === 'close' ? 'it was closed meanwhile' : `it ended by the event ${error.type}`
  const { name, message } = (error ?? {}) as Partial<Error>
  if (name === 'TimeoutError' || name === 'AbortError') return 'timed out'
  if (message?.startsWith('Payload identity key ') === true) return 'another node is there now, with another peer id'
  if (name === 'UnexpectedEOFError' || message?.startsWith('Unexpected EOF') === true) return 'the other side hung up'
  const text = message?.split('\n')[0] || name || (typeof error === 'string' ? error : '') || 'no reason was given'
  return printable(text.replace(/^connection error \S+: /, ''), LONGEST)
}

/** What a handshake ends with that has come to nothing: the other side hangs up, or what it says is no negotiation. */
const WITHOUT_WORD = /\bECONNRESET\b|\bEPIPE\b|^Unexpected EOF |^Missing newline$|^Message length /

/** Why an address cannot be reached. The texts of one that refuses us differ by chance. */
export function reasonOfDial(error: unknown): string {
  return WITHOUT_WORD.test((causeOf(error) as Partial<Error> | undefined)?.message ?? '')
    ? NO_HANDSHAKE
    : reasonOf(error)
}

export function failureOf(what: string, error: unknown): Failure {
  return { message: `${what}: ${reasonOf(error)}`, cause: causeOf(error) }
}

/** Where libp2p waits for an event (p-event), and another one comes, it rejects with that event: the error is inside of it, if there is one. */
export function causeOf(thrown: unknown): unknown {
  return isEvent(thrown) ? (thrown.error ?? thrown.detail ?? thrown) : thrown
}

function isEvent(thrown: unknown): thrown is { type: string; error?: unknown; detail?: unknown } {
  const { type, preventDefault } = (thrown ?? {}) as Partial<globalThis.Event>
  return typeof type === 'string' && typeof preventDefault === 'function'
}

/** Why an address cannot be listened on. */
export interface ListenFailure {
  address: string
  /** libp2p's error has a paragraph for an address, with a stack. */
  cause: unknown
}

export function listenFailure(failures: readonly ListenFailure[]): Failure {
  const failed = failures.map(({ address, cause }) => {
    const text = (cause as Partial<Error> | undefined)?.message ?? String(cause)
    const reason = /^ {2}\/\S+: (?:\w*Error: )*(.*)$/m.exec(text)?.[1] ?? text.split('\n')[0]
    return `${address} (${reason})`
  })
  const all = failures.map(({ cause }) => cause)
  const message = `cannot listen on ${failed.join(', ')}`
  return { message, cause: all.length === 1 ? all[0] : new AggregateError(all, message) }
}
