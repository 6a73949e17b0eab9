/**
 * `step(state, batch) → effects`: everything that a node decides. It is synchronous and deterministic: the time comes
 * with the batch, nothing is read from outside, and effects are returned, not run. It changes the state in place.
 */
import { onAuthorized, onVisit } from './access/authorizing.js'
import { banOffenders } from './access/bans.js'
import { allow, deny } from './access/changing.js'
import { onRefused, onTurnedAway } from './access/refusals.js'
import { cancelAsk } from './ask-kinds.js'
import { fail, settle } from './asks.js'
import * as catchUp from './broadcasts/catch-up.js'
import { countLoss } from './broadcasts/counts.js'
import { onValidated } from './broadcasts/deciding.js'
import { onAnnouncedAgain } from './broadcasts/fetching.js'
import * as hearing from './broadcasts/hearing.js'
import { hintAtTopics } from './broadcasts/hints.js'
import { nextSettled } from './broadcasts/membership.js'
import * as publishing from './broadcasts/publishing.js'
import * as topics from './broadcasts/topics.js'
import { tellChanges } from './changes.js'
import { armWake, dueAt, onWoken, startGrace } from './due.js'
import { log, type Effect, type Effects } from './effects.js'
import { isQuestion, type Batch, type Event } from './events.js'
import { expire } from './expire.js'
import { explain, onExplained } from './explain/explain.js'
import { fullStatus, knownPeers } from './explain/status.js'
import * as lifecycle from './lifecycle.js'
import * as connectivity from './peers/connectivity.js'
import * as discovery from './peers/discovery.js'
import { awaitOnline, settleOnline } from './peers/online.js'
import { makeRoom } from './peers/places.js'
import { onClockJumped, onLate } from './peers/waking.js'
import * as answers from './requests/answers.js'
import { startRequest } from './requests/requests.js'
import { onTaken } from './requests/session/asker/calls.js'
import { flushSessions } from './requests/session/outbox.js'
import { onStreamEvent } from './requests/stream-events.js'
import * as turns from './requests/turns.js'
import { handleNews } from './services/own-answers.js'
import { serveHistories } from './services/serving.js'
import type { Lifecycle, State } from './state.js'
import { line, unhandled } from './terms.js'

