/** The beginning and the end of a node: starting, running, draining, stopping, ended. */
import { beginAccess } from './access/changing.js'
import { fail, settle } from './asks.js'
import { takeRecipient } from './broadcasts/recipients.js'
import { joinFixedTopics } from './broadcasts/topics.js'
import { statusChanged } from './changes.js'
import { dueAt } from './due.js'
import { log, type Effects, type Refusal } from './effects.js'
import type { CommandOf, EventOf } from './events.js'
import { fullAddresses } from './explain/status.js'
import { ping, testTime } from './peers/connections.js'
import { inspectRecipients, tellStopping } from './peers/goodbye.js'
import { beginMemory } from './peers/memory.js'
import { checkObserved } from './peers/observed.js'
import { onMoved } from './peers/waking.js'
import type { Connection } from './peers/state.js'
import type { ConnectionId, StreamId } from './port.js'
import { cancelHandler, isWorkedOn } from './requests/exchanges.js'
import { logOtherRefusals } from './requests/refusal-log.js'
import type { Exchange } from './requests/state.js'
import { failAll } from './requests/session/answerer/answers.js'
import { flushSessions } from './requests/session/outbox.js'
import { takeOwnAsk } from './services/book.js'
import { createState, type Ask, type PingsOver, type State } from './state.js'
import { line } from './terms.js'

/** In a drain: how soon it is looked again whether what was sent has left, ms. */
const LOOK_AGAIN = 20
/** Peers or topics that are named where a drain was cut short. */
const MAX_NAMED = 5

export function start(state: State, out: Effects): void {
  const { listen, announce } = state.settings
  beginAccess(state, out)
  out.push({ type: 'listen', addresses: listen, ...(announce.length > 0 && { announce }) })
}

export function onListening(state: State, out: Effects, event: EventOf<'listening'>): void {
  const { addresses, bound, failures = [] } = event
  const before = state.lifecycle.addresses
  state.lifecycle.addresses = addresses
  statusChanged(state)
  if (state.lifecycle.phase !== 'starting') {
    if (before.join() !== addresses.join())
      log(out, 'info', line`📣 our addresses are now ${fullAddresses(state).join(', ')}`)
    // Peers that are connected are told by the network; the others hear it from us when we dial them.
    if (!checkObserved(state, out, before, addresses)) onMoved(state, out)
    return
  }
  state.lifecycle.phase = 'running'
  for (const address of bound ?? fullAddresses(state)) log(out, 'info', line`📣 listening on ${address}`)
  if (bound !== undefined) log(out, 'info', line`📣 others are told ${fullAddresses(state).join(', ')}`)
  for (const failure of failures) log(out, 'warn', line`${failure}, and the node goes on with the others`)
  joinFixedTopics(state, out)
  out.push({ type: 'ready' })
  // The first tick would be later than necessary.
  beginMemory(state, out)
}

/** Before the node was ready, or later: then the network has given it up. */
export function onListenFailed(state: State, out: Effects, event: EventOf<'listenFailed'>): void {
  const refusal: Refusal = { code: 'ListenError', ...event.failure }
  if (state.lifecycle.phase !== 'starting') {
    endAll(state, out, refusal)
    out.push({ type: 'stop' })
  }
  end(state, out, refusal)
}

/** The end, at once or after a drain: what is in flight may come to its end then, and nothing new begins. */
export function shutdown(state: State, out: Effects, { ask, drain = 0 }: CommandOf<'shutdown'>): void {
  const { lifecycle } = state
  lifecycle.stopAsks.push(ask)
  if (drain === 0) return lifecycle.phase === 'draining' ? cutOrBlame(state, out) : cut(state, out)
  lifecycle.stopAt = Math.min(lifecycle.stopAt, state.now + drain)
  dueAt(state, 'stop', lifecycle.stopAt)
  if (lifecycle.phase === 'draining') return
  lifecycle.phase = 'draining'
  tellStopping(state)
  log(out, 'info', line`👋 stopping: what is in flight has ${drain} ms to come to its end`)
}

