/** One lookup: asks ever closer peers for those closest to a place, until no closer peer is left to ask. */
import { TABLE } from '../../../core/parameters.js'

export interface Contact {
  peer: string
  key: number
  addresses: string[]
}

/** An answer: contacts, closest first. */
export type Found = readonly Contact[]

/** A peer that may be asked. */
export interface Candidate {
  peer: string
  addresses: string[]
  distance: number
  asked: boolean
}

/** What a lookup needs of the table. */
export interface LookupTable {
  /** Members closest to a place, closest first. */
  closest(target: number): Found
  /** Asks one peer for those that it knows close to `target`; `undefined`: there is no answer. */
  ask(candidate: Candidate, target: number, done: (found: Found | undefined) => void): void
  /** A peer that was named to us. Returns its addresses; `undefined`: none that we could use. */
  hear(contact: Contact): string[] | undefined
}

const { bucketSize, parallel } = TABLE

export class Lookup {
  /** Closest first. */
  private readonly candidates: Candidate[] = []
  private readonly met: Set<string>
  private underWay = 0
  private over = false
  /** Addresses of the wanted peer. */
  private found: string[] | undefined

  constructor(
    private readonly table: LookupTable,
    self: string,
    private readonly target: number,
    /** Ends the lookup once it is named. */
    private readonly wanted: string | undefined,
    /** Peers that are asked first, wherever they are. */
    private readonly strangers: Contact[],
    private readonly done: (found: string[] | undefined) => void,
  ) {
    this.met = new Set([self])
    for (const contact of table.closest(target)) {
      this.met.add(contact.peer)
      this.offer(contact, contact.addresses)
    }
  }

  /** Asks until no closer peer is left; `done` may be called before this returns. */
  start(): void {
    this.proceed()
  }

  private offer({ peer, key }: Contact, addresses: string[]): void {
    const { candidates } = this
    const candidate = { peer, addresses, distance: distance(key, this.target), asked: false }
    let at = candidates.length
    candidates.push(candidate)
    for (; at > 0 && candidates[at - 1]!.distance > candidate.distance; at--) candidates[at] = candidates[at - 1]!
    candidates[at] = candidate
  }

  private next(): Candidate | undefined {
    if (this.found !== undefined || this.underWay >= parallel) return undefined
    const stranger = this.strangers.pop()
    if (stranger !== undefined) return { ...stranger, distance: 0, asked: false }
    const { candidates } = this
    for (let i = 0; i < candidates.length && i < bucketSize; i++) if (!candidates[i]!.asked) return candidates[i]
    return undefined
  }

  private proceed(): void {
    for (let candidate = this.next(); candidate !== undefined && !this.over; candidate = this.next()) {
      this.question(candidate)
    }
    if (this.underWay === 0) this.end()
  }

  /** What is found by now is the answer. */
  end(): void {
    if (this.over) return
    this.over = true
    this.done(this.found)
  }

  private question(candidate: Candidate): void {
    candidate.asked = true
    this.underWay++
    this.table.ask(candidate, this.target, (answer) => {
      if (this.over) return
      this.underWay--
      // The next candidate counts in the place of one that gives no answer.
      const at = answer === undefined ? this.candidates.indexOf(candidate) : -1
      if (at >= 0) this.candidates.splice(at, 1)
      for (const contact of answer ?? []) this.meet(contact)
      this.proceed()
    })
  }

  private meet(contact: Contact): void {
    if (this.met.has(contact.peer)) return
    this.met.add(contact.peer)
    const addresses = this.table.hear(contact)
    if (addresses === undefined) return
    if (contact.peer === this.wanted) this.found = addresses
    this.offer(contact, addresses)
  }
}

export function distance(a: number, b: number): number {
  return (a ^ b) >>> 0
}
