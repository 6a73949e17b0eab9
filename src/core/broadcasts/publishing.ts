/**
 * Broadcasts of our callers, from the command to the network's answer. They wait here, each topic's in their order: for
 * subscribers (if the caller wants that), for the network to answer earlier ones, and for peers that read too slowly. What
 * cannot be sent is refused; nothing is lost without a word.
 */
import { encodedMessageSize } from '../../wire/gossip/message.js'
import { ANNOUNCEMENT_BYTES, isAnnouncement } from '../../wire/gossip/announcement.js'
import { admitAsk, closeAsk, extendAsk, fail, openAsk, overloaded, settle } from '../asks.js'
import { noteUse } from '../peers/connections.js'
import { reach } from '../peers/dials.js'
import { dueAt } from '../due.js'
import { log, type Effects, type Refusal } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import type { State } from '../state.js'
import { countLoss, countsOf } from './counts.js'
import { noteOutcome, remember } from './history.js'
import { hashLarge, offer } from './large.js'
import { reachable, whyNobody } from './membership.js'
import { awaitReceipts } from './receipts.js'
import type { BroadcastAsk, PublishQueue } from './state.js'

/** Topics of which is remembered that we have published on them. */
const MAX_PUBLISHED = 1_024

export function publish(state: State, out: Effects, command: CommandOf<'broadcast'>): void {
  const { ask: id, topic, data, waitForPeers, receipts } = command
  if (!admitAsk(state, out, id)) return
  const { maxMessageSize, maxLargeMessage, requestTimeout } = state.settings
  const whole = encodedMessageSize(topic, data.length)
  const isLarge = whole > maxMessageSize && data.length <= maxLargeMessage
  const size = isLarge ? encodedMessageSize(topic, ANNOUNCEMENT_BYTES) : whole
  if (size > maxMessageSize) return tooLarge(state, out, id, data.length, size)
  if (maxLargeMessage > 0 && isAnnouncement(data)) {
    const message = 'these bytes are the announcement of a large message: send the message itself'
    return fail(state, out, id, { code: 'InvalidConfig', message })
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
  openAsk(state, ask, ask.timeout)
  countsOf(state, topic)
  notePublishing(state, topic)
  if (isLarge) hashLarge(state, out, ask)
  else ready(state, out, ask)
}

/** Connections to subscribers of the topic are kept for a while. */
function notePublishing({ publishing, now }: State, topic: string): void {
  const { publishedAt } = publishing
  publishedAt.delete(topic)
  publishedAt.set(topic, now)
  if (publishedAt.size <= MAX_PUBLISHED) return
  for (const oldest of publishedAt.keys()) return void publishedAt.delete(oldest)
}

function tooLarge(state: State, out: Effects, id: number, length: number, size: number): void {
  const { maxMessageSize, maxLargeMessage } = state.settings
  const limit = maxLargeMessage > 0 ? `${maxLargeMessage} bytes (largeMessages)` : `${maxMessageSize} (maxMessageSize)`
  const message = `the broadcast takes ${size} bytes on the wire (${length} of data, topic and signature besides); the limit is ${limit}`
  fail(state, out, id, { code: 'MessageTooLarge', message })
}

/** What is to go out is known: it goes when the caller's subscribers are there, and it is its turn. */
export function ready(state: State, out: Effects, ask: BroadcastAsk): void {
  if (ask.min > 0 && reachable(state, ask.topic).length < ask.min) {
    ask.stage = 'waiting'
    state.publishing.waiting.add(ask.id)
    return reachOthers(state, out)
  }
  enqueue(state, out, ask)
}

/** A subscriber may be among those that we know and are not connected to. */
function reachOthers(state: State, out: Effects): void {
  let left = state.settings.maxProbes
  for (const peer of state.discovery.known.keys()) {
    if (state.connections.byPeer.has(peer)) continue
    if (left-- === 0 || !reach(state, out, peer, [])) return
  }
}

/** Somebody can be reached who could not be before. */
export function serveWaiting(state: State, out: Effects): void {
  for (const id of state.publishing.waiting) {
    const ask = state.asks.open.get(id)
    if (ask?.kind !== 'broadcast' || reachable(state, ask.topic).length < ask.min) continue
    state.publishing.waiting.delete(id)
    // Its time was for the subscribers.
    extendAsk(state, id, ask.timeout, state.settings.requestTimeout)
    ask.timeout = state.settings.requestTimeout
    enqueue(state, out, ask)
  }
}

function enqueue(state: State, out: Effects, ask: BroadcastAsk): void {
  const { publishing, settings } = state
  const before = publishing.queuedBytes
  ask.stage = 'queued'
  publishing.queuedBytes += ask.size
  if (before > 0 && publishing.queuedBytes > settings.maxQueuedBroadcasts) {
    const message = `${before} bytes of broadcasts wait to be sent already: wait for some of them`
    return refuse(state, out, ask, overloaded(message))
  }
  let queue = publishing.queues.get(ask.topic)
  if (queue === undefined) publishing.queues.set(ask.topic, (queue = { held: [], queued: new Set() }))
  queue.queued.add(ask.id)
  pump(state, out)
}

/** Sends what may go now. */
export function pump(state: State, out: Effects): void {
  const { queues } = state.publishing
  for (const [topic, queue] of queues) {
    while (state.publishing.underWay < state.settings.maxPublishing && !isBlocked(state, topic)) {
      const ask = takeNext(state, queue)
      if (ask === undefined) {
        queues.delete(topic)
        break
      }
      state.publishing.underWay++
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
  return state.asks.open.get(id) as BroadcastAsk
}

// ---- peers that read too slowly

/** Does the topic wait for a peer that may take more in a moment? */
function isBlocked({ publishing, topics, settings, now }: State, topic: string): boolean {
  if (publishing.slowPeers.size === 0) return false
  const subscribers = topics.subscribers.get(topic)
  for (const [peer, since] of publishing.slowPeers) {
    if (since + settings.slowPeerPatience > now && subscribers?.has(peer) === true) return true
  }
  return false
}

/** Those who have taken nothing for so long that the others do not wait for them. */
function stalled({ publishing, topics, settings, now }: State, topic: string): string[] {
  if (publishing.slowPeers.size === 0) return []
  const subscribers = topics.subscribers.get(topic)
  return [...publishing.slowPeers]
    .filter(([peer, since]) => since + settings.slowPeerPatience <= now && subscribers?.has(peer) === true)
    .map(([peer]) => peer)
}

/** When the next peer counts as stalled; `Infinity`: none will. */
export function nextStall({ publishing, settings, now }: State): number {
  let next = Infinity
  for (const since of publishing.slowPeers.values()) {
    const at = since + settings.slowPeerPatience
    if (at > now) next = Math.min(next, at)
  }
  return next
}

/** A peer may have had its time: the others go on without it. */
export function onStalled(state: State, out: Effects): void {
  if (state.publishing.slowPeers.size > 0) pump(state, out)
}

export function onPublishHeld(state: State, out: Effects, { ask: id, peers }: EventOf<'publishHeld'>): void {
  state.publishing.underWay--
  for (const peer of peers) {
    if (state.publishing.slowPeers.has(peer)) continue
    state.publishing.slowPeers.set(peer, state.now)
    dueAt(state, 'slowPeers', state.now + state.settings.slowPeerPatience)
    log(out, 'warn', `${peer} reads our broadcasts too slowly: they wait for it`)
  }
  const ask = state.asks.open.get(id)
  if (ask?.kind !== 'broadcast') return
  if (ask.isLate) return tooLate(state, out, ask)
  ask.stage = 'queued'
  const { queues } = state.publishing
  const queue = queues.get(ask.topic)
  if (queue === undefined) queues.set(ask.topic, { held: [id], queued: new Set() })
  else queue.held.push(id)
  pump(state, out)
}

/** It takes more again, or it is gone. */
export function onDrained(state: State, out: Effects, peer: string): void {
  if (state.publishing.slowPeers.delete(peer)) pump(state, out)
}

// ---- peers that have broadcasts of ours

/** Broadcasts were handed to this peer, and may still wait to be sent. */
export function noteHanded({ publishing }: State, peer: string): void {
  publishing.handed.add(peer)
}

export function isHanded({ publishing }: State, peer: string): boolean {
  return publishing.handed.has(peer)
}

/** The same, and forgets it. */
export function takeHanded({ publishing }: State, peer: string): boolean {
  return publishing.handed.delete(peer)
}

// ---- the network's answers

export function onPublished(state: State, out: Effects, event: EventOf<'published'>): void {
  const { ask: id, recipients, proof } = event
  state.publishing.underWay--
  const ask = state.asks.open.get(id)
  if (ask?.kind === 'broadcast') {
    const { topic, data, large, receipts } = ask
    const counts = countsOf(state, topic)
    for (const peer of ask.except) countLoss(state, 'slowPeer', { topic, peer })
    counts.published++
    counts.handedOver += recipients.length
    for (const peer of recipients) {
      noteUse(state, peer)
      noteHanded(state, peer)
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
    settle(state, out, id, { recipients })
    if (receipts !== undefined) awaitReceipts(state, out, id, event.id, topic, receipts)
  }
  pump(state, out)
}

export function onPublishFailed(state: State, out: Effects, event: EventOf<'publishFailed'>): void {
  state.publishing.underWay--
  const ask = state.asks.open.get(event.ask)
  if (ask?.kind === 'broadcast') {
    leave(state, ask)
    fail(state, out, event.ask, { code: event.code, ...event.failure })
  }
  pump(state, out)
}

// ---- ends without an answer

function refuse(state: State, out: Effects, ask: BroadcastAsk, refusal: Refusal): void {
  leave(state, ask)
  fail(state, out, ask.id, refusal)
}

export function expireBroadcast(state: State, out: Effects, ask: BroadcastAsk): void {
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
  const slow = [...state.publishing.slowPeers.keys()].join(', ')
  const message = `the broadcast could not be sent within ${timeout} ms, for too much waits${slow === '' ? '' : ` for ${slow}`}`
  refuse(state, out, ask, overloaded(message))
}

/** Its caller has given up. What has gone to the network goes out all the same. */
export function leave(state: State, ask: BroadcastAsk): void {
  const { waiting, queues } = state.publishing
  closeAsk(state, ask.id, ask.timeout)
  if (ask.stage === 'waiting') return void waiting.delete(ask.id)
  if (ask.stage === 'hashing') return
  state.publishing.queuedBytes -= ask.size
  const queue = ask.stage === 'queued' ? queues.get(ask.topic) : undefined
  if (queue === undefined) return
  if (!queue.queued.delete(ask.id)) queue.held = queue.held.filter((id) => id !== ask.id)
  if (queue.queued.size + queue.held.length === 0) queues.delete(ask.topic)
}
