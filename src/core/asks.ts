/** Callers' questions: each is answered once, by `settle` or `fail`, or forgotten because the caller cancelled it. */
import type { ErrorCode } from '../errors.js'
import type { AskId } from './port.js'
import type { Answer, Effects, Refusal } from './effects.js'
import type { Ask, State } from './state.js'

export function settle(out: Effects, ask: AskId, value: Answer): void {
  out.push({ type: 'settle', ask, value })
}

export function fail(out: Effects, ask: AskId, code: ErrorCode, message: string, cause?: unknown): void {
  const refusal: Refusal = cause === undefined ? { code, message } : { code, message, cause }
  out.push({ type: 'fail', ask, refusal })
}

/** A response over our own limit. */
export function responseTooLarge(peer: string, limit: number): Refusal {
  return {
    code: 'ResponseTooLarge',
    message: `the response of ${peer} is larger than ${limit} bytes (maxResponseSize)`,
  }
}

/** May one more question be taken? If not, it has been answered. */
export function admit(state: State, out: Effects, ask: AskId): boolean {
  if (state.phase !== 'running') {
    fail(out, ask, 'NodeStopped', 'the node has been stopped, or never started')
    return false
  }
  if (state.asks.size >= state.settings.maxPendingRequests) {
    const message = `${state.asks.size} requests are pending already: wait for some of them`
    out.push({ type: 'fail', ask, refusal: { code: 'Overloaded', message, retryAfterMs: 1_000 } })
    return false
  }
  return true
}

/** Takes the question out of the state, if it is still there and of this kind. */
export function takeSimple(state: State, id: AskId, kind: Ask['kind']): boolean {
  return state.asks.get(id)?.kind === kind && state.asks.delete(id)
}
