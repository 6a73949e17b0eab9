/**
 * Deadlines without timers: one map per distinct timeout, in which the order of insertion is the order of deadlines. The
 * head expires next, and deletion is O(1), whereas a heap with lazy deletion would keep every answered request. Ids are
 * unique within one `Deadlines`. What an id stands for, this file does not know.
 */
import { IdMap } from './id-map.js'

/** Timeout, ms → id → when it expires. */
export type Deadlines = IdMap<IdMap<number>>

/** Empty groups for reuse, because otherwise each of several requests in a row would create one. */
const spare: IdMap<number>[] = []
const MAX_SPARE = 16

/** `id` expires `timeout` ms after `now`. Times must not go backwards from one call to the next. */
export function addDeadline(deadlines: Deadlines, id: number, now: number, timeout: number): void {
  let group = deadlines.get(timeout)
  if (group === undefined) deadlines.set(timeout, (group = spare.pop() ?? new IdMap<number>()))
  else group.delete(id)
  group.set(id, now + timeout)
}

export function removeDeadline(deadlines: Deadlines, id: number, timeout: number): void {
  const group = deadlines.get(timeout)
  if (group?.delete(id) === true && group.size === 0) dropGroup(deadlines, timeout, group)
}

function dropGroup(deadlines: Deadlines, timeout: number, group: IdMap<number>): void {
  deadlines.delete(timeout)
  if (spare.length < MAX_SPARE) spare.push(group)
}

/** When the next id expires; `Infinity`: there is none. */
export function nextDeadline(deadlines: Deadlines): number {
  let next = Infinity
  for (const group of deadlines.values()) {
    const { oldestId } = group
    if (oldestId !== undefined) next = Math.min(next, group.get(oldestId)!)
  }
  return next
}

/** Removes and returns every id that has expired at `now`, per timeout in the order of the deadlines. */
export function takeExpired(deadlines: Deadlines, now: number): number[] {
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
