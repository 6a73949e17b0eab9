/**
 * `step(state, batch) → effects`: the whole truth of a node. Synchronous and deterministic: times come with the batch,
 * nothing is read from outside and nothing is done, only asked for. Changes the state in place.
 */
import * as answers from './answering/answers.js'
import { endRequest, expireRequest, startRequest } from './asking/requests.js'
import { onTaken } from './asking/session-calls.js'
import { admit, fail, settle } from './asks.js'
import * as broadcasts from './broadcasts.js'
import { nextIdleClose } from './connections.js'
import * as connectivity from './connectivity.js'
import { nextDeadline, takeExpired } from './deadlines.js'
import { reach } from './dials.js'
import * as discovery from './discovery.js'
import { log, type Effect, type Effects } from './effects.js'
import type { Batch, Command, Event } from './events.js'
import * as lifecycle from './lifecycle.js'
import type { State } from './state.js'
import { knownPeers, snapshot } from './status.js'
import { flushSessions, onStreamEvent } from './streams.js'

/** Runs the events of one instant, then what was due by then: a reply in a deadline's own instant wins. */
export function step(state: State, batch: Batch): Effect[] {
  const out: Effects = []
  if (batch.at > state.now) state.now = batch.at
  for (const event of batch.events) {
    if (state.phase === 'running') handle(state, out, event)
    else handleOutside(state, out, event)
  }
  expire(state, out)
  while (state.roomFreed || state.unflushed.length > 0) {
    if (state.roomFreed) answers.admitHeld(state, out)
    flushSessions(state, out)
  }
  if (state.statusDirty) {
    state.statusDirty = false
    out.push({ type: 'statusChanged' })
  }
  armWake(state, out)
  return out
}

function handle(state: State, out: Effects, event: Event): void {
  switch (event.type) {
    case 'data':
    case 'streamOpened':
    case 'streamEnded':
    case 'streamClosed':
    case 'streamInbound':
    case 'streamOpenFailed':
    case 'writable':
      return onStreamEvent(state, out, event)

    case 'request':
      return startRequest(state, out, event)
    case 'respond':
      return answers.respond(state, out, event.exchange, event.data)
    case 'next':
      return answers.next(state, out, event.exchange, event.data)
    case 'complete':
      return answers.complete(state, out, event.exchange)
    case 'pullable':
      return answers.onPullable(state, out, event.exchange)
    case 'reject':
      return answers.reject(state, out, event)
    case 'taken':
      return onTaken(state, event.ask, event.cost)
    case 'cancel':
      return cancel(state, out, event.ask)
    case 'dialPeer':
      return dialPeer(state, out, event)
    case 'knownPeers':
      return settle(out, event.ask, knownPeers(state))
    case 'status':
      return settle(out, event.ask, snapshot(state))
    case 'broadcast':
      return broadcasts.publish(state, out, event)
    case 'subscribe':
      return broadcasts.subscribe(state, out, event.topic)
    case 'unsubscribe':
      return broadcasts.unsubscribe(state, event.topic)
    case 'shutdown':
      return lifecycle.shutdown(state, out, event.ask)

    case 'message':
      return broadcasts.onMessage(state, out, event)
    case 'published':
      return broadcasts.onPublished(state, out, event)
    case 'publishFailed':
      return broadcasts.onPublishFailed(state, out, event)
    case 'subscriptionChanged':
      return
    case 'meshChanged':
      return connectivity.onMeshChanged(state, event.peers)

    case 'connectionOpened':
      return connectivity.onConnectionOpened(state, out, event)
    case 'connectionClosed':
      return connectivity.onConnectionClosed(state, out, event.connection)
    case 'dialled':
      return connectivity.onDialled(state, out, event)
    case 'dialFailed':
      return connectivity.onDialFailed(state, out, event)
    case 'pinged':
      return connectivity.onPinged(state, event.connection)
    case 'pingFailed':
      return connectivity.onPingFailed(state, out, event)

    case 'tick':
      return discovery.tick(state, out)
    case 'identified':
      return discovery.onIdentified(state, out, event)
    case 'tableChanged':
      return discovery.onTableChanged(state, out, event)
    case 'tableQueried':
      return discovery.onTableQueried(state, out, event)

    case 'listening':
      return lifecycle.onListening(state, out, event.addresses)
    case 'woken':
      return wake(state)
    case 'effectFailed':
      return log(out, 'error', `the effect ${event.effect} failed: ${event.failure.message}`, event.failure.cause)

    case 'start':
    case 'listenFailed':
    case 'stopped':
      return
  }
}