/** Before the start is over there is nothing to drain; while it stops, all that ask wait for the same end. */
export function shutdownAgain(state: State, out: Effects, { ask }: CommandOf<'shutdown'>): void {
  if (state.lifecycle.phase === 'ended') return settle(state, out, ask, undefined)
  state.lifecycle.stopAsks.push(ask)
  if (state.lifecycle.phase === 'starting') cut(state, out)
}

/** Ends everything that is pending and asks the network to close. Answered when it has closed, or after `stopTimeout`. */
function cut(state: State, out: Effects, reason?: Refusal): void {
  const { lifecycle } = state
  lifecycle.phase = 'stopping'
  lifecycle.reason = reason
  lifecycle.stopAt = state.now + state.settings.stopTimeout
  lifecycle.lookAt = Infinity
  dueAt(state, 'stop', lifecycle.stopAt)
  const refusal: Refusal = reason ?? { code: 'NodeStopped', message: 'the node was stopped' }
  logOtherRefusals(state, out)
  failAll(state, out, refusal)
  flushSessions(state, out)
  endAll(state, out, refusal)
  out.push({ type: 'stop' })
}

/**
 * Called at the end of each step of a drain: is it over? Nothing is in flight, all has left us, and then a round trip over each
 * connection says that it has arrived: to close one throws away what is on its way.
 */
export function finishDrain(state: State, out: Effects): void {
  const { lifecycle, connections, streams } = state
  if (isBusy(state)) {
    lifecycle.unsent = lifecycle.confirming = undefined
    lifecycle.asked.clear()
    return
  }
  const peers = recipientsThere(state)
  if (peers.length > 0) return inspectAgain(state, out, peers)
  lifecycle.unsent ??= new Set(writing(state))
  for (const stream of lifecycle.unsent) if (!streams.sessions.has(stream)) lifecycle.unsent.delete(stream)
  if (lifecycle.unsent.size > 0) return lookAgain(state)
  const confirming = (lifecycle.confirming ??= beginConfirming(out))
  if (!askAll(state, out, confirming)) return lookAgain(state)
  for (const id of confirming.keys()) if (!connections.all.has(id)) confirming.delete(id)
  if (confirming.size > 0) return
  if (lifecycle.lastServed === Infinity) {
    // Whoever has our last broadcasts has asked by now for what is large in them. For those who ask on and on nobody waits.
    lifecycle.lastServed = state.exchanges.nextId
    return finishDrain(state, out)
  }
  if (refused(state).length > 0) lookAgain(state)
  else if (!isExplaining(state)) cutOrBlame(state, out)
}

/** Sessions that are writing: perhaps an answer. Refusals that they write afterwards are no reason to wait. */
function writing({ streams }: State): StreamId[] {
  return [...streams.sessions.values()].flatMap((session) => (session.writing ? [session.stream] : []))
}

/** The stream has taken what was written to it. (The word that we stop goes with the next write, if it still waits.) */
export function onWritable({ lifecycle, streams }: State, { stream }: EventOf<'writable'>): void {
  if (streams.sessions.get(stream)?.goodbyes.length === 0) lifecycle.unsent?.delete(stream)
}

/** Peers that are still to be told that they have to ask elsewhere. */
function refused({ streams }: State): string[] {
  return [...streams.sessions.values()].flatMap((session) => {
    return session.role === 'answering' && session.failures.length > 0 ? [session.peer] : []
  })
}

/** The network tells what waits to be sent to those alone who look. */
function inspectAgain(state: State, out: Effects, peers: string[]): void {
  if (state.lifecycle.lookAt !== Infinity) return
  inspectRecipients(state, out, peers)
  lookAgain(state)
}

/** Nothing else may happen by which it would be looked: `writable` waits for company (`reportIdly`). */
function lookAgain(state: State): void {
  const { lifecycle } = state
  if (lifecycle.lookAt === Infinity) lifecycle.lookAt = state.now + LOOK_AGAIN
  dueAt(state, 'stop', lifecycle.lookAt)
}

/** Whoever dials from now on finds nobody, and knows it. Those whose handshake has begun come in. */
function beginConfirming(out: Effects): Map<ConnectionId, PingsOver> {
  out.push({ type: 'closeDoor' })
  return new Map()
}

/**
 * On a slow line these pings wait behind what has left us, and have the time for it. A peer that hangs does not hold us up. One that has
 * come in meanwhile, or was told only now that we stop, is asked too, behind that word. False: somebody's word has not left us yet.
 */
