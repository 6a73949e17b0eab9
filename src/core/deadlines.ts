/**
 * Deadlines without timers: one `Map` for each distinct timeout. Within it insertion order is deadline order, deletion
 * is O(1), and the head is the next to expire. (A heap with lazy deletion would keep every answered request in it.)
 * Ids are unique within one `Deadlines`.
 */
export type Deadlines<Id> = Map<number, Map<Id, number>>

/** Empty groups for the next that is needed: with one request at a time, each of them would make one. */
const spare: Map<unknown, number>[] = []
const MAX_SPARE = 16

/** `id` expires `timeout` ms after `now`. Times must not go backwards from one call to the next. */
export function addDeadline<Id>(deadlines: Deadlines<Id>, id: Id, now: number, timeout: number): void {
  let group = deadlines.get(timeout)
  if (group === undefined) {
    group = (spare.pop() as Map<Id, number> | undefined) ?? new Map<Id, number>()
    deadlines.set(timeout, group)
  } else {
    group.delete(id)
  }
  group.set(id, now + timeout)
}

export function removeDeadline<Id>(deadlines: Deadlines<Id>, id: Id, timeout: number): void {
  const group = deadlines.get(timeout)
  if (group?.delete(id) !== true || group.size > 0) return
  deadlines.delete(timeout)
  if (spare.length < MAX_SPARE) spare.push(group)
}

/** When the next one expires; `Infinity` when there is none. */
export function nextDeadline<Id>(deadlines: Deadlines<Id>): number {
  let next = Infinity
  for (const group of deadlines.values()) {
    for (const at of group.values()) {
      if (at < next) next = at
      break
    }
  }
  return next
}

/** Takes out and returns every id whose time has come at `now`, in the order of the deadlines within a timeout. */
export function takeExpired<Id>(deadlines: Deadlines<Id>, now: number): Id[] {
  const expired: Id[] = []
  for (const [timeout, group] of deadlines) {
    for (const [id, at] of group) {
      if (at > now) break
      group.delete(id)
      expired.push(id)
    }
    if (group.size === 0) deadlines.delete(timeout)
  }
  return expired
}
