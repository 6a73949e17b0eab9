/**
 * The topics that we are in, for how long, and who else is in them. A topic is joined with its first subscriber and left some
 * time after its last; topics of the config stay joined.
 */
import type { PortEvent } from '../port.js'
import { admit, fail, settle } from '../asks.js'
import { updateIdle } from '../peers/connections.js'
import { removeDeadline } from '../deadlines.js'
import { dueAt, setDeadline } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { Command } from '../events.js'
import type { State } from '../state.js'
import { countsOf } from './counts.js'
import { isJoined } from './membership.js'
import type { Topic } from './state.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

export function joinFixedTopics(state: State, out: Effects): void {
  for (const name of state.settings.topics) topicOf(state, out, name).fixed = true
}

function topicOf(state: State, out: Effects, name: string): Topic {
  let topic = state.topics.get(name)
  if (topic === undefined) {
    topic = {
      subscribers: 0,
      fixed: false,
      leaveAt: Infinity,
      mesh: [],
      history: [],
      historyBytes: 0,
      remembered: new Set(),
    }
    state.topics.set(name, topic)
    countsOf(state, name)
    state.broadcasts.topicsDirty = true
    state.statusDirty = true
    out.push({ type: 'join', topic: name, guarded: isGuarded(state, name) })
  }
  return topic
}

/** Is a message of this topic held back until we have judged it, or fetched the whole of it? */
function isGuarded({ broadcasts, settings }: State, name: string): boolean {
  return broadcasts.guarded.has(name) || settings.maxLargeMessage > 0
}

/** From now on a validator judges what comes. */
export function guard(state: State, out: Effects, name: string): void {
  const before = isGuarded(state, name)
  state.broadcasts.guarded.add(name)
  if (!before && state.topics.has(name)) out.push({ type: 'guard', topic: name, guarded: true })
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
    recount(state, topic.mesh)
    state.broadcasts.topicsDirty = true
    state.statusDirty = true
    out.push({ type: 'leave', topic: name })
    for (const id of state.broadcasts.joining) {
      const ask = state.asks.get(id)
      if (ask?.kind !== 'joined' || ask.topic !== name) continue
      endJoined(state, id)
      notSubscribed(out, id, name)
    }
  }
}

// ---- who else is in them

/** Topics of a peer that we keep in mind; of more only those that are ours too. */
const MAX_TOPICS = 1_024

export function onSubscriptionChanged(state: State, { peer, topic, subscribed }: Of<'subscriptionChanged'>): void {
  const { others, othersDirty, topicsOf } = state.broadcasts
  let peers = others.get(topic)
  const isIn = peers?.has(peer) === true
  const amount = topicsOf.get(peer) ?? 0
  if (isIn === subscribed || (subscribed && amount >= MAX_TOPICS && !state.topics.has(topic))) return
  if (subscribed) {
    if (peers === undefined) others.set(topic, (peers = new Set()))
    peers.add(peer)
    topicsOf.set(peer, amount + 1)
  } else {
    peers!.delete(peer)
    if (peers!.size === 0) others.delete(topic)
    if (amount > 1) topicsOf.set(peer, amount - 1)
    else topicsOf.delete(peer)
  }
  othersDirty.add(topic)
  if (state.topics.has(topic)) state.statusDirty = true
}

export function onGossipOpened({ broadcasts, now }: State, peer: string): void {
  broadcasts.gossip.add(peer)
  broadcasts.gossipSince = now
}

export function onMeshChanged(state: State, { topic: name, peers }: Of<'meshChanged'>): void {
  const topic = state.topics.get(name)
  // What the network says of a topic that was left meanwhile, leaving it has said already.
  if (topic === undefined) return
  const before = topic.mesh
  topic.mesh = peers
  recount(state, [...before, ...peers])
}

/** Who is in the mesh of any of our topics; those peers have been, or are, in one: their connections may be idle now, or not. */
function recount(state: State, peers: string[]): void {
  state.mesh = new Set([...state.topics.values()].flatMap(({ mesh }) => mesh))
  for (const peer of new Set(peers)) {
    for (const id of state.links.get(peer) ?? []) updateIdle(state, state.connections.get(id)!)
  }
}

// ---- callers who wait until a topic is joined

export function onJoined(state: State, out: Effects, command: Extract<Command, { type: 'joined' }>): void {
  const { ask: id, topic, timeout } = command
  if (!admit(state, out, id)) return
  if (!state.topics.has(topic)) return notSubscribed(out, id, topic)
  state.asks.set(id, { kind: 'joined', id, topic, timeout })
  state.broadcasts.joining.add(id)
  setDeadline(state, state.askDeadlines, id, timeout)
  settleJoined(state, out)
}

/** Whose topic is joined now is told so. */
export function settleJoined(state: State, out: Effects): void {
  for (const id of state.broadcasts.joining) {
    const ask = state.asks.get(id)
    if (ask?.kind !== 'joined' || !isJoined(state, ask.topic)) continue
    endJoined(state, id)
    settle(out, id, undefined)
  }
}

export function expireJoined(state: State, out: Effects, id: number): void {
  const ask = state.asks.get(id)
  if (ask?.kind !== 'joined') return
  endJoined(state, id)
  fail(out, id, 'RequestTimeout', `${ask.topic} was not joined within ${ask.timeout} ms`)
}

export function endJoined(state: State, id: number): void {
  const ask = state.asks.get(id)
  state.broadcasts.joining.delete(id)
  if (ask?.kind !== 'joined') return
  state.asks.delete(id)
  removeDeadline(state.askDeadlines, id, ask.timeout)
}

function notSubscribed(out: Effects, id: number, topic: string): void {
  fail(out, id, 'NotSubscribed', `we are not in ${topic}: subscribe to broadcasts$(${JSON.stringify(topic)}) first`)
}

export function logDrop(out: Effects, { peer, topic, reason, count }: Of<'gossipDropped'>): void {
  const what = count === 1 ? 'a message' : `${count} messages`
  log(out, 'debug', `dropped ${what} ${topic === undefined ? '' : `of ${topic} `}(${peer}): ${reason}`)
}
