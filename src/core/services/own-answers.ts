/**
 * What concerns the node's own requests, in both directions, taken out of a step's effects: the answers to what it has asked,
 * and what becomes of the answers that it gives. So the request path need not know who asks.
 */
import { onHistoryOver } from '../broadcasts/catch-up.js'
import { onPiece, onPiecesOver } from '../broadcasts/large-fetching.js'
import { onReceipt, onReceiptOver } from '../broadcasts/receipts.js'
import type { Purpose } from '../broadcasts/state.js'
import type { Effect, Effects } from '../effects.js'
import type { State } from '../state.js'
import { forgetOwn } from './own-requests.js'
import { onServingAllowed, onServingCut, serveArrived } from './serving.js'

/** What one peer may make us hold for somebody who catches up. */
const MAX_HISTORY_BYTES = 4_194_304

/** True: something was found and handled, which may have led to more. */
export function handleOwn(state: State, out: Effects): boolean {
  const { arrived, own, serving } = state.broadcasts
  if (arrived.length === 0 && own.size === 0 && serving.size === 0) return false
  const mine = out.filter((effect) => isOwn(state, effect))
  if (mine.length > 0) {
    const rest = out.filter((effect) => !isOwn(state, effect))
    out.length = 0
    for (const effect of rest) out.push(effect)
  }
  for (const effect of mine) handle(state, out, effect)
  serveArrived(state, out)
  return mine.length + arrived.length > 0
}

function isOwn({ broadcasts }: State, effect: Effect): boolean {
  switch (effect.type) {
    case 'settle':
    case 'value':
    case 'valuesEnded':
    case 'fail':
      return effect.ask < 0
    case 'produce':
    case 'cancelHandler':
      return (
        broadcasts.serving.has(effect.exchange) ||
        broadcasts.arrived.some(({ exchange }) => exchange === effect.exchange)
      )
    default:
      return false
  }
}

function handle(state: State, out: Effects, effect: Effect): void {
  switch (effect.type) {
    case 'settle':
      // The last of several values.
      onValue(state, out, effect.ask, effect.value as Uint8Array)
      return onOver(state, out, effect.ask)
    case 'value':
      return onValue(state, out, effect.ask, effect.value)
    case 'valuesEnded':
    case 'fail':
      return onOver(state, out, effect.ask)
    case 'produce':
      return onServingAllowed(state, out, effect.exchange, effect.allowance)
    case 'cancelHandler':
      return onServingCut(state, effect.exchange)
    default:
      return
  }
}

function onValue(state: State, out: Effects, id: number, value: Uint8Array): void {
  const purpose = state.broadcasts.own.get(id)
  switch (purpose?.kind) {
    case 'receipt':
      // One is enough, whatever else it has to say.
      forgetOwn(state, out, id)
      onReceipt(state, out, purpose.ask, purpose.peer)
      return onReceiptOver(state, out, purpose.ask, id)
    case 'history':
      return onRemembered(state, out, id, purpose, value)
    case 'fetch':
      return onPiece(state, out, id, purpose, value)
    case 'verify':
    case 'idle':
    case undefined:
      return
  }
}

/** Who sends more than was asked for is not listened to any longer. */
function onRemembered(
  state: State,
  out: Effects,
  id: number,
  purpose: Extract<Purpose, { kind: 'history' }>,
  value: Uint8Array,
): void {
  purpose.values.push(value)
  purpose.bytes += value.length
  const { count = 0 } = state.broadcasts.catchUps.get(purpose.subscription) ?? {}
  if (purpose.values.length < count && purpose.bytes < MAX_HISTORY_BYTES) return
  forgetOwn(state, out, id)
  onHistoryOver(state, out, purpose)
}

function onOver(state: State, out: Effects, id: number): void {
  const purpose = state.broadcasts.own.get(id)
  if (purpose === undefined || purpose.kind === 'verify' || purpose.kind === 'idle') return
  state.broadcasts.own.delete(id)
  if (purpose.kind === 'receipt') onReceiptOver(state, out, purpose.ask, id)
  else if (purpose.kind === 'history') onHistoryOver(state, out, purpose)
  else onPiecesOver(state, out, purpose)
}
