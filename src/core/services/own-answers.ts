/** Dispatches the news of services at the end of a step: answers to questions of this node, and events of its own answers. */
import { onHistoryOver } from '../broadcasts/catch-up.js'
import { onPiece, onPiecesOver } from '../broadcasts/fetching.js'
import { onReceipt, onReceiptOver } from '../broadcasts/receipts.js'
import type { Effects } from '../effects.js'
import { takeNews } from '../news.js'
import type { ServiceNews, State } from '../state.js'
import { unhandled, type AskId } from '../terms.js'
import { closeOwnAsk } from './book.js'
import { cancelOwnAsk } from './own-requests.js'
import { onServingAllowed, onServingCut, serve } from './serving.js'
import type { Purpose, PurposeOf } from './state.js'

/** Bytes of history that are accepted from one peer. */
const MAX_HISTORY_BYTES = 4_194_304

/** What is done with the answer to a question. Those to the network (`verify`, `idle`, `drain`) are answered by events instead. */
interface Asker<Kind extends Purpose['kind']> {
  onValue(state: State, out: Effects, id: AskId, purpose: PurposeOf<Kind>, value: Uint8Array): void
  onOver(state: State, out: Effects, id: AskId, purpose: PurposeOf<Kind>): void
}

const ASKERS: { [Kind in Purpose['kind']]: Asker<Kind> | undefined } = {
  receipt: {
    onValue(state, out, id, { ask, peer }) {
      // One value is enough.
      cancelOwnAsk(state, out, id)
      onReceipt(state, out, ask, peer)
      onReceiptOver(state, out, ask, id)
    },
    onOver(state, out, id, { ask }) {
      onReceiptOver(state, out, ask, id)
    },
  },
  history: {
    onValue: onRemembered,
    onOver(state, out, _id, purpose) {
      onHistoryOver(state, out, purpose)
    },
  },
  fetch: {
    onValue: onPiece,
    onOver(state, out, _id, purpose) {
      onPiecesOver(state, out, purpose)
    },
  },
  // Whether it has heard it or not: there is nothing more to do. (It has no value to say.)
  twin: { onValue: cancelOwnAsk, onOver: () => undefined },
  verify: undefined,
  idle: undefined,
  drain: undefined,
}

/** The news so far, which may lead to more. */
export function handleNews(state: State, out: Effects): void {
  for (const news of takeNews(state)) handle(state, out, news)
}

function handle(state: State, out: Effects, news: ServiceNews): void {
  switch (news.kind) {
    case 'value': {
      const purpose = state.services.purposes.get(news.ask)
      if (purpose !== undefined) askerOf(purpose)?.onValue(state, out, news.ask, purpose, news.value)
      return
    }
    case 'over': {
      const purpose = state.services.purposes.get(news.ask)
      const asker = purpose && askerOf(purpose)
      if (purpose === undefined || asker === undefined) return
      closeOwnAsk(state, news.ask)
      return asker.onOver(state, out, news.ask, purpose)
    }
    case 'arrived':
      // The asker may have cancelled in the same step.
      if (state.exchanges.open.has(news.exchange)) serve(state, out, news.exchange, news.data)
      return
    case 'allowed':
      return onServingAllowed(state, out, news.exchange, news.allowance)
    case 'cut':
      return onServingCut(state, news.exchange)
    default:
      return unhandled(news)
  }
}

function askerOf({ kind }: Purpose): Asker<Purpose['kind']> | undefined {
  return ASKERS[kind] as Asker<Purpose['kind']> | undefined
}

/** A value of history. When there are enough of them, the request is cancelled. */
function onRemembered(state: State, out: Effects, id: AskId, purpose: PurposeOf<'history'>, value: Uint8Array): void {
  purpose.values.push(value)
  purpose.bytes += value.length
  const { count = 0 } = state.catchUps.get(purpose.subscription) ?? {}
  if (purpose.values.length < count && purpose.bytes < MAX_HISTORY_BYTES) return
  cancelOwnAsk(state, out, id)
  onHistoryOver(state, out, purpose)
}
