/**
 * Builds explanations: what the state knows of a topic or a peer, and what the network reports of it. It changes no
 * state.
 */
import type { GossipPeer } from '../port.js'
import { REQUEST_RESPONSE_V1, SESSION } from '../../wire/protocols.js'
import { textOfBar, type Bar } from '../access/lists.js'
import { whyBarred } from '../access/rules.js'
import { acceptAsk, closeAsk, openAsk, settle } from '../asks.js'
import type { Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import type { State } from '../state.js'
import { withPeers } from './status.js'
import { peerText, topicText } from './text.js'
import { shareOf } from '../limits/shares.js'
import { isJoined, whyNobody } from '../broadcasts/membership.js'
import { connectionsOf, servesOf } from '../peers/connections.js'
import { candidatesOf, dialUnderWay } from '../peers/dials.js'
import { dearness } from '../requests/dear.js'
import { twinsThere } from '../peers/twins.js'
import type { PeerExplanation, TopicExplanation } from '../explanation.js'
import type { PeerRecord } from '../broadcasts/state.js'

/** Asks the network for scores and queues, which the state does not have. */
export function explain(state: State, out: Effects, command: CommandOf<'explain'>): void {
  const { ask: id, about } = command
  if (!acceptAsk(state, out, id, true)) return
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
    'topic' in about
      ? explainTopic(state, about.topic, event.peers)
      : explainPeer(state, about.peer, event.peers[about.peer])
  settle(state, out, ask.id, explanation)
}

function explainTopic(state: State, topic: string, peers: Record<string, GossipPeer>): TopicExplanation {
  const { counts: book, publishing, topics, settings } = state
  const membership = topics.joined.get(topic)
  const counts = book.topics.get(topic)
  const queue = publishing.queues.get(topic)
  const waiting = [...publishing.waiting].filter((id) => {
    const ask = state.asks.open.get(id)
    return ask?.kind === 'broadcast' && ask.topic === topic
  }).length
  const nobody = whyNobody(state, topic)
  const known: Omit<TopicExplanation, 'text'> = {
    topic,
    subscribed: membership !== undefined,
    joined: isJoined(state, topic),
    validated: topics.guarded.has(topic),
    listeners: membership === undefined ? 0 : membership.subscribers + (membership.fixed ? 1 : 0),
    subscribers: [...(topics.subscribers.get(topic) ?? [])].map((peer) => ({
      peer,
      reachable: topics.gossipPeers.has(peer),
      inMesh: membership?.mesh.includes(peer) === true,
      score: peers[peer]?.score,
      queued: peers[peer]?.queued ?? 0,
    })),
    ...(nobody === undefined ? {} : { nobody }),
    sent: {
      broadcasts: counts?.published ?? 0,
      handedOver: counts?.handedOver ?? 0,
      toNobody: counts?.toNobody ?? 0,
      waiting: waiting + (queue === undefined ? 0 : queue.retries.length + queue.queued.size),
      held: (counts?.held ?? 0) + (queue?.held === undefined ? 0 : state.now - queue.held.since),
      heldFor: [...(queue?.held?.peers ?? [])],
    },
    heard: {
      received: counts?.received ?? 0,
      delivered: counts?.delivered ?? 0,
      replayed: counts?.replayed ?? 0,
      remembered: membership?.history.length ?? 0,
    },
    dropped: { ...counts?.dropped },
    limits: {
      maxMessageSize: settings.maxMessageSize,
      maxQueueSize: settings.maxQueueSize,
      validationTimeout: settings.validationTimeout,
    },
  }
  return { ...known, text: topicText(known) }
}

function explainPeer(state: State, peer: string, gossip: GossipPeer | undefined): PeerExplanation {
  const { counts, recipients, topics, settings, now } = state
  const { limits } = settings
  const links = connectionsOf(state, peer)
  const [first] = links
  const record = counts.peers.get(peer)
  const account = state.budget.accounts.get(peer)
  const table = state.discovery.table.get(peer)
  const remembered = state.memory.peers.get(peer)
  const twins = twinsThere(state, peer)
  const dial = dialUnderWay(state, peer)
  const dear = dearness(state, account)
  const known: Omit<PeerExplanation, 'text'> = {
    peer,
    ...standing(state, peer),
    connections: links.map(({ address, inbound, openedAt }) => ({ address, inbound, age: now - openedAt })),
    ...(first?.protocols === undefined ? {} : { protocols: [...first.protocols] }),
    ...servesOf(first?.protocols),
    askedBy: askedBy(first),
    ...(table === undefined ? {} : { table: withPeers(table, peer) }),
    ...(record?.failure === undefined ? {} : { dialFailure: failureOf(record.failure, now) }),
    ...(record?.earlier === undefined ? {} : { earlierDialFailure: failureOf(record.earlier, now) }),
    ...(record?.hungUp && { hungUp: { ago: now - record.hungUp.at, reason: record.hungUp.message } }),
    ...(remembered === undefined
      ? {}
      : {
          remembered:
            links.length > 0
              ? { ago: 0, failures: 0 }
              : { ago: now - remembered.goodAt, failures: remembered.failures + remembered.hangUps },
        }),
    ...(twins === undefined ? {} : { twins: [...twins.places] as [string, string] }),
    ...(dial === undefined ? {} : { dialling: dial }),
    topics: [...topics.subscribers].filter(([, peers]) => peers.has(peer)).map(([topic]) => topic),
    meshes: [...topics.joined].filter(([, { mesh }]) => mesh.includes(peer)).map(([topic]) => topic),
    gossip: {
      reachable: topics.gossipPeers.has(peer),
      score: gossip?.score,
      queued: gossip?.queued ?? 0,
      tooSlow: recipients.slow.has(peer),
      held: record?.held ?? 0,
    },
    requests: {
      ours: links.reduce(
        (sum, { queue, v1Streams, asking }) => sum + queue.size + v1Streams.size + (asking?.requests.size ?? 0),
        0,
      ),
      its: account?.exchanges ?? 0,
    },
    uses: {
      requestBytes: (account?.bytes ?? 0) + (account?.windows ?? 0),
      answerBytes: account?.answers ?? 0,
      handlers: account?.handlers ?? 0,
      queued: account?.queue.size ?? 0,
      answered: account?.answered ?? 0,
      refused: account?.refused ?? 0,
    },
    ...(dear && { dear }),
    dropped: { ...record?.dropped },
    refused: { ...record?.refused },
    limits: {
      maxStreams: settings.maxStreams,
      requests: shareOf(limits.requests, limits.requestsPerPeer),
      requestBytes: shareOf(limits.requestBytes, limits.requestBytesPerPeer),
      answerBytes: shareOf(limits.answerBytes, limits.answerBytesPerPeer),
      handlers: shareOf(limits.handlers, limits.handlersPerPeer),
      maxQueueSize: settings.maxQueueSize,
    },
  }
  return { ...known, text: peerText(known) }
}

/** By its peer id, or because every address at which it is known is barred. */
function barAt(state: State, peer: string): Bar | undefined {
  const places = [...candidatesOf(state, peer), ...(state.discovery.table.get(peer) ?? [])]
  const bars = places.map((address) => whyBarred(state, peer, address))
  return whyBarred(state, peer) ?? (bars.includes(undefined) ? undefined : bars[0])
}

/** How it stands with who may come in. */
function standing(state: State, peer: string): Pick<PeerExplanation, 'barred' | 'turnedAway' | 'offences'> {
  const bar = barAt(state, peer)
  const away = state.audit.turnedAway.get(peer)
  const until = bar?.held?.until ?? Infinity
  const offender = state.offenders.peers.get(peer)
  return {
    ...(bar && { barred: { why: textOfBar(bar), ...(until < Infinity && { for: until - state.now }) } }),
    ...(away && { turnedAway: { count: away.count, ago: state.now - away.at, reason: away.message } }),
    ...(offender && { offences: { points: Math.round(offender.points), bans: offender.bans } }),
  }
}

function askedBy(connection: { requestProtocol: string | undefined; protocols: string[] | undefined } | undefined) {
  if (connection?.requestProtocol === SESSION || connection?.protocols?.includes(SESSION) === true) return 'session'
  const isOld =
    connection?.requestProtocol === REQUEST_RESPONSE_V1 || connection?.protocols?.includes(REQUEST_RESPONSE_V1) === true
  if (isOld) return 'version 1'
  return connection?.protocols === undefined ? 'not known yet' : 'nothing'
}

function failureOf({ at, message, tried }: NonNullable<PeerRecord['failure']>, now: number) {
  return {
    ago: now - at,
    reason: message,
    tried: tried.map((attempt) => ({ ...attempt })),
  }
}
