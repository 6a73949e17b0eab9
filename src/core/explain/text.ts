/** Explanations as text, one line per fact. It knows only the explanation, not the state. */
import { printable } from '../../wire/text.js'
import { textOfDial } from '../peers/dials.js'
import type { PeerExplanation, TopicExplanation } from '../explanation.js'

export function topicText(topic: Omit<TopicExplanation, 'text'>): string {
  const { sent, heard, limits } = topic
  return lines(
    `topic ${topic.topic}: ${membership(topic)}`,
    topic.nobody === undefined ? undefined : `a broadcast would reach nobody now: ${topic.nobody}`,
    `${count(topic.subscribers.length, 'peer')} in it that we are connected to`,
    ...topic.subscribers.map(
      ({ peer, reachable, inMesh, score, queued }) =>
        `  ${peer}: ${reachable ? 'reachable' : 'no gossip stream yet'}${inMesh ? ', in the mesh' : ''}` +
        `${score === undefined ? '' : `, score ${round(score)}`}${queued > 0 ? `, ${queued} bytes wait for it` : ''}`,
    ),
    `sent: ${count(sent.broadcasts, 'broadcast')}, handed over ${count(sent.handedOver, 'time')}` +
      `, ${sent.toNobody} to nobody, ${sent.waiting} waiting${sent.held > 0 ? `, held up for ${sent.held} ms` : ''}` +
      `${sent.heldFor.length > 0 ? `, now for ${sent.heldFor.join(', ')}` : ''}`,
    `heard: ${heard.received} received, ${heard.delivered} delivered, ${heard.replayed} replayed, ${heard.remembered} remembered`,
    dropped(topic.dropped),
    (topic.dropped.duplicate ?? 0) > 0 ? DUPLICATES : undefined,
    `limits: ${limits.maxMessageSize} bytes a message, ${limits.maxQueueSize} bytes waiting for one peer` +
      `${topic.validated ? `, ${limits.validationTimeout} ms for the validator` : ''}`,
  )
}

function membership({ subscribed, joined, listeners, validated }: Omit<TopicExplanation, 'text'>): string {
  if (!subscribed) return 'we are not in it'
  const state = joined ? 'joined' : 'subscribed, not announced everywhere or without a mesh yet'
  return `${state}, ${count(listeners, 'listener')}${validated ? ', validated' : ''}`
}

export function peerText(peer: Omit<PeerExplanation, 'text'>): string {
  const { gossip, requests, uses, dialFailure, earlierDialFailure: earlier, remembered, limits } = peer
  return lines(
    `peer ${peer.peer}: ${standing(peer)}`,
    peer.barred && `${peer.barred.why}${peer.barred.for === undefined ? '' : `, for ${peer.barred.for} ms more`}`,
    peer.turnedAway &&
      `not let in ${count(peer.turnedAway.count, 'time')}, the last time ${peer.turnedAway.ago} ms ago: ${peer.turnedAway.reason}`,
    peer.offences && `offences: ${peer.offences.points} points, banned ${count(peer.offences.bans, 'time')}`,
    ...peer.connections.map(
      ({ address, inbound, age }) => `  ${inbound ? 'it dialled us from' : 'we dialled'} ${address}, ${age} ms ago`,
    ),
    peer.twins && `two nodes live with its secret, at ${peer.twins.join(' and at ')}`,
    peer.table === undefined ? 'not in the routing table' : `in the routing table: ${peer.table.join(', ')}`,
    dialFailure === undefined ? undefined : `it could not be reached ${dialFailure.ago} ms ago: ${dialFailure.reason}`,
    ...(dialFailure?.tried ?? []).map(({ address, reason }) => `  ${address}: ${reason}`),
    earlier === undefined ? undefined : `before that, ${earlier.ago} ms ago: ${earlier.reason}`,
    peer.hungUp && `we hung up on it ${peer.hungUp.ago} ms ago: ${peer.hungUp.reason}`,
    remembered === undefined || !Number.isFinite(remembered.ago) || peer.connections.length > 0
      ? undefined
      : `remembered: connected ${remembered.ago} ms ago, ${count(remembered.failures, 'failed attempt')} in a row`,
    peer.protocols === undefined ? undefined : `speaks ${peer.protocols.join(', ')}`,
    peer.serves === undefined ? undefined : `serves ${peer.serves.join(', ')}`,
    `asked by: ${peer.askedBy}; requests open: ${requests.ours} of ours, ${requests.its} of its`,
    peer.topics.length === 0
      ? 'in no topic that we know of'
      : `in ${peer.topics.join(', ')}${peer.meshes.length === 0 ? '' : `; in our mesh of ${peer.meshes.join(', ')}`}`,
    `gossip: ${gossip.reachable ? 'reachable' : 'no stream'}${gossip.score === undefined ? '' : `, score ${round(gossip.score)}`}` +
      `, ${gossip.queued} bytes waiting${gossip.tooSlow ? ', reads too slowly' : ''}` +
      `${gossip.held > 0 ? `, waited for ${gossip.held} ms` : ''}`,
    `it uses ${uses.requestBytes} bytes of requests, ${uses.answerBytes} bytes of answers, ${count(uses.handlers, 'handler')}; ` +
      `waiting for one: ${count(uses.queued, 'request')}; answered: ${uses.answered}, refused: ${uses.refused}`,
    peer.dear &&
      `dear: its handlers keep the event loop for ${peer.dear.cost} ms on average, so its requests wait while others ask, for ${peer.dear.for} ms more at most`,
    dropped(peer.dropped),
    Object.keys(peer.refused).length === 0 ? undefined : `refused: ${amounts(peer.refused)}`,
    `limits: ${limits.requests} requests of its at once, ${limits.requestBytes} bytes of them, ` +
      `${limits.answerBytes} bytes of answers, ${count(limits.handlers, 'handler')}, ${limits.maxStreams} streams of ours, ${limits.maxQueueSize} bytes of broadcasts waiting`,
  )
}

function standing({ connections, dialling }: Omit<PeerExplanation, 'text'>): string {
  if (connections.length > 0) return 'connected'
  return dialling === undefined ? 'not connected' : textOfDial(dialling)
}

const DUPLICATES =
  '  duplicate: somebody has published the same bytes again within a minute; if they were meant as several, see pubsub.messageId'

function dropped(losses: Record<string, number>): string {
  return `dropped: ${amounts(losses) || 'nothing'}`
}

function amounts(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([reason, amount]) => `${amount} ${reason}`)
    .join(', ')
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function lines(...all: (string | undefined)[]): string {
  return all
    .filter((line) => line !== undefined)
    .map((line) => printable(line))
    .join('\n')
}
