/**
 * Broadcasts: which topics we are in and for how long, what is published and what is delivered. A topic is joined with
 * its first subscriber and left some time after its last; topics of the config stay joined.
 */
import type { PortEvent } from '../network/port.js'
import { encodedMessageSize } from '../wire/gossip-size.js'
import { admit, fail, settle, takeSimple } from './asks.js'
import { dueAt } from './due.js'
import { log, type Effects } from './effects.js'
import type { Command } from './events.js'
import type { State, Topic } from './state.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

export function joinFixedTopics(state: State, out: Effects): void {
  for (const name of state.settings.topics) topicOf(state, out, name).fixed = true
}

function topicOf(state: State, out: Effects, name: string): Topic {
  let topic = state.topics.get(name)
  if (topic === undefined) {
    state.topics.set(name, (topic = { subscribers: 0, fixed: false, leaveAt: Infinity }))
    out.push({ type: 'join', topic: name })
  }
  return topic
}

export function subscribe(state: State, out: Effects, name: string): void {
  const topic = topicOf(state, out, name)
  topic.subscribers++
  topic.leaveAt = Infinity
}

export function unsubscribe(state: State, name: string): void {
  const topic = state.topics.get(name)
  if (topic === undefined || topic.subscribers === 0) return
  topic.subscribers--
  if (topic.subscribers > 0 || topic.fixed) return
  topic.leaveAt = state.now + state.settings.topicLinger
  dueAt(state, topic.leaveAt)
}

export function nextLeave(state: State): number {
  let next = Infinity
  for (const topic of state.topics.values()) next = Math.min(next, topic.leaveAt)
  return next
}

export function leaveTopics(state: State, out: Effects): void {
  for (const [name, topic] of state.topics) {
    if (topic.leaveAt > state.now) continue
    state.topics.delete(name)
    out.push({ type: 'leave', topic: name })
  }
}

export function publish(state: State, out: Effects, command: Extract<Command, { type: 'broadcast' }>): void {
  const { ask: id, topic, data } = command
  if (!admit(state, out, id)) return
  const size = encodedMessageSize(topic, data.length)
  const limit = state.settings.maxBroadcastFrame
  if (size > limit) {
    const message = `the broadcast takes ${size} bytes on the wire (${data.length} of data, topic and signature besides); the limit is ${limit}`
    return fail(out, id, 'MessageTooLarge', message)
  }
  state.asks.set(id, { kind: 'broadcast', id, about: topic })
  out.push({ type: 'publish', ask: id, topic, data })
}

export function onPublished(state: State, out: Effects, event: Of<'published'>): void {
  if (takeSimple(state, event.ask, 'broadcast')) settle(out, event.ask, { recipients: event.recipients })
}

export function onPublishFailed(state: State, out: Effects, event: Of<'publishFailed'>): void {
  if (!takeSimple(state, event.ask, 'broadcast')) return
  fail(out, event.ask, event.code, event.failure.message, event.failure.cause)
}

export function onMessage(state: State, out: Effects, event: Of<'message'>): void {
  const { topic, data, from, via } = event
  if (!state.topics.has(topic)) return log(out, 'debug', `dropped a broadcast of a topic that we are not in: ${topic}`)
  out.push({ type: 'deliver', topic, data, from, via })
}
