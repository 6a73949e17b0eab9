/**
 * Names for the ids of broadcasts in a redacted recording. An id is mostly a hash of the payload, so it would
 * show whether a guess of the payload is right. Its name is a number: equal ids have equal names, and different ones different names,
 * so the core does the same with the names as it did with the ids.
 */
import { IdMap } from '../../core/id-map.js'
import { fromHex, toHex } from '../../wire/gossip/announcement.js'

/** Below so many ids nothing is forgotten. */
const FEW = 10_000
/** Hexadecimal, as the hash of a large message is where the core names it by a text. */
const RADIX = 16

export class IdNames {
  private readonly names = new Map<string, string>()
  private next = 1
  private sweepAt = FEW

  /** As many bytes of UTF-8 as the id has, unless the number needs more. */
  nameFor(id: string): string {
    // What has no id: nothing is known by it.
    if (id === '') return ''
    let name = this.names.get(id)
    if (name === undefined) {
      name = (this.next++).toString(RADIX).padStart(new TextEncoder().encode(id).length, '0')
      this.names.set(id, name)
    }
    return name
  }

  /** A hash under another name, which is one too. Its text names it in the state. */
  hashFor(hash: Uint8Array): Uint8Array {
    return fromHex(this.nameFor(toHex(hash)))
  }

  /** The name of a text that may be no id. */
  readonly find = (text: string): string | undefined => this.names.get(text)

  /**
   * Forgets ids, once they are many, that are not in the state any more: to the core such a one would be new, and it may have
   * another name when it comes again.
   */
  sweep(state: object): void {
    if (this.names.size < this.sweepAt) return
    const kept = new Set<string>()
    visitTexts(state, (text) => this.names.has(text) && kept.add(text))
    for (const id of this.names.keys()) if (!kept.has(id)) this.names.delete(id)
    this.sweepAt = Math.max(FEW, 2 * this.names.size)
  }
}

/** Every text in plain data, but for the keys of objects. */
function visitTexts(value: unknown, visit: (text: string) => void): void {
  if (typeof value === 'string') return visit(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  const isList = Array.isArray(value) || value instanceof Map || value instanceof IdMap || value instanceof Set
  // The items of a map are pairs.
  for (const inner of isList ? (value as Iterable<unknown>) : Object.values(value)) visitTexts(inner, visit)
}
