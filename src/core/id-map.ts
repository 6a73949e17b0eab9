/**
 * A map from ids (whole numbers) to values, in the order of insertion, for what comes and goes with every request.
 *
 * `Map` would do, but for V8: a `Map` that entries come to and leave all the time moves to a new table again and again, and
 * each old table points to the next. Once one of them is old, the garbage collector of the young keeps all that follow, with
 * every request that they held: a third of the time went there. This one keeps its table, and what has left is gone. One
 * that never held anything takes no room: each session has several of them.
 */
export class IdMap<Value> {
  /** Slot of the newest entry of each bucket; -1: none. */
  private buckets: number[] = UNUSED
  /** Four numbers a slot, see below. A slot is known by where its first one is. */
  private slots: number[] = UNUSED
  /** A quarter of its place is a slot's place here. */
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

  /** An id that is there keeps its place in the order. */
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
    // After a rush the memory goes back.
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

  /** The id that has been here longest. */
  get oldestId(): number | undefined {
    return this.oldest < 0 ? undefined : this.slots[this.oldest]
  }

  /** The id that came next after this one, of those that are still here. */
  newerThan(id: number): number | undefined {
    const slot = this.slotOf(id)
    const newer = slot < 0 ? -1 : this.slots[slot + NEWER]!
    return newer < 0 ? undefined : this.slots[newer]
  }

  /** The ids at this moment; who leaves or comes meanwhile does not disturb. */
  keys(): number[] {
    const ids: number[] = []
    for (let slot = this.oldest; slot >= 0; slot = this.slots[slot + NEWER]!) ids.push(this.slots[slot]!)
    return ids
  }

  /** The values at this moment. */
  values(): Value[] {
    const values: Value[] = []
    for (let slot = this.oldest; slot >= 0; slot = this.slots[slot + NEWER]!) values.push(this.stored[slot >> 2]!)
    return values
  }

  /** The entries at this moment. */
  [Symbol.iterator](): IterableIterator<[number, Value]> {
    return this.keys()
      .map((id): [number, Value] => [id, this.get(id) as Value])
      .values()
  }
}

// The numbers of a slot: its id; the next slot of the same bucket, or of the free ones; those before and behind it in order.
const STRIDE = 4
const NEXT = 1
const OLDER = 2
const NEWER = 3

/** Stands for every array of a map that nothing was put into yet. Nobody writes into it. */
const UNUSED: number[] = [-1]

function filled(length: number): number[] {
  return new Array<number>(length).fill(-1)
}
