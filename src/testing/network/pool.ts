/** A set from which members can be drawn at random without a walk through all of it. */
import type { Random } from './random.js'

export class Pool<T> {
  private readonly items: T[] = []
  private readonly places = new Map<T, number>()

  has(item: T): boolean {
    return this.places.has(item)
  }

  /** False: it was there already. */
  add(item: T): boolean {
    if (this.places.has(item)) return false
    this.places.set(item, this.items.push(item) - 1)
    return true
  }

  /** False: it was not there. */
  delete(item: T): boolean {
    const place = this.places.get(item)
    if (place === undefined) return false
    this.places.delete(item)
    const last = this.items.pop()!
    if (place < this.items.length) {
      this.items[place] = last
      this.places.set(last, place)
    }
    return true
  }

  /** In no order. */
  get all(): readonly T[] {
    return this.items
  }

  /** Up to `amount` members that fit: the first ones from a random place on. */
  draw(random: Random, amount: number, fits: (item: T) => boolean): T[] {
    const { items } = this
    const drawn: T[] = []
    let place = random.below(items.length)
    for (let seen = 0; seen < items.length && drawn.length < amount; seen++) {
      const item = items[place]!
      if (fits(item)) drawn.push(item)
      place = place + 1 === items.length ? 0 : place + 1
    }
    return drawn
  }
}
