/** Gathers all that a node knows of a topic or of a peer, and asks the network for the rest. */
import type { GossipPeer } from '../port.js'
import { REQUEST_RESPONSE_V1, SESSION } from '../../wire/protocols.js'
import { admitAsk, closeAsk, openAsk, settle } from '../asks.js'
import type { Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import type { State } from '../state.js'
import { withPeers } from './status.js'
import { peerText, topicText } from './text.js'
import { isJoined, whyNobody } from '../broadcasts/membership.js'
import type { PeerExplanation, TopicExplanation } from './explanation.js'
import type { PeerRecord } from '../broadcasts/state.js'

/** The network is asked for what it alone knows. */
export function explain(state: State, out: Effects, command: CommandOf<'explain'>): void {
  const { ask: id, about } = command
  if (!admitAsk(state, out, id)) return
  openAsk(state, { kind: 'explain', id, about })
  const peers = 'peer' in about ? [about.peer] : [...(state.topics.subscribers.get(about.topic) ?? [])]
  out.push({ type: 'inspect', ask: id, peers })
}

export function onExplained(state: State, out: Effects, event: EventOf<'inspected'>): void {
  const ask = state.asks.open.get(event.ask)
  if (ask?.kind !== 'explain') return
  closeAsk(state, ask.id)
  const { about } = ask
  const explanation =
    'topic' in about ? topicOf(state, about.topic, event.peers) : peerOf(state, about.peer, event.peers[about.peer])
  settle(state, out, ask.id, explanation)
}

function topicOf(state: State, topic: string, peers: Record<string, GossipPeer>): TopicExplanation {
  const { counts: book, publishing, topics, settings } = state
  const own = topics.joined.get(topic)
  const counts = book.topics.get(topic)
  const queue = publishing.queues.get(topic)
  const waiting = [...publishing.waiting].filter((id) => {
    const ask = state.asks.open.get(id)
    return ask?.kind === 'broadcast' && ask.topic === topic
  }).length
  const nobody = whyNobody(state, topic)
  const known: Omit<TopicExplanation, 'text'> = {
    topic,
    subscribed: own !== undefined,
    joined: isJoined(state, topic),
    validated: topics.guarded.has(topic),
    listeners: own === undefined ? 0 : own.subscribers + (own.fixed ? 1 : 0),
    subscribers: [...(topics.subscribers.get(topic) ?? [])].map((peer) => ({
      peer,
      reachable: topics.gossipPeers.has(peer),
      inMesh: own?.mesh.includes(peer) === true,
      score: peers[peer]?.score,
      queued: peers[peer]?.queued ?? 0,
    })),
    ...(nobody === undefined ? {} : { nobody }),
    sent: {
      broadcasts: counts?.published ?? 0,
      handedOver: counts?.handedOver ?? 0,
      toNobody: counts?.toNobody ?? 0,
      waiting: waiting + (queue === undefined ? 0 : queue.held.length + queue.queued.size),
    },
    heard: {
      received: counts?.received ?? 0,
      delivered: counts?.delivered ?? 0,
      remembered: own?.history.length ?? 0,
    },
    dropped: { ...counts?.dropped },
    limits: {
      maxMessageSize: settings.maxMessageSize,
      maxQueueSize: settings.maxGossipQueue,
      validationTimeout: settings.validationTimeout,
    },
  }
  return { ...known, text: topicText(known) }
}

function peerOf(state: State, peer: string, gossip: GossipPeer | undefined): PeerExplanation {
  const { counts, publishing, topics, settings, now } = state
  const links = (state.connections.byPeer.get(peer) ?? []).map((id) => state.connections.all.get(id)!)
  const [first] = links
  const record = counts.peers.get(peer)
  const table = state.discovery.known.get(peer)
  const known: Omit<PeerExplanation, 'text'> = {
    peer,
    connections: links.map(({ address, inbound, openedAt }) => ({ address, inbound, age: now - openedAt })),
    ...(first?.protocols === undefined ? {} : { protocols: [...first.protocols] }),
    askedBy: askedBy(first),
    ...(table === undefined ? {} : { table: withPeers(table, peer) }),
    ...(record?.failure === undefined ? {} : { dialFailure: failureOf(record.failure, now) }),
    dialling: state.dials.has(peer),
    topics: [...topics.subscribers].filter(([, peers]) => peers.has(peer)).map(([topic]) => topic),
    meshes: [...topics.joined].filter(([, { mesh }]) => mesh.includes(peer)).map(([topic]) => topic),
    gossip: {
      reachable: topics.gossipPeers.has(peer),
      score: gossip?.score,
      queued: gossip?.queued ?? 0,
      tooSlow: publishing.slowPeers.has(peer),
    },
    requests: {
      ours: links.reduce(
        (sum, { queue, calls, session }) => sum + queue.size + calls.size + (session?.calls.size ?? 0),
        0,
      ),
      its: state.budget.accounts.get(peer)?.exchanges ?? 0,
    },
    dropped: { ...record?.dropped },
    limits: {
      maxStreams: settings.maxStreams,
      maxInboundPerPeer: settings.maxInboundPerPeer,
      maxInboundBytesPerPeer: settings.maxInboundBytesPerPeer,
      maxQueueSize: settings.maxGossipQueue,
    },
  }
  return { ...known, text: peerText(known) }
}

function askedBy(connection: { asksBy: string | undefined; protocols: string[] | undefined } | undefined) {
  if (connection?.asksBy === SESSION || connection?.protocols?.includes(SESSION) === true) return 'session'
  const isOld =
    connection?.asksBy === REQUEST_RESPONSE_V1 || connection?.protocols?.includes(REQUEST_RESPONSE_V1) === true
  return isOld ? 'version 1' : 'not known yet'
}

function failureOf({ at, message, tried, earlier }: NonNullable<PeerRecord['failure']>, now: number) {
  return {
    ago: now - at,
    reason: message,
    tried: tried.map((attempt) => ({ ...attempt })),
    ...(earlier && { earlier: { ago: now - earlier.at, reason: earlier.message } }),
  }
}
