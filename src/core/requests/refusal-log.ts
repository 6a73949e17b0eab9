/** Requests of others that were refused, in the log: at a bounded rate, because who is refused may ask again all the time. */
import { log, type Effects } from '../effects.js'
import type { State } from '../state.js'
import { noteRefused } from './budget.js'
import { refusesNew } from './exchanges.js'
import { line } from '../terms.js'

/** Between two lines, ms. */
const APART = 5_000

/** While the node stops, refusals are what it should do, and no warning. */
export function logRefusal(state: State, out: Effects, peer: string, why: string): void {
  const { refusalLog, now } = state
  noteRefused(state, peer)
  if (now < refusalLog.nextAt) return void refusalLog.untold++
  const others = refusalLog.untold === 0 ? '' : ` (and ${refusalLog.untold} more since the last such line)`
  log(out, refusesNew(state) ? 'info' : 'warn', line`a request of ${peer} was refused: ${why}${others}`)
  refusalLog.nextAt = now + APART
  refusalLog.untold = 0
}

/** The end of a drain. */
export function logOtherRefusals({ refusalLog }: State, out: Effects): void {
  if (refusalLog.untold > 0) log(out, 'info', line`${refusalLog.untold} more requests were refused`)
}