function askAll(state: State, out: Effects, confirming: Map<ConnectionId, PingsOver>): boolean {
  const { asked, unsent } = state.lifecycle
  for (const connection of state.connections.all.values()) {
    const { id, goodbyes } = connection
    if (asked.get(id) === goodbyes) continue
    const unwritten = [connection.asking, connection.answering].filter((session) => (session?.goodbyes.length ?? 0) > 0)
    for (const session of unwritten) unsent!.add(session!.stream)
    if (unwritten.length > 0) continue
    asked.set(id, goodbyes)
    confirming.set(id, confirm(state, out, connection))
  }
  return unsent!.size === 0
}

function confirm(state: State, out: Effects, connection: Connection): PingsOver {
  ping(state, out, connection, testTime(state, connection))
  return { answered: false, failed: false }
}

/** After the ping was counted. */
export function onConfirmed(state: State, out: Effects, { connection: id }: EventOf<'pinged'>): void {
  const { confirming } = state.lifecycle
  const connection = state.connections.all.get(id)
  const over = confirming?.get(id)
  if (connection === undefined || over === undefined) return
  over.answered = true
  // An answer to a ping that was sent before confirms nothing.
  if (connection.pings > 0) return
  if (over.failed) return void confirming!.set(id, confirm(state, out, connection))
  confirming!.delete(id)
  state.lifecycle.unconfirmed = state.lifecycle.unconfirmed.filter((peer) => peer !== connection.peer)
}

/** Before the ping is counted, and the connection given up. */
export function onUnconfirmed(state: State, out: Effects, { connection: id, heard }: EventOf<'pingFailed'>): void {
  const { confirming, unconfirmed } = state.lifecycle
  const connection = state.connections.all.get(id)
  const over = confirming?.get(id)
  if (connection === undefined || over === undefined) return
  over.failed = true
  // The ping that failed may be one that was sent before.
  if (heard && connection.pings > 1) return
  if (heard && over.answered) return void confirming!.set(id, confirm(state, out, connection))
  confirming!.delete(id)
  if (!unconfirmed.includes(connection.peer)) unconfirmed.push(connection.peer)
}

/** Connected peers that may not have all our broadcasts. */
function recipientsThere({ recipients, connections }: State): string[] {
  return [...recipients.pending].filter((peer) => connections.byPeer.has(peer))
}

/** Which of these peers have all our broadcasts. */
export function onDrainInspected(state: State, event: EventOf<'inspected'>): void {
  const purpose = takeOwnAsk(state, event.ask, 'drain')
  for (const peer of purpose?.peers ?? []) {
    if ((event.peers[peer]?.queued ?? 0) === 0) takeRecipient(state, peer)
  }
}

/** Does anything of callers or peers go on? (Who asks how it goes is answered at once, and does not make it begin anew.) */
function isBusy(state: State): boolean {
  for (const ask of state.asks.open.values()) if (ask.kind !== 'explain' && inFlight(ask) !== undefined) return true
  for (const exchange of state.exchanges.open.values()) if (isWaitedFor(state, exchange)) return true
  return false
}

function isExplaining({ asks }: State): boolean {
  for (const { kind } of asks.open.values()) if (kind === 'explain') return true
  return false
}

/** What a question is about, where it can still be answered in a drain. `undefined`: it only waits for others. */
const ABOUT: { [Kind in Ask['kind']]: ((ask: Extract<Ask, { kind: Kind }>) => string) | undefined } = {
  request: ({ peer }) => `to ${peer}`,
  broadcast: ({ topic }) => `on ${topic}`,
  dial: ({ target }) => `to ${target}`,
  explain: () => 'of the node',
  joined: undefined,
  online: undefined,
}

/** Of a question of a caller that can still be answered: what it is about. */
function inFlight(ask: Ask): string | undefined {
  if (ask.id < 0 || (ask.kind === 'request' && ask.stage === 'draining')) return undefined
  return (ABOUT[ask.kind] as ((ask: Ask) => string) | undefined)?.(ask)
}

