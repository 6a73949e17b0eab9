/** Whom an event or an effect is about: it names a peer, or a connection, a stream, a question or an exchange of one. */
import type { Effect } from '../../core/effects.js'
import type { Event } from '../../core/events.js'

/** What a record may name. */
type Named = Partial<Record<'connection' | 'stream' | 'ask' | 'exchange', number>> &
  Partial<Record<'peer' | 'from' | 'via' | 'target', string>> & { type: string }

const NUMBERS = ['connection', 'stream', 'ask', 'exchange'] as const
const PEERS = ['peer', 'from', 'via', 'target'] as const

export class Abouts {
  /** `connection 3` → its peer. */
  private readonly peers = new Map<string, string>()

  /** The peers that it is about. To be called for all events and effects, in their order. */
  of(record: Event | Effect): string[] {
    const named = record as Named
    const told = new Set(PEERS.flatMap((name) => named[name] ?? []))
    for (const name of NUMBERS) {
      const known = named[name] === undefined ? undefined : this.peers.get(`${name} ${named[name]}`)
      if (known !== undefined) told.add(known)
    }
    const [first] = told
    if (first !== undefined) this.note(named, first)
    return [...told]
  }

  /** From here on these numbers are of this peer. */
  private note(named: Named, peer: string): void {
    for (const name of NUMBERS) {
      const key = `${name} ${named[name]}`
      if (named[name] !== undefined && !this.peers.has(key)) this.peers.set(key, peer)
    }
  }
}
