/**
 * A model of kad-dht behind one host: a table of buckets by XOR distance, and lookups by simulated messages. What is not
 * modelled: records and providers, disjoint paths, and the replacement of old members (a full bucket takes no more).
 */
import { TABLE } from '../../../core/parameters.js'
import type { PortEvent } from '../../../core/port.js'
import type { Reached } from '../dials.js'
import type { Side } from '../link.js'
import { Timeouts } from '../timeouts.js'
import { hash32 } from '../random.js'
import type { Wire } from '../wire.js'
import { distance, Lookup, type Candidate, type Contact, type Found, type LookupTable } from './lookup.js'

const { bucketSize, splitDepth, strangers, visits, waitingVisits, questionTimeout, lookupTimeout } = TABLE

/** The model's keys are a hash of 32 bits, because numbers are fast; kad-dht's are a SHA-256. */
const KEY_BITS = 32
/** Bytes of a question, and of each peer in an answer, about: the model has no bytes of them. */
const QUESTION_SIZE = 120
const PEER_SIZE = 80

/** A question that is under way. */
interface Question {
  /** `undefined`: the peer is being dialled. */
  side: Side | undefined
  /** `undefined`: there will be no answer. */
  done: (found: Found | undefined) => void
}

/** What the table needs of its host. */
export interface TableHost {
  readonly peerId: string
  readonly wire: Wire
  /** A connection to the peer: an open one, or a new one. */
  reach(peer: string, addresses: string[], done: Reached): void
  /** Those addresses of a peer that was only named to us that may go into the table. */
  acceptable(peer: string, addresses: string[]): string[]
  /** The table of the host at the other end. */
  tableBeyond(side: Side): Table
}

export class Table implements LookupTable {
  private readonly key: number
  /** By the first bits of the key. They hold 1,280 peers, and more of those in our own neighbourhood. */
  private readonly buckets: Contact[][] = Array.from({ length: 2 ** splitDepth }, () => [])
  /** Members by peer: a search of the buckets is slow. */
  private readonly members = new Map<string, Contact>()
  /** Addresses of peers that were named to us and are about to be visited. */
  private readonly heard = new Map<string, string[]>()
  private readonly visits = new Set<string>()
  private readonly waiting = new Set<string>()
  private readonly lookups: Timeouts<Lookup>
  private readonly questions: Timeouts<Question>
  private readonly open = new Set<Question>()

  constructor(
    private readonly host: TableHost,
    private readonly emit: (event: PortEvent) => void,
  ) {
    this.key = hash32(host.peerId)
    this.lookups = new Timeouts(host.wire.clock, (lookup) => {
      lookup.end()
    })
    this.questions = new Timeouts(host.wire.clock, (question) => {
      this.answered(question, undefined)
    })
  }

