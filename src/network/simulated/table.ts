/**
 * A model of kad-dht behind one host: a table of buckets by XOR distance, and iterative lookups of bounded parallelism over
 * simulated messages. What is not modelled: records and providers, disjoint paths, the replacement of old members (a full
 * bucket takes nobody).
 */
import type { PortEvent } from '../port.js'
import type { Side } from './link.js'
import { hash32 } from './random.js'
import type { Wire } from './wire.js'

/** Peers a bucket (kad-dht's `kBucketSize`), and how many an answer names. */
const BUCKET_SIZE = 20
/** Leaf buckets: kad-dht splits to a depth of 6. So the table holds 1,280 peers at the most. */
const PREFIX_BITS = 6
/** Questions of one lookup that are under way at once (`alpha`). */
const PARALLEL = 3
/** Peers that were heard of and are being visited at once, and that wait for it (kad-dht's `pingNewContact…`, as we set it). */
const MAX_VISITS = 4
const MAX_WAITING_VISITS = 100
/** Bytes of a question, and of each peer in an answer, about. */
const QUESTION_SIZE = 120
const PEER_SIZE = 80

interface Contact {
  peer: string
  key: number
  addresses: string[]
}

/** An answer: contacts, closest first. */
type Found = readonly Contact[]

/** What the table needs of its host. */
export interface TableHost {
  readonly peerId: string
  readonly wire: Wire
  /** A connection to the peer, the one that there is or a new one; `undefined`, and why, when there is none to be had. */
  reach(peer: string, addresses: string[], done: (side: Side | undefined, why: string) => void): void
  /** May this address of a peer that we only heard of go into the table? */
  accepts(address: string): boolean
  /** The table of the host at the other end. */
  tableBeyond(side: Side): Table
}

export class Table {
  private readonly key: number
  private readonly buckets = new Map<number, Map<string, Contact>>()
  /** Members by peer, for what must not search the buckets. */
  private readonly members = new Map<string, Contact>()
  /** Where peers that we heard of are, members or not. */
  private readonly heard = new Map<string, string[]>()
  private readonly visits = new Set<string>()
  private readonly waiting = new Set<string>()

  constructor(
    private readonly host: TableHost,
    private readonly emit: (event: PortEvent) => void,
  ) {
    this.key = hash32(host.peerId)
  }

  get size(): number {
    return this.members.size
  }

  addressesOf(peer: string): string[] {
    return this.members.get(peer)?.addresses ?? this.heard.get(peer) ?? []
  }

  add(peer: string, addresses: string[]): void {
    if (peer === this.host.peerId) return
    this.heard.delete(peer)
    const member = this.members.get(peer)
    if (member !== undefined) {
      if (member.addresses.join() === addresses.join()) return
      member.addresses = addresses
    } else {
      const key = hash32(peer)
      const prefix = key >>> (32 - PREFIX_BITS)
      let bucket = this.buckets.get(prefix)
      if (bucket === undefined) this.buckets.set(prefix, (bucket = new Map<string, Contact>()))
      if (bucket.size >= BUCKET_SIZE) return
      const contact = { peer, key, addresses }
      bucket.set(peer, contact)
      this.members.set(peer, contact)
    }
    this.emit({ type: 'tableChanged', peer, addresses: [...addresses] })
  }

  remove(peer: string): void {
    const member = this.members.get(peer)
    this.heard.delete(peer)
    if (member === undefined) return
    this.members.delete(peer)
    this.buckets.get(member.key >>> (32 - PREFIX_BITS))!.delete(peer)
    this.emit({ type: 'tableChanged', peer, addresses: undefined })
  }

  /**
   * Kademlia's bootstrap: looks up our own neighbourhood, and then a place anywhere. Peers who all know one another and
   * asked only each other would never hear of the rest of the network.
   */
  bootstrap(): void {
    this.lookup(this.key, undefined, () => {
      this.lookup(this.host.wire.random.uint32(), undefined, () => {
        this.emit({ type: 'tableQueried' })
      })
    })
  }

  /** Looks up where a peer is. */
  find(peer: string, done: (addresses: string[]) => void): void {
    this.lookup(hash32(peer), peer, () => {
      done(this.addressesOf(peer))
    })
  }

