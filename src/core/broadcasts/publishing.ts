/**
 * Broadcasts of our callers, from the command to the network's answer. They wait here, each topic's in their order: for
 * subscribers (if the caller wants that), for the network to answer earlier ones, and for peers that read too slowly. What
 * cannot be sent is refused; nothing is lost without a word.
 */
import type { PortEvent } from '../port.js'
import { encodedMessageSize } from '../../wire/gossip/message.js'
import { ANNOUNCEMENT_BYTES, isAnnouncement } from '../../wire/gossip/announcement.js'
import { admit, fail, settle } from '../asks.js'
import { touch } from '../peers/connections.js'
import { removeDeadline } from '../deadlines.js'
import { dueAt, setDeadline } from '../due.js'
import { log, type Effects, type Refusal } from '../effects.js'
import type { Command } from '../events.js'
import type { State } from '../state.js'
import { countLoss, countsOf } from './counts.js'
import { remember } from './history.js'
import { hashLarge, offer } from './large-sending.js'
import { reachable, whyNobody } from './membership.js'
import { noteOutcome } from './outcomes.js'
import { awaitReceipts } from './receipts.js'
import type { BroadcastAsk, PublishQueue } from './state.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

export function publish(state: State, out: Effects, command: Extract<Command, { type: 'broadcast' }>): void {
  const { ask: id, topic, data, waitForPeers, receipts } = command
  if (!admit(state, out, id)) return
  const { maxMessageSize, maxLargeMessage, requestTimeout } = state.settings
  const whole = encodedMessageSize(topic, data.length)
  const isLarge = whole > maxMessageSize && data.length <= maxLargeMessage
  const size = isLarge ? encodedMessageSize(topic, ANNOUNCEMENT_BYTES) : whole
  if (size > maxMessageSize) return tooLarge(state, out, id, data.length, size)
  if (maxLargeMessage > 0 && isAnnouncement(data)) {
    return fail(
      out,
      id,
      'InvalidConfig',
      'these bytes are the announcement of a large message: send the message itself',
    )
  }
  const ask: BroadcastAsk = {
    kind: 'broadcast',
    id,
    topic,
    data,
    large: isLarge ? data : undefined,
    size,
    stage: 'queued',
    min: waitForPeers?.min ?? 0,
    timeout: waitForPeers?.timeout ?? requestTimeout,
    receipts,
    except: [],
    isLate: false,
  }
  state.asks.set(id, ask)
  setDeadline(state, state.askDeadlines, id, ask.timeout)
  countsOf(state, topic)
  if (isLarge) hashLarge(state, out, ask)
  else ready(state, out, ask)
}

function tooLarge({ settings }: State, out: Effects, id: number, length: number, size: number): void {
  const { maxMessageSize, maxLargeMessage } = settings
  const limit = maxLargeMessage > 0 ? `${maxLargeMessage} bytes (largeMessages)` : `${maxMessageSize} (maxMessageSize)`
  const message = `the broadcast takes ${size} bytes on the wire (${length} of data, topic and signature besides); the limit is ${limit}`
  fail(out, id, 'MessageTooLarge', message)
}

/** What is to go out is known: it goes when the caller's subscribers are there, and it is its turn. */
export function ready(state: State, out: Effects, ask: BroadcastAsk): void {
  if (ask.min > 0 && reachable(state, ask.topic).length < ask.min) {
    ask.stage = 'waiting'
    state.broadcasts.waiting.add(ask.id)
    return
  }
  enqueue(state, out, ask)
}

/** Somebody can be reached who could not be before. */
export function serveWaiting(state: State, out: Effects): void {
  for (const id of state.broadcasts.waiting) {
    const ask = state.asks.get(id)
    if (ask?.kind !== 'broadcast' || reachable(state, ask.topic).length < ask.min) continue
    state.broadcasts.waiting.delete(id)
    // Its time was for the subscribers.
    removeDeadline(state.askDeadlines, id, ask.timeout)
    ask.timeout = state.settings.requestTimeout
    setDeadline(state, state.askDeadlines, id, ask.timeout)
    enqueue(state, out, ask)
  }
}

