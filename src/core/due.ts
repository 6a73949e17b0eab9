/**
 * When something is due next, and the one wake-up for it. `state.due.next` is never later than the earliest deadline. It
 * may be earlier, which costs one look, so it is recomputed only when it has come. What is then done, expire.ts knows.
 */
import { addDeadline, type Deadlines } from './deadlines.js'
import type { Effects } from './effects.js'
import type { State } from './state.js'

/** Everything that can be due. expire.ts has a row for each. */
export type DueName =
  | 'asks'
  | 'exchanges'
  | 'idle'
  | 'ping'
  | 'probe'
  | 'memory'
  | 'observed'
  | 'twins'
  | 'validations'
  | 'leave'
  | 'slowPeers'
  | 'joined'
  | 'catchUps'
  | 'histories'
  | 'stop'

/** How long nothing expires after a time in which nothing could be heard, ms: for what lies in the sockets, and a round trip. */
const GRACE = 250

/** Something is due at this time. `_what` makes the compiler check that expire.ts has a row for it. */
export function dueAt({ due }: State, _what: DueName, time: number): void {
  if (time < due.next) due.next = Math.max(time, due.graceUntil)
}

/** Once: who is late all the time must not put everything off for ever. */
export function startGrace({ due, now }: State): void {
  if (due.graceUntil === -Infinity) due.next = due.graceUntil = now + GRACE
}

/** `id` expires `timeout` ms from now. */
export function setDeadline(state: State, what: DueName, deadlines: Deadlines, id: number, timeout: number): void {
  addDeadline(deadlines, id, state.now, timeout)
  dueAt(state, what, state.now + timeout)
}

/** Everything that was due is done, and this is the earliest time of the rest. */
export function setNext({ due }: State, time: number): void {
  due.next = time
  due.graceUntil = -Infinity
}

/** The wake-up has come. */
export function onWoken({ due }: State): void {
  due.wakeAt = Infinity
}

/** Arms the wake-up for the earliest deadline, unless an earlier one is armed, which does no harm. */
export function armWake({ due }: State, out: Effects): void {
  if (due.next >= due.wakeAt) return
  due.wakeAt = due.next
  out.push({ type: 'wakeAt', time: due.next })
}
