/**
 * Deadlines without timers: one map for each distinct timeout. Within it insertion order is deadline order, deletion
 * is O(1), and the head is the next to expire. (A heap with lazy deletion would keep every answered request in it.)
 * Ids are unique within one `Deadlines`.
 */
import { IdMap } from './id-map.js'

/** Timeout, ms → id → when it expires. */
export type Deadlines = IdMap<IdMap<number>>

/** Empty groups for the next that is needed: with one request at a time, each of them would make one. */
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

/** When the next one expires; `Infinity` when there is none. */
export function nextDeadline(deadlines: Deadlines): number {
  let next = Infinity
  for (const group of deadlines.values()) {
    const { oldestId } = group
    if (oldestId !== undefined) next = Math.min(next, group.get(oldestId)!)
  }
  return next
}

/** Takes out and returns every id whose time has come at `now`, in the order of the deadlines within a timeout. */
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
