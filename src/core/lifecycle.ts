/** The beginning and the end of a node: listening, ready, stopping, ended. */
import type { AskId, PortEvent } from './port.js'
import { isWorkedOn } from './requests/exchanges.js'
import { settle } from './asks.js'
import { createBroadcasts } from './broadcasts/state.js'
import { joinFixedTopics } from './broadcasts/topics.js'
import { dialBootNodes } from './peers/discovery.js'
import { dueAt } from './due.js'
import { log, type Effects, type Refusal } from './effects.js'
import { fullAddresses } from './explain/status.js'
import type { State } from './state.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

export function start(state: State, out: Effects): void {
  out.push({ type: 'listen', addresses: state.settings.listen })
}

export function onListening(state: State, out: Effects, addresses: string[]): void {
  state.addresses = addresses
  state.statusDirty = true
  if (state.phase !== 'starting') return
  state.phase = 'running'
  for (const address of fullAddresses(state)) log(out, 'info', `📣 listening on ${address}`)
  joinFixedTopics(state, out)
  out.push({ type: 'ready' })
  // Not at the first tick: the sooner the better.
  dialBootNodes(state, out)
}

export function onListenFailed(state: State, out: Effects, event: Of<'listenFailed'>): void {
  end(state, out, { code: 'ListenError', ...event.failure })
}

/** Ends all that is pending and asks the network to close. Answered when it has, or when `stopTimeout` is over. */
export function shutdown(state: State, out: Effects, ask: AskId): void {
  state.phase = 'stopping'
  state.stopAsk = ask
  state.stopAt = state.now + state.settings.stopTimeout
  dueAt(state, state.stopAt)
  endAll(state, out, { code: 'NodeStopped', message: 'the node was stopped' })
  out.push({ type: 'stop' })
}

/** The network has closed, or has had its time. */
export function finish(state: State, out: Effects): void {
  if (state.stopAsk !== undefined) settle(out, state.stopAsk, undefined)
  end(state, out)
}

function end(state: State, out: Effects, refusal?: Refusal): void {
  state.phase = 'ended'
  state.stopAt = Infinity
  out.push(refusal === undefined ? { type: 'ended' } : { type: 'ended', refusal })
}

/** Refuses every pending question and cancels every handler. What remains is a state in which nothing can happen. */
function endAll(state: State, out: Effects, refusal: Refusal): void {
  for (const ask of state.asks.values()) {
    // What the node has asked for itself nobody waits for.
    if (ask.kind !== 'request' || (ask.stage !== 'draining' && !ask.service))
      out.push({ type: 'fail', ask: ask.id, refusal })
  }
  for (const exchange of state.exchanges.values()) {
    if (isWorkedOn(exchange)) out.push({ type: 'cancelHandler', exchange: exchange.id, reason: refusal.message })
  }
  for (const concern of [state.asks, state.calls, state.askDeadlines, state.exchanges, state.exchangeDeadlines])
    concern.clear()
  for (const concern of [state.held, state.accounts, state.dials, state.topics, state.idle]) concern.clear()
  for (const concern of [state.connections, state.links, state.mesh, state.known, state.probes, state.probing]) {
    concern.clear()
  }
  for (const { id } of state.broadcasts.validations.values()) {
    out.push({ type: 'cancelValidation', validation: id, reason: refusal.message })
  }
  state.broadcasts = createBroadcasts([])
  state.sessions.clear()
  state.unflushed = []
  state.inboundBytes = 0
  state.admitted = 0
  state.windowBytes = 0
  state.nextPing = Infinity
  state.nextProbe = Infinity
  state.statusDirty = true
}
