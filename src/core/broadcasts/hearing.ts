/**
 * Messages of others as the network reports them: whole, announced, or dropped. What follows, deciding.ts and fetching.ts
 * know.
 */
import { line, type Heard } from '../terms.js'
import { decodeAnnouncement, isAnnouncement } from '../../wire/gossip/announcement.js'
import { isSilenced } from '../access/rules.js'
import { offend, OFFENCES } from '../access/offences.js'
import { noteUse } from '../peers/connections.js'
import { dropConnection } from '../peers/connectivity.js'
import type { CommandOf, EventOf } from '../events.js'
import { log, type Effects } from '../effects.js'
import type { State } from '../state.js'
import { countLoss, countReceived } from './counts.js'
import { onWholeMessage, dropMessage, giveVerdict } from './deciding.js'
import { fetchLarge, onFetchedHash } from './fetching.js'
import { takeDigesting } from './large.js'
import { hintAtIds } from './hints.js'
import { announceLarge } from './publishing.js'
import { refuseReceipts } from './receipts.js'

/** Of one report: messages without a signature come from honest nodes of other networks too. */
const BAD_GOSSIP = { malformed: 2 * OFFENCES.violation, signature: OFFENCES.excess }

export function onMessage(state: State, out: Effects, event: EventOf<'message'>): void {
  const { topic, data, from, via, id, held, proof } = event
  const heard: Heard = { topic, data, from, via, id }
  if (!state.topics.joined.has(topic)) {
    countLoss(state, 'unknownTopic', { peer: via })
    log(out, 'debug', line`dropped a broadcast of a topic that we are not in: ${topic}`)
    return giveVerdict(out, heard, held, 'ignore')
  }
  // Whoever hands it on means no harm.
  if (isSilenced(state, from)) return dropMessage(state, out, heard, held, 'denied')
  noteUse(state, via)
  countReceived(state, topic)
  if (state.settings.maxLargeMessage > 0 && isAnnouncement(data)) {
    const announced = decodeAnnouncement(data)
    if (announced === undefined) return dropMessage(state, out, heard, held, 'rejected')
    if (announced.size > state.settings.maxLargeMessage) return dropMessage(state, out, heard, held, 'oversize')
    if (!fetchLarge(state, out, heard, held, announced)) dropMessage(state, out, heard, held, 'busy')
    return
  }
  onWholeMessage(state, out, heard, proof, { kind: 'gossip', held, large: false })
}

/** Somebody has published again what was heard or published here, and nobody in the network hears it again. */
export function onRepeated(state: State, out: Effects, { topic, id, from, via }: EventOf<'repeated'>): void {
  countLoss(state, 'duplicate', { topic, peer: via })
  log(out, 'debug', line`dropped a message of ${topic} (${via}): ${from} has published what was broadcast a moment ago`)
  hintAtIds(state, out, topic, from)
  refuseReceipts(state, out, id, from)
}

/** The network has dropped messages. */
export function onGossipDropped(state: State, out: Effects, event: EventOf<'gossipDropped'>): void {
  const { peer, topic, reason, count } = event
  countLoss(state, reason, { topic, peer, count })
  const what = count === 1 ? 'a message' : `${count} messages`
  log(out, 'debug', line`dropped ${what} ${topic === undefined ? '' : `of ${topic} `}(${peer}): ${reason}`)
  if (reason === 'signature' || reason === 'malformed')
    offend(
      state,
      peer,
      BAD_GOSSIP[reason],
      `it sent gossip that is ${reason === 'signature' ? 'not signed' : 'no gossip'}`,
    )
  if (reason !== 'malformed') return
  // Its gossip stream is useless, and only a new connection brings another one.
  log(out, 'warn', line`${peer} sent gossip that cannot be read: its connections are closed`)
  for (const id of [...(state.connections.byPeer.get(peer) ?? [])])
    dropConnection(state, out, id, 'its gossip cannot be read')
}

/** A hash was computed: of a large broadcast of ours, or of one that was fetched. */
export function onDigested(state: State, out: Effects, { digest, hash }: CommandOf<'digested'>): void {
  const digesting = takeDigesting(state, digest)
  if (digesting === undefined) return
  if (digesting.kind === 'fetch') return onFetchedHash(state, out, digesting, hash)
  const ask = state.asks.open.get(digesting.ask)
  if (ask?.kind !== 'broadcast') return
  announceLarge(state, out, ask, hash)
}
