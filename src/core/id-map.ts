/**
 * A map from ids (whole numbers) to values, in the order of insertion, for what comes and goes with every request.
 *
 * `Map` would do, but for V8: a `Map` that entries come to and leave all the time moves to a new table again and again, and
 * each old table points to the next. Once one of them is old, the garbage collector of the young keeps all that follow, with
 * every request that they held: a third of the time went there. This one keeps its table, and what has left is gone.
 */
export class IdMap<Value> {
  /** Slot of the newest entry of each bucket; -1: none. */
  private buckets: number[] = filled(16)
  private keyOf: number[] = []
  private held: (Value | undefined)[] = []
  /** The next slot of the same bucket, or of the free ones. */
  private nextOf: number[] = []
  /** The slots before and behind, in the order of insertion. */
  private olderOf: number[] = []
  private newerOf: number[] = []
  private oldest = -1
  private newest = -1
  private free = -1
  private count = 0

  get size(): number {
    return this.count
  }

  private slotOf(id: number): number {
    let slot = this.buckets[id & (this.buckets.length - 1)]!
    while (slot >= 0 && this.keyOf[slot] !== id) slot = this.nextOf[slot]!
    return slot
  }

  get(id: number): Value | undefined {
    const slot = this.slotOf(id)
    return slot < 0 ? undefined : this.held[slot]
  }

  has(id: number): boolean {
    return this.slotOf(id) >= 0
  }

  /** An id that is there keeps its place in the order. */
  set(id: number, value: Value): this {
    const known = this.slotOf(id)
    if (known >= 0) {
      this.held[known] = value
      return this
    }
    if (this.count >= this.buckets.length) this.grow()
    const slot = this.takeSlot()
    const bucket = id & (this.buckets.length - 1)
    this.keyOf[slot] = id
    this.held[slot] = value
    this.nextOf[slot] = this.buckets[bucket]!
    this.buckets[bucket] = slot
    this.olderOf[slot] = this.newest
    this.newerOf[slot] = -1
    if (this.newest >= 0) this.newerOf[this.newest] = slot
    else this.oldest = slot
    this.newest = slot
    this.count++
    return this
  }

  private takeSlot(): number {
    const slot = this.free
    if (slot < 0) return this.keyOf.length
    this.free = this.nextOf[slot]!
    return slot
  }

  delete(id: number): boolean {
    const bucket = id & (this.buckets.length - 1)
    let before = -1
    let slot = this.buckets[bucket]!
    while (slot >= 0 && this.keyOf[slot] !== id) {
      before = slot
      slot = this.nextOf[slot]!
    }
    if (slot < 0) return false
    if (before < 0) this.buckets[bucket] = this.nextOf[slot]!
    else this.nextOf[before] = this.nextOf[slot]!
    const older = this.olderOf[slot]!
    const newer = this.newerOf[slot]!
    if (older < 0) this.oldest = newer
    else this.newerOf[older] = newer
    if (newer < 0) this.newest = older
    else this.olderOf[newer] = older
    this.held[slot] = undefined
    this.nextOf[slot] = this.free
    this.free = slot
    this.count--
    // After a rush the memory goes back.
    if (this.count === 0 && this.keyOf.length > 4_096) this.clear()
    return true
  }

  clear(): void {
    if (this.keyOf.length === 0) return
    this.buckets = filled(16)
    this.keyOf = []
    this.held = []
    this.nextOf = []
    this.olderOf = []
    this.newerOf = []
    this.oldest = this.newest = this.free = -1
    this.count = 0
  }

  private grow(): void {
    const buckets = filled(this.buckets.length * 2)
    for (let slot = this.oldest; slot >= 0; slot = this.newerOf[slot]!) {
      const bucket = this.keyOf[slot]! & (buckets.length - 1)
      this.nextOf[slot] = buckets[bucket]!
      buckets[bucket] = slot
    }
    this.buckets = buckets
  }

  /** The id that has been here longest. */
  get oldestId(): number | undefined {
    return this.oldest < 0 ? undefined : this.keyOf[this.oldest]
  }

  /** The ids at this moment; who leaves or comes meanwhile does not disturb. */
  keys(): number[] {
    const ids: number[] = []
    for (let slot = this.oldest; slot >= 0; slot = this.newerOf[slot]!) ids.push(this.keyOf[slot]!)
    return ids
  }

  /** The values at this moment. */
  values(): Value[] {
    return [...this].map(([, value]) => value)
  }

  /** The entries at this moment. */
  [Symbol.iterator](): IterableIterator<[number, Value]> {
    return this.keys()
      .map((id): [number, Value] => [id, this.get(id) as Value])
      .values()
  }
}

function filled(length: number): number[] {
  return Array.from({ length }, () => -1)
}
