/**
 * Receipts. Whoever published asks each subscriber that it knows, over the request path, to say when it has the message; the
 * subscriber answers by its own hand, after its validation. Message ids connect the two.
 */
import { reject, respond } from '../requests/answers.js'
import type { Effects } from '../effects.js'
import type { WantReceipts } from '../events.js'
import { askNode, forgetOwn } from '../services/own-requests.js'
import type { ExchangeId, State } from '../state.js'
import { outcomeOf } from './outcomes.js'
import type { Outcome } from './state.js'

/** Ids that somebody may wait for; more are refused. */
const MAX_WANTED = 4_096

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
  const peers = [...(state.broadcasts.others.get(topic) ?? [])].filter((peer) => state.links.has(peer))
  const receipts = { ask, since: state.now, open: new Set<number>(), left: count }
  state.broadcasts.receipts.set(ask, receipts)
  for (const peer of peers) {
    receipts.open.add(
      askNode(state, out, peer, { kind: 'receipt', topic, id }, timeout, { kind: 'receipt', ask, peer }),
    )
  }
  if (peers.length === 0) end(state, out, ask)
}

export function onReceipt(state: State, out: Effects, ask: number, peer: string): void {
  const receipts = state.broadcasts.receipts.get(ask)
  if (receipts === undefined) return
  out.push({ type: 'receipt', ask, peer, rtt: state.now - receipts.since })
  receipts.left--
  if (receipts.left === 0) end(state, out, ask)
}

/** One of those who were asked has said all that it will. */
export function onReceiptOver(state: State, out: Effects, ask: number, own: number): void {
  const receipts = state.broadcasts.receipts.get(ask)
  if (receipts === undefined) return
  receipts.open.delete(own)
  if (receipts.open.size === 0) end(state, out, ask)
}

function end(state: State, out: Effects, ask: number): void {
  const receipts = state.broadcasts.receipts.get(ask)!
  state.broadcasts.receipts.delete(ask)
  out.push({ type: 'receiptsEnded', ask })
  for (const own of receipts.open) forgetOwn(state, out, own)
}

// ---- those of others

/** A peer wants to hear when we have a message: now, if it has been here, or when it comes. */
export function onReceiptWanted(state: State, out: Effects, exchange: ExchangeId, id: string): void {
  const outcome = outcomeOf(state, id)
  if (outcome !== undefined) return answer(state, out, exchange, outcome)
  const { wanted, serving } = state.broadcasts
  let waiting = wanted.get(id)
  if (waiting === undefined) {
    if (wanted.size >= MAX_WANTED) {
      return reject(state, out, {
        type: 'reject',
        exchange,
        code: 'Overloaded',
        reason: 'too many receipts are wanted',
      })
    }
    wanted.set(id, (waiting = new Set()))
  }
  waiting.add(exchange)
  serving.set(exchange, { kind: 'receipt', message: id })
}

/** What became of a message is known now. */
export function giveReceipts(state: State, out: Effects, id: string, outcome: Outcome): void {
  const { wanted, serving } = state.broadcasts
  if (wanted.size === 0) return
  const waiting = wanted.get(id)
  if (waiting === undefined) return
  wanted.delete(id)
  for (const exchange of waiting) {
    serving.delete(exchange)
    answer(state, out, exchange, outcome)
  }
}

/** Whoever waited for it has gone. */
export function stopWaiting({ broadcasts }: State, exchange: ExchangeId, id: string): void {
  const waiting = broadcasts.wanted.get(id)
  waiting?.delete(exchange)
  if (waiting?.size === 0) broadcasts.wanted.delete(id)
}

function answer(state: State, out: Effects, exchange: ExchangeId, outcome: Outcome): void {
  if (outcome !== 'refused') respond(state, out, exchange, NOTHING)
  else reject(state, out, { type: 'reject', exchange, code: 'NotTaken', reason: 'the message was not taken' })
}