function enqueue(state: State, out: Effects, ask: BroadcastAsk): void {
  const { broadcasts, settings } = state
  const before = broadcasts.queuedBytes
  ask.stage = 'queued'
  broadcasts.queuedBytes += ask.size
  if (before > 0 && broadcasts.queuedBytes > settings.maxQueuedBroadcasts) {
    const message = `${before} bytes of broadcasts wait to be sent already: wait for some of them`
    return refuse(state, out, ask, { code: 'Overloaded', message, retryAfterMs: 1_000 })
  }
  let queue = broadcasts.queues.get(ask.topic)
  if (queue === undefined) broadcasts.queues.set(ask.topic, (queue = { held: [], queued: new Set() }))
  queue.queued.add(ask.id)
  pump(state, out)
}

/** Sends what may go now. */
export function pump(state: State, out: Effects): void {
  const { queues } = state.broadcasts
  for (const [topic, queue] of queues) {
    while (state.broadcasts.publishing < state.settings.maxPublishing && !isBlocked(state, topic)) {
      const ask = takeNext(state, queue)
      if (ask === undefined) {
        queues.delete(topic)
        break
      }
      state.broadcasts.publishing++
      ask.stage = 'sent'
      ask.except = stalled(state, topic)
      offer(state, ask)
      out.push({ type: 'publish', ask: ask.id, topic, data: ask.data, except: ask.except })
    }
  }
}

/** (Who has given up has left the queue.) */
function takeNext(state: State, queue: PublishQueue): BroadcastAsk | undefined {
  let id = queue.held.shift()
  if (id === undefined) {
    for (id of queue.queued) break
    if (id === undefined) return undefined
    queue.queued.delete(id)
  }
  return state.asks.get(id) as BroadcastAsk
}

// ---- peers that read too slowly

/** Does the topic wait for a peer that may take more in a moment? */
function isBlocked({ broadcasts, settings, now }: State, topic: string): boolean {
  if (broadcasts.full.size === 0) return false
  const others = broadcasts.others.get(topic)
  for (const [peer, since] of broadcasts.full) {
    if (since + settings.slowPeerPatience > now && others?.has(peer) === true) return true
  }
  return false
}

/** Those who have taken nothing for so long that the others do not wait for them. */
function stalled({ broadcasts, settings, now }: State, topic: string): string[] {
  if (broadcasts.full.size === 0) return []
  const others = broadcasts.others.get(topic)
  return [...broadcasts.full]
    .filter(([peer, since]) => since + settings.slowPeerPatience <= now && others?.has(peer) === true)
    .map(([peer]) => peer)
}

/** When the next peer counts as stalled; `Infinity`: none will. */
export function nextStall({ broadcasts, settings, now }: State): number {
  let next = Infinity
  for (const since of broadcasts.full.values()) {
    const at = since + settings.slowPeerPatience
    if (at > now) next = Math.min(next, at)
  }
  return next
}

export function onPublishHeld(state: State, out: Effects, { ask: id, peers }: Of<'publishHeld'>): void {
  state.broadcasts.publishing--
  for (const peer of peers) {
    if (state.broadcasts.full.has(peer)) continue
    state.broadcasts.full.set(peer, state.now)
    dueAt(state, state.now + state.settings.slowPeerPatience)
    log(out, 'warn', `${peer} reads our broadcasts too slowly: they wait for it`)
  }
  const ask = state.asks.get(id)
  if (ask?.kind !== 'broadcast') return
  if (ask.isLate) return tooLate(state, out, ask)
  ask.stage = 'queued'
  const { queues } = state.broadcasts
  const queue = queues.get(ask.topic)
  if (queue === undefined) queues.set(ask.topic, { held: [id], queued: new Set() })
  else queue.held.push(id)
  pump(state, out)
}

