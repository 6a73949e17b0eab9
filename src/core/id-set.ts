/**
 * A set of ids, in the order of insertion, which is usually empty: a connection has several such sets, and a node may have a
 * thousand idle connections. The set behind it is created with the first id.
 */
export class IdSet {
  private ids: Set<number> | undefined = undefined

  get size(): number {
    return this.ids === undefined ? 0 : this.ids.size
  }

  has(id: number): boolean {
    return this.ids?.has(id) === true
  }

  add(id: number): this {
    if (this.ids === undefined) this.ids = new Set([id])
    else this.ids.add(id)
    return this
  }

  delete(id: number): boolean {
    return this.ids?.delete(id) === true
  }

  [Symbol.iterator](): IterableIterator<number> {
    return (this.ids ?? NONE).values()
  }
}

const NONE: ReadonlySet<number> = new Set()
