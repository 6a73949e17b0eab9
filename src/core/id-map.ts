/**
 * A map from ids (whole numbers) to values, in the order of insertion, for entries that come and go with every request.
 * It knows nothing of its values.
 *
 * It replaces `Map` because of V8. A `Map` with frequent insertions and deletions moves to a new table again and again,
 * and each old table points to the next. Once one of them is in the old generation, the young collector keeps all that
 * follow, with every request in them; this took a third of the time. An `IdMap` keeps its table and clears deleted slots.
 * An `IdMap` that was never used takes no room, because each session has several.
 */
export class IdMap<Value> {
  /** Slot of the newest entry of each bucket; -1: none. */
  private buckets: number[] = UNUSED
  /** Four numbers per slot (`STRIDE`). The index of the first one names the slot. */
  private slots: number[] = UNUSED
  /** The value of each slot, at a quarter of the slot's index. */
  private stored: (Value | undefined)[] = UNUSED as never[]
  private oldest = -1
  private newest = -1
  private free = -1
  private count = 0

  get size(): number {
    return this.count
  }

  private slotOf(id: number): number {
    const { buckets, slots } = this
    let slot = buckets[id & (buckets.length - 1)]!
    while (slot >= 0 && slots[slot] !== id) slot = slots[slot + NEXT]!
    return slot
  }

  get(id: number): Value | undefined {
    const slot = this.slotOf(id)
    return slot < 0 ? undefined : this.stored[slot >> 2]
  }

  has(id: number): boolean {
    return this.slotOf(id) >= 0
  }

  /** An id that is present keeps its place in the order. */
  set(id: number, value: Value): this {
    const known = this.slotOf(id)
    if (known >= 0) {
      this.stored[known >> 2] = value
      return this
    }
    if (this.buckets === UNUSED) this.begin()
    else if (this.count >= this.buckets.length) this.grow()
    const { buckets, slots, stored, newest } = this
    const bucket = id & (buckets.length - 1)
    const next = buckets[bucket]!
    let slot = this.free
    if (slot < 0) {
      slot = slots.push(id, next, newest, -1) - STRIDE
      stored.push(value)
    } else {
      this.free = slots[slot + NEXT]!
      slots[slot] = id
      slots[slot + NEXT] = next
      slots[slot + OLDER] = newest
      slots[slot + NEWER] = -1
      stored[slot >> 2] = value
    }
    buckets[bucket] = slot
    if (newest >= 0) slots[newest + NEWER] = slot
    else this.oldest = slot
    this.newest = slot
    this.count++
    return this
  }

  delete(id: number): boolean {
    const { buckets, slots } = this
    const bucket = id & (buckets.length - 1)
    let before = -1
    let slot = buckets[bucket]!
    while (slot >= 0 && slots[slot] !== id) {
      before = slot
      slot = slots[slot + NEXT]!
    }
    if (slot < 0) return false
    if (before < 0) buckets[bucket] = slots[slot + NEXT]!
    else slots[before + NEXT] = slots[slot + NEXT]!
    const older = slots[slot + OLDER]!
    const newer = slots[slot + NEWER]!
    if (older < 0) this.oldest = newer
    else slots[older + NEWER] = newer
    if (newer < 0) this.newest = older
    else slots[newer + OLDER] = older
    this.stored[slot >> 2] = undefined
    slots[slot + NEXT] = this.free
    this.free = slot
    this.count--
    // After a peak the memory is released.
    if (this.count === 0 && this.stored.length > 4_096) this.clear()
    return true
  }

  clear(): void {
    this.buckets = this.slots = UNUSED
    this.stored = UNUSED as never[]
    this.oldest = this.newest = this.free = -1
    this.count = 0
  }

  private begin(): void {
    this.buckets = filled(4)
    this.slots = []
    this.stored = []
  }

  private grow(): void {
    const { slots } = this
    const buckets = filled(this.buckets.length * 2)
    for (let slot = this.oldest; slot >= 0; slot = slots[slot + NEWER]!) {
      const bucket = slots[slot]! & (buckets.length - 1)
      slots[slot + NEXT] = buckets[bucket]!
      buckets[bucket] = slot
    }
    this.buckets = buckets
  }

  /** The oldest id. */
  get oldestId(): number | undefined {
    return this.oldest < 0 ? undefined : this.slots[this.oldest]
  }

  /** The oldest of the ids that were inserted after this one. */
  newerThan(id: number): number | undefined {
    const slot = this.slotOf(id)
    const newer = slot < 0 ? -1 : this.slots[slot + NEWER]!
    return newer < 0 ? undefined : this.slots[newer]
  }

  /** A copy of the ids, so the map may change during a loop over them. */
  keys(): number[] {
    const ids: number[] = []
    for (let slot = this.oldest; slot >= 0; slot = this.slots[slot + NEWER]!) ids.push(this.slots[slot]!)
    return ids
  }

  /** A copy of the values. */
  values(): Value[] {
    const values: Value[] = []
    for (let slot = this.oldest; slot >= 0; slot = this.slots[slot + NEWER]!) values.push(this.stored[slot >> 2]!)
    return values
  }

  /** The entries, of a copy of the ids. */
  [Symbol.iterator](): IterableIterator<[number, Value]> {
    return this.keys()
      .map((id): [number, Value] => [id, this.get(id) as Value])
      .values()
  }
}

/** Timeout, ms → id → when it expires. due.ts sets and removes them; ids are unique within one `Deadlines`. */
export type Deadlines = IdMap<IdMap<number>>

// The numbers of a slot: its id; the next slot of the same bucket or of the free list; the next older and the next newer slot.
const STRIDE = 4
const NEXT = 1
const OLDER = 2
const NEWER = 3

/** Stands for every array of a map that was never used. It is never written to. */
const UNUSED: number[] = [-1]

function filled(length: number): number[] {
  return new Array<number>(length).fill(-1)
}
