/**
 * Broadcasts of our callers, from the command to the network's answer. They wait here, in order within each topic: for
 * subscribers (if the caller wants that), for the network to answer earlier ones, and for peers that read too slowly. A
 * broadcast that cannot be sent is refused. How it is gossiped, the network knows.
 */
import { encodedMessageSize } from '../../wire/gossip/message.js'
import { ANNOUNCEMENT_BYTES, isAnnouncement } from '../../wire/gossip/announcement.js'
import { acceptAsk, closeAsk, extendAsk, fail, openAsk, overloaded, settle } from '../asks.js'
import { dueAt } from '../due.js'
import { noteUse } from '../peers/connections.js'
import { reach } from '../peers/dials.js'
import { log, type Effects, type Refusal } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import type { State } from '../state.js'
import { line, unhandled } from '../terms.js'
import { countLoss, countPublished, countsOf } from './counts.js'
import { noteOutcome, remember } from './history.js'
import { announcementOf, offer, startDigest } from './large.js'
import { reachable, whyNobody } from './membership.js'
import { awaitReceipts } from './receipts.js'
import { laggards, settleWait, waits } from './patience.js'
import { endPartings, expirePartings, noteBusy, noteRecipient, noteSlow, takeSlow } from './recipients.js'
import type { BroadcastAsk, PublishQueue } from './state.js'

/** Topics of which is remembered that we have published on them. */
const MAX_PUBLISHED = 1_024

export function publish(state: State, out: Effects, command: CommandOf<'broadcast'>): void {
  const { ask: id, topic, data, waitForPeers, receipts } = command
  if (!acceptAsk(state, out, id)) return
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
    stage: isLarge ? 'hashing' : 'queued',
    min: waitForPeers?.min ?? 0,
    timeout: waitForPeers?.timeout ?? requestTimeout,
    receipts,
    except: [],
    isLate: false,
  }
  openAsk(state, ask)
  countsOf(state, topic)
  notePublishing(state, topic)
  if (isLarge) startDigest(state, out, { kind: 'broadcast', ask: id }, data)
  else queueWhenReachable(state, out, ask)
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
  const message = `the broadcast takes ${size} bytes on the wire (${length} of data, the rest for topic and signature); the limit is ${limit}`
  fail(state, out, id, { code: 'MessageTooLarge', message })
}

/** The hash of a large message is known. What announces it is gossiped in its place. */
export function announceLarge(state: State, out: Effects, ask: BroadcastAsk, hash: Uint8Array): void {
  ask.data = announcementOf(ask.large!, hash)
  queueWhenReachable(state, out, ask)
}

/** The data to send is known. The broadcast is queued as soon as enough subscribers can be reached. */
function queueWhenReachable(state: State, out: Effects, ask: BroadcastAsk): void {
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
  for (const peer of state.discovery.table.keys()) {
    if (state.connections.byPeer.has(peer)) continue
    if (left-- === 0 || !reach(state, out, peer, [])) return
  }
}

/** More subscribers may be reachable now. */
export function serveWaiting(state: State, out: Effects): void {
  if (state.recipients.parting.size > 0) endPartings(state)
  for (const id of state.publishing.waiting) {
    const ask = state.asks.open.get(id)
    if (ask?.kind !== 'broadcast' || reachable(state, ask.topic).length < ask.min) continue
    state.publishing.waiting.delete(id)
    // Its first timeout was for the subscribers.
    extendAsk(state, id, ask.timeout, state.settings.requestTimeout)
    ask.timeout = state.settings.requestTimeout
    enqueue(state, out, ask)
  }
  // Who has come need not wait for those that are waited for.
  const { slow, parting } = state.recipients
  if (slow.size + parting.size > 0 && state.publishing.queues.size > 0) pump(state, out)
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
  if (queue === undefined)
    publishing.queues.set(ask.topic, (queue = { retries: [], queued: new Set(), held: undefined }))
  queue.queued.add(ask.id)
  // A goodbye of ours to one of them does not hold.
  if (state.connections.idle.size > 0) {
    for (const peer of state.topics.subscribers.get(ask.topic) ?? []) noteUse(state, peer)
  }
  pump(state, out)
}

/** Publishes what may go now. */
function pump(state: State, out: Effects): void {
  const { queues } = state.publishing
  for (const [topic, queue] of queues) {
    settleWait(state, topic, queue)
    const late = laggards(state, topic)
    if (waits(state, topic, queue, late)) {
      dueAt(state, 'slowPeers', queue.held!.until)
      continue
    }
    while (state.publishing.underWay < state.settings.maxPublishing) {
      const ask = takeNext(state, queue)
      if (ask === undefined) {
        queues.delete(topic)
        break
      }
      state.publishing.underWay++
      ask.stage = 'sent'
      ask.except = late.map(({ peer, reason }) => ({ peer, reason }))
      offer(state, ask)
      out.push({ type: 'publish', ask: ask.id, topic, data: ask.data, except: late.map(({ peer }) => peer) })
    }
  }
}

