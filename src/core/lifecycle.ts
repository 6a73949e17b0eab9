/** The beginning and the end of a node: starting, running, stopping, ended. */
import { fail, settle } from './asks.js'
import { joinFixedTopics } from './broadcasts/topics.js'
import { statusChanged } from './changes.js'
import { dueAt } from './due.js'
import { log, type Effects, type Refusal } from './effects.js'
import type { CommandOf, EventOf } from './events.js'
import { fullAddresses } from './explain/status.js'
import { dialBootNodes, tellWhereWeAre } from './peers/discovery.js'
import { cancelHandler, isWorkedOn } from './requests/exchanges.js'
import { createState, type State } from './state.js'

export function start(state: State, out: Effects): void {
  const { listen, announce } = state.settings
  // (A recording of an older version has none.)
  out.push({ type: 'listen', addresses: listen, ...((announce as string[] | undefined)?.length && { announce }) })
}

export function onListening(state: State, out: Effects, { addresses }: EventOf<'listening'>): void {
  state.lifecycle.addresses = addresses
  statusChanged(state)
  if (state.lifecycle.phase !== 'starting') {
    for (const address of fullAddresses(state)) log(out, 'info', `📣 our addresses have changed: ${address}`)
    return tellWhereWeAre(state, out)
  }
  state.lifecycle.phase = 'running'
  for (const address of fullAddresses(state)) log(out, 'info', `📣 listening on ${address}`)
  joinFixedTopics(state, out)
  out.push({ type: 'ready' })
  // The first tick would be later than necessary.
  dialBootNodes(state, out)
}

export function onListenFailed(state: State, out: Effects, event: EventOf<'listenFailed'>): void {
  end(state, out, { code: 'ListenError', ...event.failure })
}

/** Ends everything that is pending and asks the network to close. Answered when it has closed, or after `stopTimeout`. */
export function shutdown(state: State, out: Effects, { ask }: CommandOf<'shutdown'>): void {
  state.lifecycle.phase = 'stopping'
  state.lifecycle.stopAsk = ask
  state.lifecycle.stopAt = state.now + state.settings.stopTimeout
  dueAt(state, 'stop', state.lifecycle.stopAt)
  endAll(state, out, { code: 'NodeStopped', message: 'the node was stopped' })
  out.push({ type: 'stop' })
}

/** The network has closed, or took longer than `stopTimeout`. */
export function completeStop(state: State, out: Effects): void {
  if (state.lifecycle.stopAsk !== undefined) settle(state, out, state.lifecycle.stopAsk, undefined)
  end(state, out)
}

/** The network took longer than `stopTimeout`. */
export function expireStop(state: State, out: Effects): void {
  if (state.lifecycle.phase === 'stopping' && state.now >= state.lifecycle.stopAt) completeStop(state, out)
}

function end(state: State, out: Effects, refusal?: Refusal): void {
  state.lifecycle.phase = 'ended'
  state.lifecycle.stopAt = Infinity
  out.push(refusal === undefined ? { type: 'ended' } : { type: 'ended', refusal })
}

/** Refuses every pending question, cancels every handler, and empties the rest of the state. */
function endAll(state: State, out: Effects, refusal: Refusal): void {
  for (const ask of state.asks.open.values()) {
    if (ask.kind !== 'request' || ask.stage !== 'draining') fail(state, out, ask.id, refusal)
  }
  for (const exchange of state.exchanges.open.values()) {
    if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, refusal.message)
  }
  for (const { id } of state.validating.open.values()) {
    out.push({ type: 'cancelValidation', validation: id, reason: refusal.message })
  }
  const { now, lifecycle, due, changes } = state
  Object.assign(state, createState(state.self, state.settings), { now, lifecycle, due, changes })
  statusChanged(state)
}
