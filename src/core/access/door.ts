/**
 * The door of a network: its copy of the lists, those who wait to be admitted, and how many were turned away. It knows no clock, so the
 * real network and the model of it use it alike.
 */
import type { PortEffect, PortEvent, TurnedAwayFor } from '../port.js'
import { barred, change, closeTo, createLists, type Barred, type Visitor } from './lists.js'
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
  private readonly away = new Map<string, TurnedAway>()

  /** `later` runs something after so many ms. */
  constructor(
    private readonly emit: (event: PortEvent) => void,
    private readonly later: (ms: number, run: () => void) => void,
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
    const why = barred(this.lists, arrival)
    if (why !== undefined) this.count(why, arrival)
    return why
  }

  count(why: TurnedAwayFor, { peer, address, inbound }: Arrival): void {
    const key = `${why} ${inbound} ${peer ?? hostPrefix(address) ?? address}`
    const known = this.away.get(key)
    if (known !== undefined) return void known.count++
    if (this.away.size >= MOST) return
    if (this.away.size === 0) this.later(INTERVAL, () => this.tell())
    this.away.set(key, { type: 'turnedAway', why, ...(peer !== undefined && { peer }), address, inbound, count: 1 })
  }

  private tell(): void {
    const all = [...this.away.values()]
    this.away.clear()
    for (const one of all) this.emit(one)
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
