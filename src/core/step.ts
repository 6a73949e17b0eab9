/**
 * `step(state, batch) → effects`: the whole truth of a node. Synchronous and deterministic: times come with the batch,
 * nothing is read from outside and nothing is done, only asked for. Changes the state in place.
 */
import * as answers from './requests/answers.js'
import { endRequest, expireRequest, startRequest } from './requests/requests.js'
import { onTaken } from './requests/session/asker/calls.js'
import { admit, fail, settle } from './asks.js'
import { onVerified, nextCatchUp, serveCatchUps, startCatchUp, endCatchUp } from './broadcasts/catch-up.js'
import { countLoss } from './broadcasts/counts.js'
import { expireValidation, onValidated } from './broadcasts/deciding.js'
import { explain, onInspected } from './explain/explain.js'
import { onGossipDropped, onMessage } from './broadcasts/hearing.js'
import { onDigested } from './broadcasts/digests.js'
import { nextSettled } from './broadcasts/membership.js'
import * as publishing from './broadcasts/publishing.js'
import * as topics from './broadcasts/topics.js'
import { nextIdleClose } from './peers/connections.js'
import * as connectivity from './peers/connectivity.js'
import { nextDeadline, takeExpired } from './deadlines.js'
import { reach } from './peers/dials.js'
import { dueAt } from './due.js'
import * as discovery from './peers/discovery.js'
import { log, type Effect, type Effects } from './effects.js'
import type { Batch, Command, Event } from './events.js'
import * as lifecycle from './lifecycle.js'
import { handleOwn } from './services/own-answers.js'
import { nextHistory, serveHistories } from './services/serving.js'
import type { State } from './state.js'
import { knownPeers, snapshot } from './explain/status.js'
import { flushSessions, onStreamEvent } from './requests/streams.js'

/** Runs the events of one instant, then what was due by then: a reply in a deadline's own instant wins. */
export function step(state: State, batch: Batch): Effect[] {
  const out: Effects = []
  if (batch.at > state.now) state.now = batch.at
  for (const event of batch.events) {
    if (state.phase === 'running') handle(state, out, event)
    else handleOutside(state, out, event)
  }
  expire(state, out)
  waitForTopics(state, out)
  if (state.broadcasts.serving.size > 0) serveHistories(state, out)
  while (handleOwn(state, out) || state.roomFreed || state.unflushed.length > 0) {
    if (state.roomFreed) answers.admitHeld(state, out)
    flushSessions(state, out)
  }
  tellChanges(state, out)
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
      return publishing.publish(state, out, event)
    case 'subscribe':
      topics.subscribe(state, out, event.topic)
      if (event.replay !== undefined) {
        startCatchUp(state, event.topic, event.replay.subscription, event.replay.count)
      }
      return
    case 'unsubscribe':
      if (event.subscription !== undefined) endCatchUp(state, event.subscription)
      return topics.unsubscribe(state, event.topic)
    case 'joined':
      return topics.onJoined(state, out, event)
    case 'guardTopic':
      return topics.guard(state, out, event.topic)
    case 'validated':
      return onValidated(state, out, event.validation, event.verdict, event.failed)
    case 'digested':
      return onDigested(state, out, event.digest, event.hash)
    case 'discarded':
      return countLoss(state, 'bufferFull', event)
    case 'explain':
      return explain(state, out, event)
    case 'shutdown':
      return lifecycle.shutdown(state, out, event.ask)

    case 'message':
      return onMessage(state, out, event)
    case 'published':
      return publishing.onPublished(state, out, event)
    case 'publishFailed':
      return publishing.onPublishFailed(state, out, event)
    case 'publishHeld':
      return publishing.onPublishHeld(state, out, event)
    case 'gossipDrained':
      return publishing.onDrained(state, out, event.peer)
    case 'gossipDropped':
      return onGossipDropped(state, out, event)
    case 'gossipOpened':
      topics.onGossipOpened(state, event.peer)
      return publishing.serveWaiting(state, out)
    case 'gossipClosed':
      state.broadcasts.gossip.delete(event.peer)
      return publishing.onDrained(state, out, event.peer)
    case 'subscriptionChanged':
      topics.onSubscriptionChanged(state, event)
      return publishing.serveWaiting(state, out)
    case 'meshChanged':
      return topics.onMeshChanged(state, event)
    case 'verified':
      return onVerified(state, out, event)
    case 'inspected':
      onInspected(state, out, event)
      return connectivity.onWaitingKnown(state, out, event)

    case 'connectionOpened':
      return connectivity.onConnectionOpened(state, out, event)
    case 'connectionClosed':
      return connectivity.onConnectionClosed(state, out, event.connection)
    case 'dialled':
      return connectivity.onDialled(state, out, event)
    case 'dialFailed':
      return connectivity.onDialFailed(state, out, event)
    case 'pinged':
      return connectivity.onPinged(state, event)
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
    case 'joined':
    case 'explain':
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
  state.asks.set(id, { kind: 'dial', id, target })
  if (reach(state, out, target, addresses, id)) return
  state.asks.delete(id)
  const message = `${state.dials.size} dials are under way already`
  out.push({ type: 'fail', ask: id, refusal: { code: 'Overloaded', message, retryAfterMs: 1_000 } })
}

