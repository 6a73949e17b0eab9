/**
 * The door of a network: its copy of the lists, those who wait to be admitted, and how many were turned away. It is given its clock, so the
 * real network and the model of it use it alike.
 */
import type { PortEffect, PortEvent, TurnedAwayFor } from '../port.js'
import { barOf, barred, change, closeTo, createLists, textOfBar, type Barred, type Visitor } from './lists.js'
import { hostPrefix } from './ranges.js'

type TurnedAway = Extract<PortEvent, { type: 'turnedAway' }>
type AccessEffect = Extract<PortEffect, { type: 'access' }>

/** Peers, hosts and reasons that are told in one interval; what is more is not. */
const MOST = 256
const INTERVAL = 1_000

/** Who is at the door, and which side has opened the connection. */
export interface Arrival {
  peer?: string | undefined
  address: string
  inbound: boolean
}

export class Door {
  private readonly lists = createLists()
  /** Is the lane asked about each peer? */
  asks = false
  private readonly waiting = new Map<number, (isAdmitted: boolean) => void>()
  private next = 1
  private readonly away = new Map<string, Omit<TurnedAway, 'ago'> & { since: number }>()

  /** `later` runs something after so many ms, and `now` is in ms. */
  constructor(
    private readonly emit: (event: PortEvent) => void,
    private readonly later: (ms: number, run: () => void) => void,
    private readonly now: () => number,
  ) {}

  set({ closed, asks, changes }: AccessEffect): void {
    closeTo(this.lists, closed)
    this.asks = asks
    for (const one of changes) change(this.lists, one)
  }

  /** May nobody of this kind come in? (Nothing is counted.) */
  bars(visitor: Visitor): Barred | undefined {
    return barred(this.lists, visitor)
  }

  /** Is everything that this peer signs dropped? `peer` is only called where anybody is denied. */
  silences(peer: string | (() => string)): boolean {
    const { peers } = this.lists.deny
    return peers.size > 0 && peers.has(typeof peer === 'string' ? peer : peer())
  }

  /** Somebody is here, or is to be dialled. What is refused is counted, and told. */
  refuses(arrival: Arrival): Barred | undefined {
    const bar = barOf(this.lists, arrival)
    // When it is told, the entry may have ended.
    if (bar !== undefined) this.count(bar.why, arrival, textOfBar(bar))
    return bar?.why
  }

  /** `reason`: of the entry that turns it away. */
  count(why: TurnedAwayFor, { peer, address, inbound }: Arrival, reason?: string): void {
    const key = `${why} ${inbound} ${peer ?? hostPrefix(address) ?? address}`
    const known = this.away.get(key)
    if (known !== undefined) return void known.count++
    if (this.away.size >= MOST) return
    if (this.away.size === 0) this.later(INTERVAL, () => this.tell())
    const who = { ...(peer !== undefined && { peer }), address, inbound, ...(reason !== undefined && { reason }) }
    this.away.set(key, { type: 'turnedAway', why, ...who, count: 1, since: this.now() })
  }

  private tell(): void {
    const all = [...this.away.values()]
    this.away.clear()
    for (const { since, ...one } of all) this.emit({ ...one, ago: Math.round(this.now() - since) })
  }

  /** Whoever has shown who it is waits here until it is admitted, where that is asked for. `done` may be called at once. */
  visit({ peer, address, inbound }: Arrival & { peer: string }, done: (isAdmitted: boolean) => void): void {
    if (!this.asks) return done(true)
    const visit = this.next++
    this.waiting.set(visit, done)
    this.emit({ type: 'visit', visit, peer, address, inbound })
  }

  answer(visit: number, isAdmitted: boolean): void {
    const done = this.waiting.get(visit)
    this.waiting.delete(visit)
    done?.(isAdmitted)
  }

  /** Nobody comes in any more. */
  close(): void {
    this.away.clear()
    for (const visit of [...this.waiting.keys()]) this.answer(visit, false)
  }
}
