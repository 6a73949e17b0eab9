/**
 * Deadlines, and the one wake-up for everything that is due. `state.due.next` is never later than the earliest deadline. It
 * may be earlier, which costs one look, so it is recomputed only when it has come. What is then done, expire.ts knows.
 *
 * Deadlines have no timers: there is one map per distinct timeout, in which the order of insertion is the order of deadlines.
 * The head expires next, and deletion is O(1), whereas a heap with lazy deletion would keep every answered request.
 */
import type { Effects } from './effects.js'
import { IdMap, type Deadlines } from './id-map.js'
import { PROCESS } from './parameters.js'
import type { State } from './state.js'

/** The parts of the state whose ids have deadlines. */
export type Timed = { [Part in keyof State]: State[Part] extends { deadlines: Deadlines } ? Part : never }[keyof State]

/** Everything that can be due. expire.ts has a row for each. */
export type DueName =
  | Timed
  | 'access'
  | 'admitted'
  | 'idle'
  | 'unclosed'
  | 'surplus'
  | 'ping'
  | 'probe'
  | 'round'
  | 'memory'
  | 'observed'
  | 'twins'
  | 'leave'
  | 'slowPeers'
  | 'joined'
  | 'catchUps'
  | 'histories'
  | 'fetching'
  | 'handlers'
  | 'refusals'
  | 'accounts'
  | 'stop'

/** Empty groups for reuse, because otherwise each of several requests in a row would create one. */
const spare: IdMap<number>[] = []
const MAX_SPARE = 16

/** Something is due at this time. `_what` makes the compiler check that expire.ts has a row for it. */
export function dueAt({ due }: State, _what: DueName, time: number): void {
  if (time < due.next) due.next = Math.max(time, due.graceUntil)
}

/** `id` expires `timeout` ms from now. */
export function setDeadline(state: State, what: Timed, id: number, timeout: number): void {
  const { deadlines } = state[what]
  let group = deadlines.get(timeout)
  if (group === undefined) deadlines.set(timeout, (group = spare.pop() ?? new IdMap<number>()))
  else group.delete(id)
  group.set(id, state.now + timeout)
  dueAt(state, what, state.now + timeout)
}

export function removeDeadline(state: State, what: Timed, id: number, timeout: number): void {
  const { deadlines } = state[what]
  const group = deadlines.get(timeout)
  if (group?.delete(id) === true && group.size === 0) dropGroup(deadlines, timeout, group)
}

function dropGroup(deadlines: Deadlines, timeout: number, group: IdMap<number>): void {
  deadlines.delete(timeout)
  if (spare.length < MAX_SPARE) spare.push(group)
}

/** When the next id expires; `Infinity`: there is none. */
export function nextDeadline(state: State, what: Timed): number {
  let next = Infinity
  for (const group of state[what].deadlines.values()) {
    const { oldestId } = group
    if (oldestId !== undefined) next = Math.min(next, group.get(oldestId)!)
  }
  return next
}

/** Removes and returns every id that has expired, per timeout in the order of the deadlines. */
export function takeExpired(state: State, what: Timed): number[] {
  const { deadlines } = state[what]
  const { now } = state
  const expired: number[] = []
  for (const [timeout, group] of deadlines) {
    for (let id = group.oldestId; id !== undefined && group.get(id)! <= now; id = group.oldestId) {
      group.delete(id)
      expired.push(id)
    }
    if (group.size === 0) dropGroup(deadlines, timeout, group)
  }
  return expired
}

/** Once: who is late all the time must not put everything off for ever. */
export function startGrace({ due, now }: State): void {
  if (due.graceUntil === -Infinity) due.next = due.graceUntil = now + PROCESS.grace
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
