/** Messages of others as they come from the network: whole, or announced, or of no use. */
import type { PortEvent } from '../port.js'
import { decodeAnnouncement, isAnnouncement } from '../../wire/gossip/announcement.js'
import { touch } from '../peers/connections.js'
import { dropConnection } from '../peers/connectivity.js'
import { log, type Effects, type Heard } from '../effects.js'
import type { State } from '../state.js'
import { countLoss, countsOf } from './counts.js'
import { consider, lose, settleGossip } from './deciding.js'
import { fetchLarge } from './large-fetching.js'
import { logDrop } from './topics.js'

type Of<Type extends PortEvent['type']> = Extract<PortEvent, { type: Type }>

export function onMessage(state: State, out: Effects, event: Of<'message'>): void {
  const { topic, data, from, via, id, held, proof } = event
  const heard: Heard = { topic, data, from, via, id }
  if (!state.topics.has(topic)) {
    countLoss(state, 'unknownTopic', { peer: via })
    log(out, 'debug', `dropped a broadcast of a topic that we are not in: ${topic}`)
    return settleGossip(out, heard, held, 'ignore')
  }
  touch(state, via)
  countsOf(state, topic).received++
  if (state.settings.maxLargeMessage > 0 && isAnnouncement(data)) {
    const announced = decodeAnnouncement(data)
    if (announced === undefined) return lose(state, out, heard, held, 'rejected')
    if (announced.size > state.settings.maxLargeMessage) return lose(state, out, heard, held, 'oversize')
    if (!fetchLarge(state, out, heard, held, announced)) lose(state, out, heard, held, 'busy')
    return
  }
  consider(state, out, heard, proof, { kind: 'gossip', held, large: false })
}

/** Something that the network did not even report as a message. */
export function onGossipDropped(state: State, out: Effects, event: Of<'gossipDropped'>): void {
  const { peer, topic, reason, count } = event
  countLoss(state, reason, { topic, peer, count })
  logDrop(out, event)
  if (reason !== 'malformed') return
  // Its gossip stream is of no use any more, and nobody would open another one: both begin anew.
  log(out, 'warn', `${peer} sent gossip that cannot be read: its connections are closed`)
  for (const id of [...(state.links.get(peer) ?? [])]) dropConnection(state, out, id, 'its gossip cannot be read')
}
