/**
 * What peers say of other peers: where they are. It is used when nothing better is known, and ends soon. Each address is held
 * against who told it (its teller) until the peer was reached without it or it has ended, so nobody makes a node dial more than a little of
 * what is not there: a node is no port scanner. Knows no clock and no network; the real one and the model of it use it.
 */
import { HEARSAY } from '../parameters.js'
import { createShares, giveBack, hold, mayHold } from '../limits/shares.js'
import { mayName, type Scope } from './scopes.js'

/** Who says something. */
export interface Teller {
  peer: string
  /** What it shares with all who are where it is: identities cost nothing. */
  range: string
  /** How it is connected to us. */
  via: Scope
}

/** An address of a peer, and who said it first. */
interface Word {
  teller: Teller
  peer: string
  address: string
  /** When it ends. */
  until: number
  /** How often the peer was not there, and when it was tried last. */
  failures: number
  failedAt: number
  /** It counts for nothing any more. */
  isOver: boolean
}

interface Credit {
  right: number
  wrong: number
}

const { lifetime, tries, pause, perPeer, inAll, inAllOfStrangers, little, ofTeller, ofStranger, credits } = HEARSAY

/** A host that is busy may be there next time. */
function isWorthIt(word: Word | undefined, now: number): boolean {
  return word !== undefined && word.failures < tries && now >= word.failedAt + pause
}

export class Hearsay {
  /** Peer → address → what is said of it. */
  private readonly entries = new Map<string, Map<string, Word>>()
  /** In the order of their ends, from `head` on. */
  private words: Word[] = []
  private head = 0
  private readonly byRange = createShares()
  private readonly byTeller = createShares()
  /** Teller → what became of the peers that it named. */
  private readonly credit = new Map<string, Credit>()

  /** Addresses that are held against somebody. */
  get held(): number {
    return this.byRange.used
  }

  /** Takes what a teller says of a peer. @returns its addresses that are taken; none: they are not, or nobody was there. */
  hear(teller: Teller, peer: string, addresses: string[], now: number): string[] {
    this.end(now)
    const named = this.acceptable(teller, addresses)
    const known = this.entries.get(peer)
    const fresh = named.filter((address) => known?.has(address) !== true)
    if (fresh.length > 0 && this.mayTell(teller, fresh.length)) this.keep(teller, peer, fresh, now)
    const entry = this.entries.get(peer)
    return named.filter((address) => isWorthIt(entry?.get(address), now))
  }

  /** Those of the addresses that it may name, as many as one peer may have. */
  acceptable({ via }: Teller, addresses: string[]): string[] {
    return [...new Set(addresses)].filter((address) => mayName(address, via)).slice(0, perPeer)
  }

  /** Is the teller at the end of what it may say for now? */
  isSpent(teller: Teller, now: number): boolean {
    this.end(now)
    return !this.mayTell(teller, 1)
  }

  private mayTell({ peer, range }: Teller, amount: number): boolean {
    const { right, wrong } = this.credit.get(peer) ?? { right: 0, wrong: 0 }
    const trusted = right > wrong
    const bounds = { total: inAll, reserve: inAll - inAllOfStrangers, little, trusted, newcomers: true }
    return (
      mayHold(this.byTeller, peer, amount, { ...bounds, each: trusted ? ofTeller : ofStranger }) &&
      mayHold(this.byRange, range, amount, { ...bounds, each: inAll })
    )
  }

  private keep(teller: Teller, peer: string, addresses: string[], now: number): void {
    const entry = this.entries.get(peer) ?? new Map<string, Word>()
    this.entries.set(peer, entry)
    for (const address of addresses) {
      const word: Word = {
        teller,
        peer,
        address,
        until: now + lifetime,
        failures: 0,
        failedAt: -Infinity,
        isOver: false,
      }
      entry.set(address, word)
      this.words.push(word)
      hold(this.byRange, teller.range, 1)
      hold(this.byTeller, teller.peer, 1)
    }
  }

  /** Where the peer may be: of each teller the first address, then of each the second, and so on. */
  addressesOf(peer: string, now: number): string[] {
    this.end(now)
    const byTeller = new Map<string, string[]>()
    for (const word of this.entries.get(peer)?.values() ?? []) {
      const { teller, address } = word
      if (isWorthIt(word, now)) byTeller.set(teller.peer, [...(byTeller.get(teller.peer) ?? []), address])
    }
    const turns = Array.from({ length: perPeer }, (_, turn) => [...byTeller.values()].flatMap((all) => all[turn] ?? []))
    return turns.flat().slice(0, perPeer)
  }

  /** The peer was not there. */
  failed(peer: string, address: string, now: number): void {
    const word = this.entries.get(peer)?.get(address)
    if (word === undefined) return
    word.failures++
    word.failedAt = now
    const words = [...this.entries.get(peer)!.values()]
    if (words.some(({ failures }) => failures === 0)) return
    for (const teller of new Set(words.map((one) => one.teller.peer))) this.judge(teller, false)
  }

  /** The peer was here, or has said itself where it is. What has failed stays held against those who said it. */
  found(peer: string, address?: string): void {
    const entry = this.entries.get(peer)
    if (entry === undefined) return
    const right = address === undefined ? undefined : entry.get(address)
    if (right !== undefined) this.judge(right.teller.peer, true)
    for (const word of entry.values()) if (word.failures === 0 || word === right) this.release(word)
  }

  private judge(teller: string, isRight: boolean): void {
    const { right, wrong } = this.credit.get(teller) ?? { right: 0, wrong: 0 }
    this.credit.delete(teller)
    this.credit.set(teller, isRight ? { right: right + 1, wrong } : { right, wrong: wrong + 1 })
    if (this.credit.size <= credits) return
    const [oldest] = this.credit.keys()
    this.credit.delete(oldest!)
  }

  private release(word: Word): void {
    word.isOver = true
    giveBack(this.byRange, word.teller.range, 1)
    giveBack(this.byTeller, word.teller.peer, 1)
    const entry = this.entries.get(word.peer)!
    entry.delete(word.address)
    if (entry.size === 0) this.entries.delete(word.peer)
  }

  /** What was said too long ago. */
  private end(now: number): void {
    for (let word = this.words[this.head]; word !== undefined && word.until <= now; word = this.words[this.head]) {
      this.head++
      if (!word.isOver) this.release(word)
    }
    if (this.head === 0 || this.head * 2 < this.words.length) return
    this.words = this.words.slice(this.head)
    this.head = 0
  }
}