  // ---- members

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
      if (isSame(member.addresses, addresses)) return
      member.addresses = addresses
    } else {
      const contact = { peer, key: hash32(peer), addresses }
      if (!this.hasRoomFor(contact.key)) return
      this.bucketOf(contact.key).push(contact)
      this.members.set(peer, contact)
    }
    this.emit({ type: 'tableChanged', peer, addresses })
  }

  remove(peer: string): void {
    const member = this.members.get(peer)
    this.heard.delete(peer)
    if (member === undefined) return
    this.members.delete(peer)
    const bucket = this.bucketOf(member.key)
    bucket.splice(bucket.indexOf(member), 1)
    this.emit({ type: 'tableChanged', peer, addresses: undefined })
  }

  private bucketOf(key: number): Contact[] {
    return this.buckets[key >>> (KEY_BITS - splitDepth)]!
  }

  /** The bucket of our own key is split on, as deep as it takes: it has room for a bucket of each distance. */
  private hasRoomFor(key: number): boolean {
    const bucket = this.bucketOf(key)
    if (bucket.length < bucketSize) return true
    if (bucket !== this.bucketOf(this.key)) return false
    const shared = commonPrefix(key, this.key)
    let alike = 0
    for (const other of bucket) if (commonPrefix(other.key, this.key) === shared) alike++
    return alike < bucketSize
  }

  closest(target: number, except?: string): Found {
    const found: Contact[] = []
    const prefix = target >>> (KEY_BITS - splitDepth)
    // All of one bucket are closer than any of the next in this order.
    for (let i = 0; i < this.buckets.length && found.length < bucketSize; i++) {
      const start = found.length
      for (const contact of this.buckets[prefix ^ i]!) {
        if (contact.peer === except) continue
        const far = distance(contact.key, target)
        let at = found.length
        found.push(contact)
        for (; at > start && distance(found[at - 1]!.key, target) > far; at--) found[at] = found[at - 1]!
        found[at] = contact
      }
    }
    if (found.length > bucketSize) found.length = bucketSize
    return found
  }

  // ---- lookups

  /**
   * Kademlia's bootstrap: looks up our own neighbourhood, and then a place anywhere. Peers that all know one another and
   * asked only each other would never hear of the rest of the network.
   */
  bootstrap(): void {
    const { random } = this.host.wire
    this.lookUp(this.key, undefined, random.some([...this.members.values()], strangers), () => {
      this.lookUp(random.uint32(), undefined, [], () => {
        this.emit({ type: 'tableQueried' })
      })
    })
  }

  /** Looks up the addresses of a peer. */
  find(peer: string, done: (addresses: string[]) => void): void {
    this.lookUp(hash32(peer), peer, [], (addresses) => {
      done(addresses ?? this.addressesOf(peer))
    })
  }

  private lookUp(
    target: number,
    wanted: string | undefined,
    first: Contact[],
    done: (found: string[] | undefined) => void,
  ): void {
    const lookup = new Lookup(this, this.host.peerId, target, wanted, first, (found) => {
      this.lookups.end(lookup, lookupTimeout)
      done(found)
    })
    this.lookups.begin(lookup, lookupTimeout)
    lookup.start()
  }

  ask({ peer, addresses }: Candidate, target: number, done: Question['done']): void {
    const question: Question = { side: undefined, done }
    this.open.add(question)
    this.questions.begin(question, questionTimeout)
    this.host.reach(peer, addresses, (side) => {
      if (side === undefined) return this.answered(question, undefined)
      if (!this.open.has(question)) return
      question.side = side
      const { link } = side
      link.send(side, QUESTION_SIZE, () => {
        const found = this.host.tableBeyond(side).closest(target, this.host.peerId)
        link.send(side.other, QUESTION_SIZE + found.length * PEER_SIZE, () => {
          this.answered(question, found)
        })
      })
    })
  }

  private answered(question: Question, found: Found | undefined): void {
    if (!this.open.delete(question)) return
    this.questions.end(question, questionTimeout)
    question.done(found)
  }

  /** A connection is gone, and the questions on it with it. */
  onClosed(side: Side): void {
    if (this.open.size === 0) return
    for (const question of [...this.open]) if (question.side === side) this.answered(question, undefined)
  }

  // ---- peers that were named to us

  /** If there is room for the peer it is visited, and enters the table by what it says of itself. */
  hear({ peer, key, addresses: theirs }: Contact): string[] | undefined {
    const member = this.members.get(peer)
    if (member !== undefined) return member.addresses
    const addresses = this.host.acceptable(peer, theirs)
    if (addresses.length === 0) return undefined
    const isFull = !this.hasRoomFor(key) || this.waiting.size >= waitingVisits
    if (isFull || this.visits.has(peer)) return addresses
    this.heard.set(peer, addresses)
    this.waiting.add(peer)
    this.visitNext()
    return addresses
  }

  private visitNext(): void {
    for (const peer of this.waiting) {
      if (this.visits.size >= visits) return
      this.waiting.delete(peer)
      this.visits.add(peer)
      this.host.reach(peer, [], () => {
        this.visits.delete(peer)
        this.heard.delete(peer)
        this.visitNext()
      })
    }
  }
}

/** In bits. */
function commonPrefix(a: number, b: number): number {
  return Math.clz32(a ^ b)
}

function isSame(a: string[], b: string[]): boolean {
  return a === b || (a.length === b.length && a.every((one, i) => one === b[i]))
}