function cancel(state: State, out: Effects, id: number): void {
  const ask = state.asks.get(id)
  if (ask === undefined) return
  switch (ask.kind) {
    case 'request':
      return endRequest(state, out, ask)
    case 'broadcast':
      return publishing.leave(state, ask)
    case 'joined':
      return topics.endJoined(state, id)
    case 'dial':
      state.dials.get(ask.target)?.waiting.delete(id)
      return void state.asks.delete(id)
    case 'explain':
      return void state.asks.delete(id)
  }
}

/** Everything whose time has come. Nothing that this batch has begun can be due in it. */
function expire(state: State, out: Effects): void {
  if (state.now < state.nextDue) return
  for (const id of takeExpired(state.askDeadlines, state.now)) expireAsk(state, out, id)
  for (const id of takeExpired(state.exchangeDeadlines, state.now)) answers.expireExchange(state, out, id)
  connectivity.closeIdle(state, out)
  connectivity.pingAll(state, out)
  discovery.probeNext(state, out)
  for (const id of takeExpired(state.broadcasts.validationDeadlines, state.now)) expireValidation(state, out, id)
  topics.leaveTopics(state, out)
  if (state.broadcasts.full.size > 0) publishing.pump(state, out)
  if (state.phase === 'stopping' && state.now >= state.stopAt) lifecycle.finish(state, out)
  state.nextDue = Math.min(
    nextDeadline(state.askDeadlines),
    nextDeadline(state.exchangeDeadlines),
    nextIdleClose(state),
    state.nextPing,
    state.nextProbe,
    nextDeadline(state.broadcasts.validationDeadlines),
    topics.nextLeave(state),
    publishing.nextStall(state),
    nextCatchUp(state),
    nextHistory(state),
    state.stopAt,
  )
}

function expireAsk(state: State, out: Effects, id: number): void {
  switch (state.asks.get(id)?.kind) {
    case 'request':
      return expireRequest(state, out, id)
    case 'broadcast':
      return publishing.expireBroadcast(state, out, id)
    case 'joined':
      return topics.expireJoined(state, out, id)
    default:
      return
  }
}

/** Those who wait until a topic is joined: any event may have been the last that was missing. */
function waitForTopics(state: State, out: Effects): void {
  const { joining, catchUps } = state.broadcasts
  if (joining.size === 0 && catchUps.size === 0) return
  if (joining.size > 0) topics.settleJoined(state, out)
  if (catchUps.size > 0) serveCatchUps(state, out)
  dueAt(state, nextSettled(state))
}

/** Once a batch, however much has changed. */
function tellChanges(state: State, out: Effects): void {
  const { broadcasts } = state
  if (broadcasts.topicsDirty) {
    broadcasts.topicsDirty = false
    out.push({ type: 'topicsChanged' })
  }
  if (broadcasts.othersDirty.size > 0) {
    for (const topic of broadcasts.othersDirty) out.push({ type: 'subscribersChanged', topic })
    broadcasts.othersDirty.clear()
  }
  if (!state.statusDirty) return
  state.statusDirty = false
  out.push({ type: 'statusChanged' })
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
