/**
 * What the caller of a request is told when its stream or its connection is lost, or there was none. The other side may have handled
 * it only if something of it was sent.
 */
import type { Refusal } from '../effects.js'
import type { EventOf } from '../events.js'
import type { RequestAsk } from './state.js'

/** Was nothing of it sent? */
export function isUnsent({ stage, call }: RequestAsk): boolean {
  if (call?.protocol === 'session') return call.sent < 0
  return stage === 'dialling' || stage === 'queued' || stage === 'opening'
}

/** `why`: what was lost, or what has become of it. */
export function lost(ask: RequestAsk, why: string): Refusal {
  return isUnsent(ask)
    ? { code: 'DialError', message: `the request was not sent: ${why}` }
    : { code: 'ConnectionLost', message: `no answer from ${ask.peer}: ${why}` }
}

/** It got no stream. `unsupported`: what it says if the peer speaks none of the protocols. */
export function noStream(peer: string, event: EventOf<'streamOpenFailed'>, unsupported: string): Refusal {
  const { message, cause } = event.failure
  return event.reason === 'unsupported'
    ? { code: 'RequestRejected', message: unsupported, cause }
    : { code: 'DialError', message: `no stream to ${peer}: ${message}`, cause }
}
