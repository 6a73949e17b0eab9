/** Answers requests of other nodes to this one: for history, receipts and large messages. No handler sees them. */
import { toHex } from '../../wire/gossip/announcement.js'
import { decodeServiceRequest, encodeHistoryValue } from '../../wire/session/service.js'
import { complete, next, onPullable, reject } from '../requests/answers.js'
import type { RememberedBroadcast } from '../broadcasts/state.js'
import { blobOf } from '../broadcasts/large.js'
import { onReceiptWanted, stopWaiting } from '../broadcasts/receipts.js'
import { onTwinTold } from '../peers/twins.js'
import { overloaded } from '../asks.js'
import { dueAt } from '../due.js'
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import { heldCost } from '../requests/values.js'
import { unhandled, type ExchangeId } from '../terms.js'
import { addHistory, countHistories, endServing, keepServing, mayWantHistory } from './book.js'
import type { ServingOf } from './state.js'

/** Bytes of a value that carries a piece of a large message. */
const PIECE = 65_536
/** Histories that are sent to one peer at once. */
const AT_ONCE = 2
/** The numbers in a value of history take less, bytes. */
const HEAD = 32

export function serve(state: State, out: Effects, exchange: ExchangeId, data: Uint8Array): void {
  const request = decodeServiceRequest(data)
  switch (request?.kind) {
    case 'history':
      return onHistoryWanted(state, out, exchange, request.topic, request.count)
    case 'receipt':
      return onReceiptWanted(state, out, exchange, request.id)
    case 'blob':
      return sendBlob(state, out, exchange, toHex(request.hash))
    case 'twin':
      onTwinTold(state, out, state.exchanges.open.get(exchange)!.peer, request.address)
      return complete(state, out, exchange)
    case undefined:
      return reject(state, out, {
        type: 'reject',
        exchange,
        code: 'Unknown',
        reason: 'no such request of nodes is known',
      })
    default:
      return unhandled(request)
  }
}

/**
 * The answer waits until the asker is in our mesh: messages before that are in the answer, and later ones are forwarded.
 * (The GRAFT arrives after the request, because it comes on another stream.) An asker for which our mesh has no room gets
 * later messages by IHAVE.
 */
function onHistoryWanted(state: State, out: Effects, exchange: ExchangeId, topic: string, count: number): void {
  const { peer } = state.exchanges.open.get(exchange)!
  if (!mayWantHistory(state, peer)) {
    const { code, message, retryAfterMs } = overloaded('too many histories are wanted')
    return reject(state, out, { type: 'reject', exchange, code, reason: message, retryAfterMs: retryAfterMs! })
  }
  const until = state.now + state.settings.historyPatience
  keepServing(state, exchange, { kind: 'history', peer, topic, count, until })
  dueAt(state, 'histories', until)
  serveHistories(state, out)
}

export function serveHistories(state: State, out: Effects): void {
  const counts = countHistories(state)
  for (const [peer, wanted] of state.services.wanted) {
    let sent = counts.get(peer) ?? 0
    for (const exchange of wanted) {
      if (sent >= AT_ONCE) break
      const { topic, count, until } = state.services.serving.get(exchange) as ServingOf<'history'>
      const own = state.topics.joined.get(topic)
      if (own !== undefined && !own.mesh.includes(peer) && state.now < until) continue
      endServing(state, exchange)
      addHistory(state, exchange)
      sendHistory(state, out, exchange, topic, count)
      sent++
    }
  }
}

/** When the next request for history is answered, unless it waits for others of its peer: of these each end is a step. */
export function nextHistory({ now, services: { serving, wanted } }: State): number {
  let earliest = Infinity
  for (const ids of wanted.values()) {
    for (const id of ids) {
      const { until } = serving.get(id) as ServingOf<'history'>
      if (until > now) earliest = Math.min(earliest, until)
    }
  }
  return earliest
}

/** Sends all values at once: the newest broadcasts, as many as may wait to be sent. */
function sendHistory(state: State, out: Effects, exchange: ExchangeId, topic: string, count: number): void {
  const last = (state.topics.joined.get(topic)?.history ?? []).slice(-count)
  let cost = 0
  let from = last.length
  // Nothing is encoded that cannot be sent.
  while (from > 0 && (cost += costOf(last[from - 1]!)) <= state.settings.maxQueuedValues) from--
  for (const { data, from: signer, proof, at } of last.slice(from)) {
    if (state.exchanges.open.get(exchange)?.ended !== false) return
    next(state, out, exchange, encodeHistoryValue({ age: Math.max(0, state.now - at), from: signer, proof, data }))
  }
  complete(state, out, exchange)
}

/** Of its value, a little more than it takes. */
function costOf({ data, from, proof }: RememberedBroadcast): number {
  return heldCost(data.length + proof.length + from.length + HEAD)
}

function sendBlob(state: State, out: Effects, exchange: ExchangeId, hash: string): void {
  const data = blobOf(state, hash)
  if (data === undefined) {
    return reject(state, out, { type: 'reject', exchange, code: 'NotHere', reason: 'we do not have that message' })
  }
  keepServing(state, exchange, { kind: 'blob', data, at: 0 })
  onPullable(state, out, exchange)
}

/** The asker can take more of a large message. */
export function onServingAllowed(state: State, out: Effects, exchange: ExchangeId, allowance: number): void {
  const serving = state.services.serving.get(exchange)
  switch (serving?.kind) {
    case 'blob':
      return sendPieces(state, out, exchange, serving, allowance)
    // One value, or all of them at once.
    case 'receipt':
    case 'history':
    case undefined:
      return
    default:
      return unhandled(serving)
  }
}

function sendPieces(
  state: State,
  out: Effects,
  exchange: ExchangeId,
  serving: ServingOf<'blob'>,
  allowance: number,
): void {
  while (allowance > 0 && serving.at < serving.data.length) {
    const piece = serving.data.subarray(serving.at, serving.at + PIECE)
    serving.at += piece.length
    allowance -= heldCost(piece.length)
    next(state, out, exchange, piece)
  }
  if (serving.at < serving.data.length) return
  endServing(state, exchange)
  complete(state, out, exchange)
}

/** The asker has cancelled, or its time is over. */
export function onServingCut(state: State, exchange: ExchangeId): void {
  const serving = state.services.serving.get(exchange)
  if (serving === undefined) return
  endServing(state, exchange)
  switch (serving.kind) {
    case 'receipt':
      return stopWaiting(state, exchange, serving.message)
    case 'blob':
    case 'history':
      return
    default:
      return unhandled(serving)
  }
}