/** A peer's request; of those to the node itself, one that came in time and whose answer is on its way. */
function isWaitedFor({ lifecycle }: State, { service, stage, id }: Exchange): boolean {
  return !service || (stage === 'answering' && id > lifecycle.lastServed)
}

/** Peers of which it is not known whether they have all that was sent to them, once nothing else is waited for. */
function silentPeers(state: State): Set<string> {
  const { lifecycle, streams, connections } = state
  const { unconfirmed, unsent = [], confirming } = lifecycle
  return new Set([
    ...unconfirmed,
    ...[...unsent].flatMap((stream) => streams.sessions.get(stream)?.peer ?? []),
    ...[...(confirming?.keys() ?? [])].flatMap((id) => connections.all.get(id)?.peer ?? []),
    ...(confirming === undefined ? [] : refused(state)),
  ])
}

/** The network has closed, or took longer than `stopTimeout`. */
export function completeStop(state: State, out: Effects): void {
  for (const ask of state.lifecycle.stopAsks) settle(state, out, ask, undefined)
  end(state, out, state.lifecycle.reason)
}

/** The time of the drain, or of the network, is over. */
export function expireStop(state: State, out: Effects): void {
  const { lifecycle, now } = state
  const { phase } = lifecycle
  if (now >= lifecycle.lookAt) lifecycle.lookAt = Infinity
  if (now < lifecycle.stopAt) return
  if (phase === 'stopping') completeStop(state, out)
  else if (phase === 'draining') cutOrBlame(state, out)
}

/** Whoever hangs is named. */
function cutOrBlame(state: State, out: Effects): void {
  const hung = describeHung(state)
  if (hung === '') return cut(state, out)
  const message = `the node was stopped before all was done: ${hung}`
  log(out, 'warn', message)
  cut(state, out, { code: 'NodeStopped', message })
}

function describeHung(state: State): string {
  const kinds = new Map<string, { count: number; about: Set<string> }>()
  const add = (kind: string, about: string): void => {
    const entry = kinds.get(kind) ?? { count: 0, about: new Set() }
    kinds.set(kind, entry)
    entry.count++
    entry.about.add(about)
  }
  for (const ask of state.asks.open.values()) {
    const about = inFlight(ask)
    if (about !== undefined) add(ask.kind, about)
  }
  for (const exchange of state.exchanges.open.values()) {
    if (!isWaitedFor(state, exchange)) continue
    if (isWorkedOn(exchange)) add('handler', `for ${exchange.peer}`)
    else add(exchange.ended ? 'answer' : 'arriving request', `${exchange.ended ? 'to' : 'of'} ${exchange.peer}`)
  }
  const texts = [...kinds].map(([kind, { count, about }]) => {
    return `${count} ${kind}${count === 1 ? '' : 's'} (${someOf([...about])})`
  })
  const unsent = recipientsThere(state)
  if (unsent.length > 0) texts.push(`broadcasts that ${someOf(unsent)} may not have`)
  const silent = silentPeers(state)
  if (silent.size > 0) texts.push(`${someOf([...silent])} did not confirm what was sent`)
  return texts.join(', ')
}

function someOf(names: string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
  return `${names.slice(0, MAX_NAMED).join(', ')}${more}`
}

function end(state: State, out: Effects, refusal?: Refusal): void {
  const { lifecycle } = state
  lifecycle.phase = 'ended'
  lifecycle.stopAt = lifecycle.lookAt = Infinity
  out.push(refusal === undefined ? { type: 'ended' } : { type: 'ended', refusal })
}

/** Refuses every pending question, cancels every handler, and empties the rest of the state. */
function endAll(state: State, out: Effects, refusal: Refusal): void {
  for (const ask of state.asks.open.values()) {
    if (ask.kind !== 'request' || ask.stage !== 'draining') fail(state, out, ask.id, refusal)
  }
  for (const exchange of state.exchanges.open.values()) {
    if (isWorkedOn(exchange)) cancelHandler(state, out, exchange, refusal)
  }
  for (const { id } of state.validating.open.values()) {
    out.push({ type: 'cancelValidation', validation: id, refusal })
  }
  const { now, lifecycle, due, changes } = state
  Object.assign(state, createState(state.self, state.settings), { now, lifecycle, due, changes })
  statusChanged(state)
}