/** Runs the events of one instant and then what is due, so a reply in the instant of its deadline still counts. */
export function step(state: State, batch: Batch): Effect[] {
  const out: Effects = []
  if (batch.at > state.now) state.now = batch.at
  for (const event of batch.events) {
    HANDLERS[state.lifecycle.phase](state, out, event)
  }
  if (state.now >= state.due.next) expire(state, out)
  if (state.offenders.due.size > 0) banOffenders(state, out)
  waitForTopics(state, out)
  if (state.online.size > 0) settleOnline(state, out)
  if (state.services.wanted.size > 0) serveHistories(state, out)
  while (
    state.news.waiting.length > 0 ||
    state.budget.roomFreed ||
    state.turns.due ||
    state.streams.unflushed.length > 0
  ) {
    if (state.news.waiting.length > 0) handleNews(state, out)
    if (state.budget.roomFreed) answers.resumeWaiting(state, out)
    if (state.turns.due) answers.resumeTurns(state, out)
    if (state.streams.unflushed.length > 0) flushSessions(state, out)
  }
  if (state.lifecycle.phase === 'draining') lifecycle.finishDrain(state, out)
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
      return onStreamEvent(state, out, event)
    case 'writable':
      lifecycle.onWritable(state, event)
      return onStreamEvent(state, out, event)

    case 'request':
      return startRequest(state, out, event)
    case 'respond':
      return answers.respond(state, out, event)
    case 'next':
      return answers.next(state, out, event.exchange, event.data)
    case 'complete':
      return answers.complete(state, out, event.exchange, event.working)
    case 'pullable':
      return answers.onPullable(state, out, event.exchange)
    case 'reject':
      return answers.reject(state, out, event)
    case 'released':
      return turns.onReleased(state, event)
    case 'turnUsed':
      return turns.onTurnUsed(state, event)
    case 'handedBack':
      return turns.onHandedBack(state, event)
    case 'handlerTook':
      return turns.onHandlerTook(state, event)
    case 'taken':
      return onTaken(state, event.ask, event.cost)
    case 'cancel':
      return cancelAsk(state, out, event.ask)
    case 'serve':
      return void out.push(event)
    case 'dialPeer':
      return connectivity.startDial(state, out, event)
    case 'knownPeers':
      return settle(state, out, event.ask, knownPeers(state))
    case 'status':
      return settle(state, out, event.ask, fullStatus(state))
    case 'broadcast':
      return publishing.publish(state, out, event)
    case 'subscribe':
      topics.subscribe(state, out, event.topic)
      return catchUp.onSubscribed(state, event)
    case 'unsubscribe':
      catchUp.onUnsubscribed(state, event)
      return topics.unsubscribe(state, event.topic)
    case 'joined':
      return topics.onJoined(state, out, event)
    case 'online':
      return awaitOnline(state, out, event)
    case 'guardTopic':
      return topics.guard(state, out, event.topic)
    case 'validated':
      return onValidated(state, out, event)
    case 'digested':
      return hearing.onDigested(state, out, event)
    case 'discarded':
      return countLoss(state, 'bufferFull', event)
    case 'allow':
      return allow(state, out, event)
    case 'deny':
      return deny(state, out, event)
    case 'authorized':
      return onAuthorized(state, out, event)
    case 'explain':
      return explain(state, out, event)
    case 'shutdown':
      return lifecycle.shutdown(state, out, event)

    case 'message':
      return hearing.onMessage(state, out, event)
    case 'published':
      return publishing.onPublished(state, out, event)
    case 'publishFailed':
      return publishing.onPublishFailed(state, out, event)
    case 'publishHeld':
      return publishing.onPublishHeld(state, out, event)
    case 'gossipDrained':
      return publishing.onDrained(state, out, event.peer)
    case 'refused':
      return onRefused(state, out, event)
    case 'gossipDropped':
      return hearing.onGossipDropped(state, out, event)
    case 'repeated':
      return hearing.onRepeated(state, out, event)
    case 'announcedAgain':
      return onAnnouncedAgain(state, out, event)
    case 'gossipOpened':
      topics.onGossipOpened(state, event.peer)
      return publishing.serveWaiting(state, out)
    case 'gossipClosed':
      topics.onGossipClosed(state, event.peer)
      return publishing.onDrained(state, out, event.peer, true)
    case 'subscriptionChanged':
      topics.onSubscriptionChanged(state, event)
      return publishing.serveWaiting(state, out)
    case 'meshChanged':
      return topics.onMeshChanged(state, event)
    case 'verified':
      return catchUp.onVerified(state, out, event)
    case 'inspected':
      onExplained(state, out, event)
      lifecycle.onDrainInspected(state, event)
      return connectivity.onIdleInspected(state, out, event)

    case 'visit':
      return onVisit(state, out, event)
    case 'turnedAway':
      return onTurnedAway(state, out, event)
    case 'connectionOpened':
      connectivity.onConnectionOpened(state, out, event)
      return makeRoom(state, out, event.connection)
    case 'connectionClosed':
      return connectivity.onConnectionClosed(state, out, event)
    case 'dialled':
      return connectivity.onDialled(state, out, event)
    case 'dialFailed':
      return connectivity.onDialFailed(state, out, event)
    case 'pinged':
      connectivity.onPinged(state, out, event)
      return lifecycle.onConfirmed(state, out, event)
    case 'pingFailed':
      lifecycle.onUnconfirmed(state, out, event)
      return connectivity.onPingFailed(state, out, event)

    case 'tick':
      // Whoever is about to leave looks for nobody.
      if (state.lifecycle.phase !== 'running') return
      hintAtTopics(state, out)
      return discovery.tick(state, out)
    case 'identified':
      return discovery.onIdentified(state, out, event)
    case 'tableChanged':
      return discovery.onTableChanged(state, out, event)
    case 'tableQueried':
      return discovery.onTableQueried(state, out, event)

    case 'listening':
      return lifecycle.onListening(state, out, event)
    case 'listenFailed':
      return lifecycle.onListenFailed(state, out, event)
    case 'clockJumped':
      return onClockJumped(state, out, event.by)
    case 'woken':
      return onWoken(state)
    case 'late':
      startGrace(state)
      return onLate(state, out, event.by)
    case 'effectFailed':
      return log(out, 'error', line`the effect ${event.effect} failed: ${event.failure.message}`, event.failure.cause)

    case 'start':
    case 'stopped':
      return
    default:
      return unhandled(event)
  }
}

/** What a node does with an event, by its phase. */
const HANDLERS: Record<Lifecycle['phase'], (state: State, out: Effects, event: Event) => void> = {
  starting: handleStarting,
  running: handle,
  draining: handle,
  stopping: handleStopping,
  ended: handleOutside,
}

function handleStarting(state: State, out: Effects, event: Event): void {
  if (event.type === 'listening') lifecycle.onListening(state, out, event)
  else if (event.type === 'listenFailed') lifecycle.onListenFailed(state, out, event)
  else handleOutside(state, out, event)
}

function handleStopping(state: State, out: Effects, event: Event): void {
  if (event.type === 'stopped') lifecycle.completeStop(state, out)
  else handleOutside(state, out, event)
}

/** Before the node listens and after it was stopped, most events are ignored, but every question is answered. */
function handleOutside(state: State, out: Effects, event: Event): void {
  if (event.type === 'woken') onWoken(state)
  else if (event.type === 'start') lifecycle.start(state, out)
  else if (event.type === 'shutdown') {
    lifecycle.shutdownAgain(state, out, event)
  } else if (isQuestion(event)) {
    fail(state, out, event.ask, { code: 'NodeStopped', message: 'the node has been stopped, or never started' })
  }
}

/** Serves what waits for a topic to be joined. It runs in every step, because any event may complete a join. */
function waitForTopics(state: State, out: Effects): void {
  const waitsForJoin = state.topics.joining.size > 0
  const waitsForPast = state.catchUps.size > 0
  if (!waitsForJoin && !waitsForPast) return
  if (waitsForJoin) topics.settleJoined(state, out)
  if (waitsForPast) catchUp.serveCatchUps(state, out)
  dueAt(state, 'joined', nextSettled(state))
}
