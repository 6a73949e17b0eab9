/** Requests of others that were refused, in the log and in `peers$`: at a bounded rate, because who is refused may ask again all the time. */
import { peersChanged } from '../changes.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { State } from '../state.js'
import { noteRefused, showRefused } from './accounts.js'
import { refusesNew } from './exchanges.js'
import { line } from '../terms.js'

/** Between two lines, ms. */
const APART = 5_000

/** `peers$` shows them so long after the first of them, ms. */
const SHOWN_AFTER = 1_000

/** While the node stops, refusals are what it should do, and no warning. */
export function logRefusal(state: State, out: Effects, peer: string, why: string): void {
  const { refusalLog, now } = state
  count(state, peer)
  if (now < refusalLog.nextAt) return void refusalLog.untold++
  const others = refusalLog.untold === 0 ? '' : ` (and ${refusalLog.untold} more since the last such line)`
  log(out, refusesNew(state) ? 'info' : 'warn', line`a request of ${peer} was refused: ${why}${others}`)
  refusalLog.nextAt = now + APART
  refusalLog.untold = 0
}

function count(state: State, peer: string): void {
  if (!state.connections.byPeer.has(peer)) return
  noteRefused(state, peer)
  const { refusalLog, now } = state
  if (refusalLog.showAt < Infinity) return
  refusalLog.showAt = now + SHOWN_AFTER
  dueAt(state, 'refusals', refusalLog.showAt)
}

/** `peers$` shows what was refused by now. */
export function showRefusals(state: State): void {
  const { refusalLog, now } = state
  if (now < refusalLog.showAt) return
  refusalLog.showAt = Infinity
  showRefused(state)
  peersChanged(state)
}

/** The end of a drain. */
export function logOtherRefusals({ refusalLog }: State, out: Effects): void {
  if (refusalLog.untold > 0) log(out, 'info', line`${refusalLog.untold} more requests were refused`)
}
