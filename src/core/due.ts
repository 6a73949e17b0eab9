/**
 * When something is due next. `state.due.next` is never later than the earliest deadline. To be early costs one look, so it is
 * only found anew when it has come, and not in every step.
 */
import { addDeadline, type Deadlines } from './deadlines.js'
import type { Effects } from './effects.js'
import type { State } from './state.js'

/** Everything that can be due. expire.ts has a row for each: when it is due next, and what is done then. */
export type DueName =
  | 'asks'
  | 'exchanges'
  | 'idle'
  | 'ping'
  | 'probe'
  | 'memory'
  | 'validations'
  | 'leave'
  | 'slowPeers'
  | 'joined'
  | 'catchUps'
  | 'histories'
  | 'stop'

/** This is due at this time. */
export function dueAt({ due }: State, _what: DueName, time: number): void {
  if (time < due.next) due.next = time
}

/** `id` expires `timeout` ms from now. */
export function setDeadline(state: State, what: DueName, deadlines: Deadlines, id: number, timeout: number): void {
  addDeadline(deadlines, id, state.now, timeout)
  dueAt(state, what, state.now + timeout)
}

/** All that was due is done, and this is the earliest of what is left. */
export function foundNext({ due }: State, time: number): void {
  due.next = time
}

/** The wake-up that was asked for has come. */
export function onWoken({ due }: State): void {
  due.wakeAt = Infinity
}

/** One wake-up is armed, for the earliest of all deadlines. One that is too early does no harm. */
export function armWake({ due }: State, out: Effects): void {
  if (due.next >= due.wakeAt) return
  due.wakeAt = due.next
  out.push({ type: 'wakeAt', time: due.next })
}