/** It takes more again, or it is gone. */
export function onDrained(state: State, out: Effects, peer: string): void {
  if (state.broadcasts.full.delete(peer)) pump(state, out)
}

// ---- the network's answers

export function onPublished(state: State, out: Effects, event: Of<'published'>): void {
  const { ask: id, recipients, proof } = event
  state.broadcasts.publishing--
  const ask = state.asks.get(id)
  if (ask?.kind === 'broadcast') {
    const { topic, data, large, receipts } = ask
    const counts = countsOf(state, topic)
    for (const peer of ask.except) countLoss(state, 'slowPeer', { topic, peer })
    counts.published++
    counts.handedOver += recipients.length
    for (const peer of recipients) {
      touch(state, peer)
      state.broadcasts.handed.add(peer)
    }
    noteOutcome(state, event.id, 'said')
    if (large === undefined) {
      const { self } = state
      remember(state, topic, { id: event.id, data, from: self, via: self, proof, at: state.now })
    }
    if (recipients.length === 0) {
      counts.toNobody++
      log(
        out,
        'debug',
        `a broadcast on ${topic} reached nobody: ${whyNobody(state, topic) ?? 'those who could be reached would not have it'}`,
      )
    }
    leave(state, ask)
    settle(out, id, { recipients })
    if (receipts !== undefined) awaitReceipts(state, out, id, event.id, topic, receipts)
  }
  pump(state, out)
}

export function onPublishFailed(state: State, out: Effects, event: Of<'publishFailed'>): void {
  state.broadcasts.publishing--
  const ask = state.asks.get(event.ask)
  if (ask?.kind === 'broadcast') {
    leave(state, ask)
    fail(out, event.ask, event.code, event.failure.message, event.failure.cause)
  }
  pump(state, out)
}

// ---- ends without an answer

function refuse(state: State, out: Effects, ask: BroadcastAsk, refusal: Refusal): void {
  leave(state, ask)
  out.push({ type: 'fail', ask: ask.id, refusal })
}

export function expireBroadcast(state: State, out: Effects, id: number): void {
  const ask = state.asks.get(id)
  if (ask?.kind !== 'broadcast') return
  const { topic, timeout, min } = ask
  if (ask.stage === 'waiting') {
    const there = reachable(state, topic).length
    const message = `${there} of ${min} subscribers of ${topic} could be reached within ${timeout} ms: nothing was sent`
    return refuse(state, out, ask, { code: 'PublishError', message })
  }
  // The network has it, and will say what became of it.
  if (ask.stage === 'sent') ask.isLate = true
  else tooLate(state, out, ask)
}

function tooLate(state: State, out: Effects, ask: BroadcastAsk): void {
  const { timeout } = ask
  const slow = [...state.broadcasts.full.keys()].join(', ')
  const message = `the broadcast could not be sent within ${timeout} ms, for too much waits${slow === '' ? '' : ` for ${slow}`}`
  refuse(state, out, ask, { code: 'Overloaded', message, retryAfterMs: 1_000 })
}

/** Its caller has given up. What has gone to the network goes out all the same. */
export function leave(state: State, ask: BroadcastAsk): void {
  const { waiting, queues } = state.broadcasts
  state.asks.delete(ask.id)
  removeDeadline(state.askDeadlines, ask.id, ask.timeout)
  if (ask.stage === 'waiting') return void waiting.delete(ask.id)
  if (ask.stage === 'hashing') return
  state.broadcasts.queuedBytes -= ask.size
  const queue = ask.stage === 'queued' ? queues.get(ask.topic) : undefined
  if (queue === undefined) return
  if (!queue.queued.delete(ask.id)) queue.held = queue.held.filter((id) => id !== ask.id)
  if (queue.queued.size + queue.held.length === 0) queues.delete(ask.topic)
}
