/**
 * What the caller of a request is told when its stream or its connection is lost, or there was none. The other side may have handled
 * it only if something of it was sent; otherwise it may be sent elsewhere.
 */
import type { Refusal } from '../effects.js'
import type { EventOf } from '../events.js'
import type { Failure } from '../terms.js'
import type { RequestAsk } from './state.js'

/** Was nothing of it sent? */
export function isUnsent({ stage, call }: RequestAsk): boolean {
  if (call?.protocol === 'session') return call.sent < 0
  return stage === 'dialling' || stage === 'queued' || stage === 'opening'
}

/** How often a request, or a dial, goes elsewhere because its connection was lost before anything was sent. */
const MOVES = 3

/**
 * May it go elsewhere, for nothing of it was sent? Connections are lost that were opened a moment ago: who is dialled twice at once may
 * hang up one of them, and not every peer says so before. Requests of the node itself belong to their connection.
 */
export function mayMove(ask: RequestAsk): boolean {
  return !ask.service && ask.moves < MOVES && isUnsent(ask)
}

/** The same of a dial, which waits for the proof that the peer is there. */
export function mayMoveDial({ moves }: { moves: number }): boolean {
  return moves < MOVES
}

/** What was lost, or what has become of it; and why, if that is known. */
export type Loss = string | Failure

/** Of a stream. */
export function lossOf(what: string, failure: Failure | undefined): Loss {
  return failure === undefined ? what : { ...failure, message: `${what} (${failure.message})` }
}

export function lost(ask: RequestAsk, why: Loss): Refusal {
  const { message, ...cause } = typeof why === 'string' ? { message: why } : why
  return isUnsent(ask)
    ? { code: 'DialError', message: `the request was not sent: ${message}`, ...cause }
    : { code: 'ConnectionLost', message: `no answer from ${ask.peer}: ${message}`, ...cause }
}

/** It got no stream. `unsupported`: what it says if the peer speaks none of the protocols. */
export function noStream(peer: string, event: EventOf<'streamOpenFailed'>, unsupported: string): Refusal {
  const { message, cause } = event.failure
  return event.reason === 'unsupported'
    ? { code: 'RequestRejected', message: unsupported, cause }
    : { code: 'DialError', message: `no stream to ${peer}: ${message}`, cause }
}
