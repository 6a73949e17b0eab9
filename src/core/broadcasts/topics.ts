/**
 * Topics: those that we are in, and the peers in each. A topic is joined with its first subscriber and left some time
 * after its last; topics of the config stay joined. Messages are not handled here.
 */
import { acceptAsk, closeAsk, fail, openAsk, settle } from '../asks.js'
import { statusChanged, subscribersChanged, topicsChanged } from '../changes.js'
import { connectionsOf, updateIdle } from '../peers/connections.js'
import { dueAt } from '../due.js'
import type { Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import { GOSSIP } from '../parameters.js'
import type { State } from '../state.js'
import { countsOf } from './counts.js'
import { forgetHistory } from './history.js'
import { isJoined } from './membership.js'
import type { JoinedAsk, Topic } from './state.js'

export function joinFixedTopics(state: State, out: Effects): void {
  for (const name of state.settings.topics) topicOf(state, out, name).fixed = true
}

function topicOf(state: State, out: Effects, name: string): Topic {
  let topic = state.topics.joined.get(name)
  if (topic === undefined) {
    topic = {
      subscribers: 0,
      fixed: false,
      leaveAt: Infinity,
      mesh: [],
      history: [],
      historyBytes: 0,
      bringers: new Map(),
      remembered: new Set(),
    }
    state.topics.joined.set(name, topic)
    countsOf(state, name)
    topicsChanged(state)
    out.push({ type: 'join', topic: name, guarded: isGuarded(state, name) })
  }
  return topic
}

/** Does the network hold messages of this topic back, until they are validated or fetched as a whole? */
function isGuarded({ topics, settings }: State, name: string): boolean {
  return topics.guarded.has(name) || settings.maxLargeMessage > 0
}

/** The topic has a validator from now on. */
export function guard(state: State, out: Effects, name: string): void {
  const before = isGuarded(state, name)
  state.topics.guarded.add(name)
  if (!before && state.topics.joined.has(name)) out.push({ type: 'guard', topic: name, guarded: true })
}

export function subscribe(state: State, out: Effects, name: string): void {
  const topic = topicOf(state, out, name)
  topic.subscribers++
  topic.leaveAt = Infinity
}

export function unsubscribe(state: State, name: string): void {
  const topic = state.topics.joined.get(name)
  if (topic === undefined || topic.subscribers === 0) return
  topic.subscribers--
  if (topic.subscribers > 0 || topic.fixed) return
  topic.leaveAt = state.now + state.settings.topicLinger
  dueAt(state, 'leave', topic.leaveAt)
}

export function nextLeave(state: State): number {
  let next = Infinity
  for (const topic of state.topics.joined.values()) next = Math.min(next, topic.leaveAt)
  return next
}

export function leaveTopics(state: State, out: Effects): void {
  for (const [name, topic] of state.topics.joined) {
    if (topic.leaveAt > state.now) continue
    forgetHistory(state, name)
    state.topics.joined.delete(name)
    updateMeshPeers(state, topic.mesh)
    topicsChanged(state)
    out.push({ type: 'leave', topic: name })
    for (const id of state.topics.joining) {
      const ask = state.asks.open.get(id)
      if (ask?.kind !== 'joined' || ask.topic !== name) continue
      endJoined(state, ask)
      notSubscribed(state, out, id, name)
    }
  }
}

// ---- the peers in topics

export function onSubscriptionChanged(state: State, { peer, topic, subscribed }: EventOf<'subscriptionChanged'>): void {
  const { subscribers, topicCounts } = state.topics
  let peers = subscribers.get(topic)
  const isIn = peers?.has(peer) === true
  const amount = topicCounts.get(peer) ?? 0
  if (isIn === subscribed || (subscribed && amount >= GOSSIP.topicsPerPeer && !state.topics.joined.has(topic))) return
  if (subscribed) {
    if (peers === undefined) subscribers.set(topic, (peers = new Set()))
    peers.add(peer)
    topicCounts.set(peer, amount + 1)
  } else {
    peers!.delete(peer)
    if (peers!.size === 0) subscribers.delete(topic)
    if (amount > 1) topicCounts.set(peer, amount - 1)
    else topicCounts.delete(peer)
  }
  subscribersChanged(state, topic)
  if (state.topics.joined.has(topic)) statusChanged(state)
}

export function onGossipOpened({ topics, now }: State, peer: string): void {
  topics.gossipPeers.add(peer)
  topics.gossipSince = now
}

export function onGossipClosed({ topics }: State, peer: string): void {
  topics.gossipPeers.delete(peer)
}

export function onMeshChanged(state: State, { topic: name, peers }: EventOf<'meshChanged'>): void {
  const topic = state.topics.joined.get(name)
  // If the topic was left meanwhile, its mesh was emptied then.
  if (topic === undefined) return
  const before = topic.mesh
  topic.mesh = peers
  updateMeshPeers(state, [...before, ...peers])
}

/** Recomputes the peers in any mesh. `peers` entered or left one, so their connections may start or stop to be idle. */
function updateMeshPeers(state: State, peers: string[]): void {
  state.topics.meshPeers = new Set([...state.topics.joined.values()].flatMap(({ mesh }) => mesh))
  for (const peer of new Set(peers)) {
    for (const connection of connectionsOf(state, peer)) updateIdle(state, connection)
  }
}

// ---- callers that wait until a topic is joined

export function onJoined(state: State, out: Effects, command: CommandOf<'joined'>): void {
  const { ask: id, topic, timeout } = command
  if (!acceptAsk(state, out, id)) return
  if (!state.topics.joined.has(topic)) return notSubscribed(state, out, id, topic)
  openAsk(state, { kind: 'joined', id, topic, timeout })
  state.topics.joining.add(id)
  settleJoined(state, out)
}

/** Answers the callers whose topic is joined now. */
export function settleJoined(state: State, out: Effects): void {
  for (const id of state.topics.joining) {
    const ask = state.asks.open.get(id)
    if (ask?.kind !== 'joined' || !isJoined(state, ask.topic)) continue
    endJoined(state, ask)
    settle(state, out, id, undefined)
  }
}

export function expireJoined(state: State, out: Effects, ask: JoinedAsk): void {
  endJoined(state, ask)
  const message = `${ask.topic} was not joined within ${ask.timeout} ms`
  fail(state, out, ask.id, { code: 'RequestTimeout', message })
}

export function endJoined(state: State, { id, timeout }: JoinedAsk): void {
  state.topics.joining.delete(id)
  closeAsk(state, id, timeout)
}

function notSubscribed(state: State, out: Effects, id: number, topic: string): void {
  const message = `we are not in ${topic}: subscribe to broadcasts$(${JSON.stringify(topic)}) first`
  fail(state, out, id, { code: 'NotSubscribed', message })
}
