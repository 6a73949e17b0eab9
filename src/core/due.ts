/**
 * When something is due next. `state.nextDue` is never later than the earliest deadline; to be early costs one look, so it
 * is only found anew when it has come, and not in every step.
 */
import { addDeadline, type Deadlines } from './deadlines.js'
import type { State } from './state.js'

/** Something is due at this time. */
export function dueAt(state: State, time: number): void {
  if (time < state.nextDue) state.nextDue = time
}

/** `id` expires `timeout` ms from now. */
export function setDeadline(state: State, deadlines: Deadlines, id: number, timeout: number): void {
  addDeadline(deadlines, id, state.now, timeout)
  dueAt(state, state.now + timeout)
}