  /** Asks ever closer peers for those that are closest to `target`, until nobody closer is left to ask. */
  private lookup(target: number, wanted: string | undefined, done: () => void): void {
    const candidates = new Map<string, number>()
    const asked = new Set<string>([this.host.peerId])
    let underWay = 0
    let over = false
    const offer = ({ peer, key }: Contact): void => {
      if (!candidates.has(peer)) candidates.set(peer, distance(key, target))
    }
    for (const contact of this.closest(target)) offer(contact)
    const proceed = (): void => {
      if (over) return
      const closest = nearest(candidates, ([, far]) => far)
      const isFound = wanted !== undefined && this.addressesOf(wanted).length > 0
      for (const [peer] of closest) {
        if (isFound || underWay >= PARALLEL) break
        if (asked.has(peer)) continue
        asked.add(peer)
        underWay++
        this.ask(peer, target, (found) => {
          underWay--
          if (found === undefined) candidates.delete(peer)
          for (const one of found ?? []) {
            if (one.peer === this.host.peerId) continue
            this.hear(one)
            if (this.addressesOf(one.peer).length > 0) offer(one)
          }
          proceed()
        })
      }
      if (underWay > 0) return
      over = true
      done()
    }
    proceed()
  }

  /** Asks one peer whom it knows close to `target`; `undefined`: it cannot be asked. */
  private ask(peer: string, target: number, done: (found: Found | undefined) => void): void {
    this.host.reach(peer, [], (side) => {
      if (side === undefined) return done(undefined)
      let answered = false
      const answer = (found: Found | undefined): void => {
        if (answered) return
        answered = true
        done(found)
      }
      const { link } = side
      link.send(side, QUESTION_SIZE, () => {
        const found = this.host.tableBeyond(side).closest(target, this.host.peerId)
        link.send(side.other, QUESTION_SIZE + found.length * PEER_SIZE, () => {
          answer(found)
        })
      })
      this.host.wire.clock.after(10_000, () => {
        answer(undefined)
      })
    })
  }

  /** Members that are closest to `target`, closest first. */
  private closest(target: number, except?: string): Found {
    return nearest(this.members.values(), (contact) =>
      contact.peer === except ? Infinity : distance(contact.key, target),
    )
  }

  /** Somebody told us of a peer: it is visited, and if it is there it comes into the table by what it says of itself. */
  private hear({ peer, key, addresses: theirs }: Contact): void {
    if (this.members.has(peer)) return
    const addresses = theirs.filter((address) => this.host.accepts(address))
    if (addresses.length === 0) return
    this.heard.set(peer, addresses)
    if (this.visits.has(peer) || this.waiting.size >= MAX_WAITING_VISITS) return
    const bucket = this.buckets.get(key >>> (32 - PREFIX_BITS))
    if (bucket !== undefined && bucket.size >= BUCKET_SIZE) return
    this.waiting.add(peer)
    this.visitNext()
  }

  private visitNext(): void {
    for (const peer of this.waiting) {
      if (this.visits.size >= MAX_VISITS) return
      this.waiting.delete(peer)
      this.visits.add(peer)
      this.host.reach(peer, [], (side) => {
        this.visits.delete(peer)
        if (side === undefined && !this.members.has(peer)) this.heard.delete(peer)
        this.visitNext()
      })
    }
  }
}

function distance(a: number, b: number): number {
  return (a ^ b) >>> 0
}

/** The `BUCKET_SIZE` items that are nearest, nearest first; those at an infinite distance are left out. */
function nearest<T>(items: Iterable<T>, distanceOf: (item: T) => number): T[] {
  const found: T[] = []
  const distances: number[] = []
  for (const item of items) {
    const far = distanceOf(item)
    if (far === Infinity || (found.length === BUCKET_SIZE && far >= distances[BUCKET_SIZE - 1]!)) continue
    let at = found.length === BUCKET_SIZE ? BUCKET_SIZE - 1 : found.length
    for (; at > 0 && distances[at - 1]! > far; at--) {
      found[at] = found[at - 1]!
      distances[at] = distances[at - 1]!
    }
    found[at] = item
    distances[at] = far
  }
  return found
}