/** Removes and returns the next broadcast of a queue. (A cancelled one is in no queue.) */
function takeNext(state: State, queue: PublishQueue): BroadcastAsk | undefined {
  let id = queue.retries.shift()
  if (id === undefined) {
    for (id of queue.queued) break
    if (id === undefined) return undefined
    queue.queued.delete(id)
  }
  return state.asks.open.get(id) as BroadcastAsk
}

// ---- peers that read too slowly

/** A peer that is waited for may have run out of time, after which it is passed over. */
export function onStalled(state: State, out: Effects): void {
  expirePartings(state)
  if (state.publishing.queues.size > 0) pump(state, out)
}

export function onPublishHeld(state: State, out: Effects, { ask: id, peers, busy }: EventOf<'publishHeld'>): void {
  state.publishing.underWay--
  for (const peer of peers) noteSlow(state, out, peer)
  for (const peer of busy) noteBusy(state, peer)
  const ask = state.asks.open.get(id)
  if (ask?.kind !== 'broadcast') return
  if (ask.isLate) return tooLate(state, out, ask)
  ask.stage = 'queued'
  const { queues } = state.publishing
  const queue = queues.get(ask.topic)
  if (queue === undefined) queues.set(ask.topic, { retries: [id], queued: new Set(), held: undefined })
  else queue.retries.push(id)
  pump(state, out)
}

/** The peer takes more again, or is gone. */
export function onDrained(state: State, out: Effects, peer: string, isGone = false): void {
  if (takeSlow(state, peer, isGone)) pump(state, out)
}

// ---- the network's answers

export function onPublished(state: State, out: Effects, event: EventOf<'published'>): void {
  const { ask: id, recipients, proof } = event
  state.publishing.underWay--
  const ask = state.asks.open.get(id)
  if (ask?.kind === 'broadcast') {
    const { topic, data, large, receipts } = ask
    countPublished(state, topic, recipients.length)
    for (const { peer, reason } of ask.except) countLoss(state, reason, { topic, peer })
    for (const peer of recipients) {
      noteUse(state, peer)
      noteRecipient(state, peer)
    }
    noteOutcome(state, event.id, 'published', state.self)
    if (large === undefined) {
      const { self } = state
      remember(state, topic, { id: event.id, data, from: self, via: self, proof, at: state.now })
    }
    if (recipients.length === 0) {
      log(
        out,
        'debug',
        line`a broadcast on ${topic} reached nobody: ${whyNobody(state, topic) ?? 'the peers that could be reached did not get it'}`,
      )
    }
    closeBroadcast(state, ask)
    settle(state, out, id, { recipients })
    if (receipts !== undefined) awaitReceipts(state, out, id, event.id, topic, receipts)
  }
  pump(state, out)
}

export function onPublishFailed(state: State, out: Effects, event: EventOf<'publishFailed'>): void {
  state.publishing.underWay--
  const ask = state.asks.open.get(event.ask)
  if (ask?.kind === 'broadcast') {
    closeBroadcast(state, ask)
    fail(state, out, event.ask, { code: event.code, ...event.failure })
  }
  pump(state, out)
}

// ---- ends without an answer

function refuse(state: State, out: Effects, ask: BroadcastAsk, refusal: Refusal): void {
  closeBroadcast(state, ask)
  fail(state, out, ask.id, refusal)
}

export function expireBroadcast(state: State, out: Effects, ask: BroadcastAsk): void {
  const { topic, timeout, min } = ask
  switch (ask.stage) {
    case 'waiting': {
      const there = reachable(state, topic).length
      const message = `${there} of ${min} subscribers of ${topic} could be reached within ${timeout} ms: nothing was sent`
      return refuse(state, out, ask, { code: 'PublishError', message })
    }
    case 'hashing':
    case 'queued':
      return tooLate(state, out, ask)
    case 'sent':
      // The network has it, and its answer will follow.
      ask.isLate = true
      return
    default:
      return unhandled(ask.stage)
  }
}

function tooLate(state: State, out: Effects, ask: BroadcastAsk): void {
  const { timeout } = ask
  const slow = [...state.recipients.slow.keys()].join(', ')
  const message = `the broadcast could not be sent within ${timeout} ms, because too much waits${slow === '' ? '' : ` for ${slow}`}`
  refuse(state, out, ask, overloaded(message))
}

/** Ends the broadcast in the core. If the network has it already, it is sent all the same. */
export function closeBroadcast(state: State, ask: BroadcastAsk): void {
  closeAsk(state, ask.id, ask.timeout)
  switch (ask.stage) {
    case 'hashing':
      return
    case 'waiting':
      return void state.publishing.waiting.delete(ask.id)
    case 'queued':
    case 'sent':
      state.publishing.queuedBytes -= ask.size
      if (ask.stage === 'queued') leaveQueue(state, ask)
      return
    default:
      return unhandled(ask.stage)
  }
}

function leaveQueue(state: State, ask: BroadcastAsk): void {
  const { queues } = state.publishing
  const queue = queues.get(ask.topic)
  if (queue === undefined) return
  if (!queue.queued.delete(ask.id)) queue.retries = queue.retries.filter((id) => id !== ask.id)
  settleWait(state, ask.topic, queue)
  if (queue.queued.size + queue.retries.length === 0) queues.delete(ask.topic)
}
