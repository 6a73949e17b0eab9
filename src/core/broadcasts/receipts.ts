/**
 * Receipts. The publisher asks each subscriber that it knows, by a request, to confirm the message. The subscriber
 * answers after its own validation. Message ids connect the request with the message. How requests travel, services/
 * knows.
 */
import { reject, respond } from '../requests/answers.js'
import type { Effects } from '../effects.js'
import { GOSSIP } from '../parameters.js'
import { giveBack, hold, mayHold } from '../limits/shares.js'
import { connectionsOf } from '../peers/connections.js'
import { isTrusted } from '../peers/trust.js'
import type { WantReceipts, ExchangeId } from '../terms.js'
import { endServing, keepServing } from '../services/book.js'
import { askNode, cancelOwnAsk } from '../services/own-requests.js'
import type { State } from '../state.js'
import { noteRepeat, outcomeOf } from './history.js'
import type { Outcome } from './state.js'

/**
 * A receipt is wanted when its message has just been published. Who asks later, ms, asks for one that comes yet: the same bytes may be
 * broadcast again after `seenTTL`.
 */
const ASKED_WITHIN = GOSSIP.seenTTL / 2
/** Receipts that may be wanted at once, by all and by one peer; more are refused. */
const [MAX_WANTED, MAX_WANTED_BY] = [4_096, 1_024]

const NOTHING = new Uint8Array()

// ---- ours

export function awaitReceipts(
  state: State,
  out: Effects,
  ask: number,
  id: string,
  topic: string,
  { count = Infinity, timeout }: WantReceipts,
): void {
  const peers = [...(state.topics.subscribers.get(topic) ?? [])].filter((peer) => state.connections.byPeer.has(peer))
  const receipts = { ask, since: state.now, asks: new Set<number>(), remaining: count }
  state.receipts.open.set(ask, receipts)
  for (const peer of peers) {
    receipts.asks.add(
      askNode(state, out, peer, { kind: 'receipt', topic, id }, timeout, { kind: 'receipt', ask, peer }),
    )
  }
  if (peers.length === 0) endReceipts(state, out, ask)
}

export function onReceipt(state: State, out: Effects, ask: number, peer: string): void {
  const receipts = state.receipts.open.get(ask)
  if (receipts === undefined) return
  out.push({ type: 'receipt', ask, peer, rtt: state.now - receipts.since })
  receipts.remaining--
  if (receipts.remaining === 0) endReceipts(state, out, ask)
}

/** A peer has answered, or its request has failed. */
export function onReceiptOver(state: State, out: Effects, ask: number, ownAsk: number): void {
  const receipts = state.receipts.open.get(ask)
  if (receipts === undefined) return
  receipts.asks.delete(ownAsk)
  if (receipts.asks.size === 0) endReceipts(state, out, ask)
}

function endReceipts(state: State, out: Effects, ask: number): void {
  const receipts = state.receipts.open.get(ask)!
  state.receipts.open.delete(ask)
  out.push({ type: 'receiptsEnded', ask })
  for (const own of receipts.asks) cancelOwnAsk(state, out, own)
}

// ---- those of others

/** A peer wants a receipt of what it has published: it gets one at once if the outcome is known, or else later. */
export function onReceiptWanted(state: State, out: Effects, exchange: ExchangeId, id: string): void {
  const outcome = outcomeOf(state, id)
  if (outcome !== undefined && state.now - outcome.at < ASKED_WITHIN) return answer(state, out, exchange, outcome)
  const { wanted, wantedBy } = state.receipts
  const asker = askerOf(state, exchange) ?? ''
  const bounds = { total: MAX_WANTED, each: MAX_WANTED_BY, trusted: isTrusted(state, asker), newcomers: true }
  if (!mayHold(wantedBy, asker, 1, bounds)) {
    return reject(state, out, { type: 'reject', exchange, code: 'Overloaded', reason: 'too many receipts are wanted' })
  }
  hold(wantedBy, asker, 1)
  const waiting = wanted.get(id)
  if (waiting === undefined) wanted.set(id, new Map([[exchange, asker]]))
  else waiting.set(exchange, asker)
  keepServing(state, exchange, { kind: 'receipt', message: id })
}

/** The outcome of a message is known now. */
export function giveReceipts(state: State, out: Effects, id: string): void {
  const { wanted } = state.receipts
  if (wanted.size === 0) return
  const waiting = wanted.get(id)
  if (waiting === undefined) return
  wanted.delete(id)
  for (const [exchange, asker] of waiting) {
    giveBack(state.receipts.wantedBy, asker, 1)
    endServing(state, exchange)
    answer(state, out, exchange, outcomeOf(state, id)!)
  }
}

/** What this peer has published was dropped: another message had its id. */
export function refuseReceipts(state: State, out: Effects, id: string, from: string): void {
  noteRepeat(state, id, from)
  for (const [exchange, asker] of [...(state.receipts.wanted.get(id) ?? [])]) {
    if (asker !== from) continue
    stopWaiting(state, exchange, id)
    endServing(state, exchange)
    refuse(state, out, exchange)
  }
}

/** The receipt is no longer wanted. */
export function stopWaiting({ receipts }: State, exchange: ExchangeId, id: string): void {
  const waiting = receipts.wanted.get(id)
  const asker = waiting?.get(exchange)
  if (waiting === undefined || asker === undefined) return
  waiting.delete(exchange)
  giveBack(receipts.wantedBy, asker, 1)
  if (waiting.size === 0) receipts.wanted.delete(id)
}

/**
 * A message of the same id that another one has signed, or the asker before it was restarted, says nothing of the asker's own, but that
 * it is dropped as a repeat. A peer that was not connected when the message came cannot have published it since it is: receipts are
 * asked of connected peers.
 */
function answer(state: State, out: Effects, exchange: ExchangeId, { kind, from, at }: Outcome): void {
  const asker = askerOf(state, exchange) ?? ''
  const isOfAsker = from === asker && connectionsOf(state, asker).some(({ openedAt }) => openedAt <= at)
  if (kind === 'accepted' && isOfAsker) respond(state, out, { type: 'respond', exchange, data: NOTHING })
  else refuse(state, out, exchange)
}

function refuse(state: State, out: Effects, exchange: ExchangeId): void {
  reject(state, out, { type: 'reject', exchange, code: 'NotTaken', reason: 'the message was not taken' })
}

/** `undefined`: it has cancelled in this step, and services hear of that at its end. */
function askerOf(state: State, exchange: ExchangeId): string | undefined {
  return state.exchanges.open.get(exchange)?.peer
}
