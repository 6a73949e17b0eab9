/**
 * Questions: each is answered once, by `settle` or `fail`, or dropped because its caller cancelled it. This is the only
 * exit for answers: those to callers leave as effects, those to the node itself (numbers below zero) are news.
 * What a question is about, this file does not know.
 */
import { removeDeadline, setDeadline } from './due.js'
import type { Answer, Effects, Refusal } from './effects.js'
import { tellServices } from './news.js'
import type { Ask, State } from './state.js'
import type { AskId } from './terms.js'

/** The answer; after several values, the last of them. */
export function settle(state: State, out: Effects, ask: AskId, value: Answer): void {
  if (ask >= 0) return void out.push({ type: 'settle', ask, value })
  tellServices(state, { kind: 'value', ask, value: value as Uint8Array })
  tellServices(state, { kind: 'over', ask })
}

/** One value of an answer that may have several. */
export function emitValue(state: State, out: Effects, ask: AskId, value: Uint8Array): void {
  if (ask >= 0) out.push({ type: 'value', ask, value })
  else tellServices(state, { kind: 'value', ask, value })
}

/** No value follows. */
export function endValues(state: State, out: Effects, ask: AskId): void {
  if (ask >= 0) out.push({ type: 'valuesEnded', ask })
  else tellServices(state, { kind: 'over', ask })
}

export function fail(state: State, out: Effects, ask: AskId, refusal: Refusal): void {
  if (ask >= 0) out.push({ type: 'fail', ask, refusal })
  else tellServices(state, { kind: 'over', ask })
}

/** When whoever was refused for a limit may come again, ms. */
export const RETRY_AFTER = 1_000

/** The most that is believed of what another node says of that, ms. */
export const MOST_RETRY_AFTER = 60_000

/** The refusal for a limit of our own, or by a peer that stops. */
export function overloaded(message: string): Refusal {
  return { code: 'Overloaded', message, retryAfterMs: RETRY_AFTER }
}

/** Accepts one more question. False: it was refused. `inDrain`: it begins nothing, so a node that drains answers it too. */
export function acceptAsk(state: State, out: Effects, ask: AskId, inDrain = false): boolean {
  const { size } = state.asks.open
  const { phase } = state.lifecycle
  if (phase !== 'running' && !(inDrain && phase === 'draining')) {
    fail(state, out, ask, { code: 'NodeStopped', message: 'the node is being stopped: it begins nothing new' })
    return false
  }
  if (size >= state.settings.maxPendingRequests) {
    fail(state, out, ask, overloaded(`${size} requests are pending already: wait for some of them`))
    return false
  }
  return true
}

/** The question is open from now on, for its `timeout` at most, if it has one. */
export function openAsk(state: State, ask: Ask): void {
  state.asks.open.set(ask.id, ask)
  const { timeout } = ask as { readonly timeout?: number }
  if (timeout !== undefined) setDeadline(state, 'asks', ask.id, timeout)
}

/** The question has `timeout` ms from now on, in place of the deadline that it had. */
export function extendAsk(state: State, id: AskId, before: number, timeout: number): void {
  removeDeadline(state, 'asks', id, before)
  setDeadline(state, 'asks', id, timeout)
}

/** The question has no deadline from now on. */
export function endDeadline(state: State, id: AskId, timeout: number): void {
  removeDeadline(state, 'asks', id, timeout)
}

/** The question is no longer open. False: it was not open. */
export function closeAsk(state: State, id: AskId, timeout?: number): boolean {
  if (timeout !== undefined) removeDeadline(state, 'asks', id, timeout)
  return state.asks.open.delete(id)
}
