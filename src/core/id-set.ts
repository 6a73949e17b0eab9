/**
 * A set of ids, in the order of insertion, for owners of which most never have any: a connection has several, and a node may
 * have a thousand connections that nothing goes over. The set behind it is made when the first id comes.
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
