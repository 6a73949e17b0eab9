/**
 * Names for the ids of broadcasts in a redacted recording. An id is usually a hash of the payload, so it would show whether a guess
 * of the payload is right. Its name is a number. Equal ids have equal names and different ids have different names, so the core
 * does the same with the names as with the ids.
 */
import { IdMap } from '../../core/id-map.js'
import { fromHex, toHex } from '../../wire/gossip/announcement.js'

/** With fewer ids than this none is forgotten. */
const FEW = 10_000
/** Hexadecimal, because the core writes the hash of a large message that way. */
const RADIX = 16

export class IdNames {
  private readonly names = new Map<string, string>()
  private next = 1
  private sweepAt = FEW

  /** As many bytes of UTF-8 as the id has, unless the number needs more. */
  nameFor(id: string): string {
    // A message without an id.
    if (id === '') return ''
    let name = this.names.get(id)
    if (name === undefined) {
      name = (this.next++).toString(RADIX).padStart(new TextEncoder().encode(id).length, '0')
      this.names.set(id, name)
    }
    return name
  }

  /** The name of a hash, as bytes of the same length. In the state it is a hexadecimal text. */
  hashFor(hash: Uint8Array): Uint8Array {
    return fromHex(this.nameFor(toHex(hash)))
  }

  /** The name of a text, if it is an id; else `undefined`. */
  readonly find = (text: string): string | undefined => this.names.get(text)

  /**
   * When there are many ids, forgets those that are no longer in the state. If such an id comes again, it may get another name,
   * because it is new to the core too.
   */
  sweep(state: object): void {
    if (this.names.size < this.sweepAt) return
    const kept = new Set<string>()
    visitTexts(state, (text) => this.names.has(text) && kept.add(text))
    for (const id of this.names.keys()) if (!kept.has(id)) this.names.delete(id)
    this.sweepAt = Math.max(FEW, 2 * this.names.size)
  }
}

/** Calls `visit` with every text in plain data, except the keys of objects. */
function visitTexts(value: unknown, visit: (text: string) => void): void {
  if (typeof value === 'string') return visit(value)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  const isList = Array.isArray(value) || value instanceof Map || value instanceof IdMap || value instanceof Set
  // The items of a map are pairs.
  for (const inner of isList ? (value as Iterable<unknown>) : Object.values(value)) visitTexts(inner, visit)
}