/** Before it listens and after it was stopped a node does little, and says so to everybody who asks. */
function handleOutside(state: State, out: Effects, event: Event): void {
  switch (event.type) {
    case 'start':
      return lifecycle.start(state, out)
    case 'listening':
      return state.phase === 'starting' ? lifecycle.onListening(state, out, event.addresses) : undefined
    case 'listenFailed':
      return state.phase === 'starting' ? lifecycle.onListenFailed(state, out, event) : undefined
    case 'stopped':
      return state.phase === 'stopping' ? lifecycle.finish(state, out) : undefined
    case 'shutdown':
      return state.phase === 'starting' ? lifecycle.shutdown(state, out, event.ask) : settle(out, event.ask, undefined)
    case 'request':
    case 'dialPeer':
    case 'knownPeers':
    case 'status':
    case 'broadcast':
      return fail(out, event.ask, 'NodeStopped', 'the node has been stopped, or never started')
    case 'woken':
      return wake(state)
    default:
      return
  }
}

function dialPeer(state: State, out: Effects, command: Extract<Command, { type: 'dialPeer' }>): void {
  const { ask: id, target, addresses } = command
  if (!admit(state, out, id)) return
  if (state.links.has(target)) return settle(out, id, target)
  state.asks.set(id, { kind: 'dial', id, about: target })
  if (reach(state, out, target, addresses, id)) return
  state.asks.delete(id)
  const message = `${state.dials.size} dials are under way already`
  out.push({ type: 'fail', ask: id, refusal: { code: 'Overloaded', message, retryAfterMs: 1_000 } })
}

function cancel(state: State, out: Effects, id: number): void {
  const ask = state.asks.get(id)
  if (ask === undefined) return
  if (ask.kind === 'request') return endRequest(state, out, ask)
  state.asks.delete(id)
  if (ask.kind === 'dial') state.dials.get(ask.about)?.waiting.delete(id)
}

/** Everything whose time has come. Nothing that this batch has begun can be due in it. */
function expire(state: State, out: Effects): void {
  if (state.now < state.nextDue) return
  for (const id of takeExpired(state.askDeadlines, state.now)) expireRequest(state, out, id)
  for (const id of takeExpired(state.exchangeDeadlines, state.now)) answers.expireExchange(state, out, id)
  connectivity.closeIdle(state, out)
  connectivity.pingAll(state, out)
  discovery.probeNext(state, out)
  broadcasts.leaveTopics(state, out)
  if (state.phase === 'stopping' && state.now >= state.stopAt) lifecycle.finish(state, out)
  state.nextDue = Math.min(
    nextDeadline(state.askDeadlines),
    nextDeadline(state.exchangeDeadlines),
    nextIdleClose(state),
    state.nextPing,
    state.nextProbe,
    broadcasts.nextLeave(state),
    state.stopAt,
  )
}

function wake(state: State): void {
  state.wakeAt = Infinity
}

/** One wake-up is armed, for the earliest of all deadlines. One that is too early does no harm. */
function armWake(state: State, out: Effects): void {
  if (state.nextDue >= state.wakeAt) return
  state.wakeAt = state.nextDue
  out.push({ type: 'wakeAt', time: state.nextDue })
}
