/**
 * A model of kad-dht behind one host: a table of buckets by XOR distance, and iterative lookups of bounded parallelism over
 * simulated messages. What is not modelled: records and providers, disjoint paths, the replacement of old members (a full
 * bucket takes nobody).
 */
import type { PortEvent } from '../../core/port.js'
import type { Side } from './link.js'
import { Patience } from './patience.js'
import { hash32 } from './random.js'
import type { Wire } from './wire.js'

/** Peers a bucket (kad-dht's `kBucketSize`), and how many an answer names. */
const BUCKET_SIZE = 20
/** Leaf buckets: kad-dht splits to a depth of 6. So the table holds 1,280 peers at the most. */
const PREFIX_BITS = 6
/** Members far from us who are asked for our neighbours too, at each bootstrap. */
const STRANGERS = 3
/** Questions of one lookup that are under way at once (`alpha`). */
const PARALLEL = 3
/** Peers that were heard of and are being visited at once, and that wait for it (kad-dht's `pingNewContact…`, as we set it). */
const MAX_VISITS = 4
const MAX_WAITING_VISITS = 100
/** Bytes of a question, and of each peer in an answer, about. */
const QUESTION_SIZE = 120
const PEER_SIZE = 80

/** How long a question may take, ms (as we set kad-dht's `networkDialTimeout`). */
const QUESTION_TIMEOUT = 10_000

interface Contact {
  peer: string
  key: number
  addresses: string[]
}

/** An answer: contacts, closest first. */
type Found = readonly Contact[]

/** Somebody whom a lookup may ask. */
interface Candidate {
  peer: string
  addresses: string[]
  distance: number
  asked: boolean
}

/** A question that is under way. */
interface Question {
  side: Side
  /** `undefined`: there will be no answer. */
  done: (found: Found | undefined) => void
}

/** What the table needs of its host. */
export interface TableHost {
  readonly peerId: string
  readonly wire: Wire
  /** A connection to the peer, the one that there is or a new one; `undefined`, and why, when there is none to be had. */
  reach(peer: string, addresses: string[], done: (side: Side | undefined, why: string) => void): void
  /** Those addresses of a peer that we only heard of that may go into the table. */
  acceptable(addresses: string[]): string[]
  /** The table of the host at the other end. */
  tableBeyond(side: Side): Table
}

export class Table {
  private readonly key: number
  /** By the first bits of the key. */
  private readonly buckets: Contact[][] = Array.from({ length: 2 ** PREFIX_BITS }, () => [])
  /** Members by peer, for what must not search the buckets. */
  private readonly members = new Map<string, Contact>()
  /** Where peers are whom we heard of and are about to visit. */
  private readonly heard = new Map<string, string[]>()
  private readonly visits = new Set<string>()
  private readonly waiting = new Set<string>()
  private readonly questions: Patience<Question>
  private readonly open = new Set<Question>()

  constructor(
    private readonly host: TableHost,
    private readonly emit: (event: PortEvent) => void,
  ) {
    this.key = hash32(host.peerId)
    this.questions = new Patience(host.wire.clock, (question) => {
      this.answered(question, undefined)
    })
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

  private bucketOf(key: number): Contact[] {
    return this.buckets[key >>> (32 - PREFIX_BITS)]!
  }

  /** Our own neighbourhood is split on, as deep as it takes: of each distance, as many as a bucket has room for. */
  private hasRoomFor(key: number): boolean {
    const bucket = this.bucketOf(key)
    if (bucket.length < BUCKET_SIZE) return true
    if (bucket !== this.bucketOf(this.key)) return false
    const shared = commonPrefix(key, this.key)
    let alike = 0
    for (const other of bucket) if (commonPrefix(other.key, this.key) === shared) alike++
    return alike < BUCKET_SIZE
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

  /**
   * Kademlia's bootstrap: looks up our own neighbourhood, and then a place anywhere. Peers who all know one another and
   * asked only each other would never hear of the rest of the network.
   */
  bootstrap(): void {
    const { random } = this.host.wire
    this.lookup(this.key, undefined, random.some([...this.members.values()], STRANGERS), () => {
      this.lookup(random.uint32(), undefined, [], () => {
        this.emit({ type: 'tableQueried' })
      })
    })
  }

  /** Looks up where a peer is. */
  find(peer: string, done: (addresses: string[]) => void): void {
    this.lookup(hash32(peer), peer, [], (addresses) => {
      done(addresses ?? this.addressesOf(peer))
    })
  }

  /** Asks ever closer peers for those that are closest to `target`, until nobody closer is left to ask. */
  private lookup(
    target: number,
    wanted: string | undefined,
    others: Contact[],
    done: (found: string[] | undefined) => void,
  ): void {
    /** Nearest first. */
    const candidates: Candidate[] = []
    const met = new Set<string>([this.host.peerId])
    let underWay = 0
    let over = false
    /** Addresses of who is wanted. */
    let found: string[] | undefined
    const offer = ({ peer, key }: Contact, addresses: string[]): void => {
      const candidate = { peer, addresses, distance: distance(key, target), asked: false }
      let at = candidates.length
      candidates.push(candidate)
      for (; at > 0 && candidates[at - 1]!.distance > candidate.distance; at--) candidates[at] = candidates[at - 1]!
      candidates[at] = candidate
    }
    for (const contact of this.closest(target)) {
      met.add(contact.peer)
      offer(contact, contact.addresses)
    }
    const next = (): Candidate | undefined => {
      if (found !== undefined || underWay >= PARALLEL) return undefined
      const other = others.pop()
      if (other !== undefined) return { ...other, distance: 0, asked: false }
      for (let i = 0; i < candidates.length && i < BUCKET_SIZE; i++) if (!candidates[i]!.asked) return candidates[i]
      return undefined
    }
    const proceed = (): void => {
      for (let candidate = next(); candidate !== undefined && !over; candidate = next()) question(candidate)
      if (over || underWay > 0) return
      over = true
      done(found)
    }
    const question = (candidate: Candidate): void => {
      candidate.asked = true
      underWay++
      this.ask(candidate, target, (answer) => {
        underWay--
        // The next one counts in its place.
        const at = answer === undefined ? candidates.indexOf(candidate) : -1
        if (at >= 0) candidates.splice(at, 1)
        for (const one of answer ?? []) meet(one)
        proceed()
      })
    }
    const meet = (contact: Contact): void => {
      if (met.has(contact.peer)) return
      met.add(contact.peer)
      const addresses = this.hear(contact)
      if (addresses === undefined) return
      if (contact.peer === wanted) found = addresses
      offer(contact, addresses)
    }
    proceed()
  }

  /** Asks one peer whom it knows close to `target`; `undefined`: it cannot be asked. */
  private ask({ peer, addresses }: Candidate, target: number, done: Question['done']): void {
    this.host.reach(peer, addresses, (side) => {
      if (side === undefined) return done(undefined)
      const question = { side, done }
      this.open.add(question)
      this.questions.begin(question, QUESTION_TIMEOUT)
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
    this.questions.end(question, QUESTION_TIMEOUT)
    question.done(found)
  }

  /** A connection is gone, and the questions on it with it. */
  onClosed(side: Side): void {
    if (this.open.size === 0) return
    for (const question of [...this.open]) if (question.side === side) this.answered(question, undefined)
  }

  /** Members that are closest to `target`, closest first. */
  private closest(target: number, except?: string): Found {
    const found: Contact[] = []
    const prefix = target >>> (32 - PREFIX_BITS)
    // Everybody of one bucket is closer than anybody of the next in this order.
    for (let i = 0; i < this.buckets.length && found.length < BUCKET_SIZE; i++) {
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
    if (found.length > BUCKET_SIZE) found.length = BUCKET_SIZE
    return found
  }

  /**
   * Somebody told us of a peer: if there is room for it, it is visited, and if it is there it comes into the table by what it
   * says of itself. Returns where it may be reached; `undefined`: nowhere.
   */
  private hear({ peer, key, addresses: theirs }: Contact): string[] | undefined {
    const member = this.members.get(peer)
    if (member !== undefined) return member.addresses
    const addresses = this.host.acceptable(theirs)
    if (addresses.length === 0) return undefined
    const isFull = !this.hasRoomFor(key) || this.waiting.size >= MAX_WAITING_VISITS
    if (isFull || this.visits.has(peer)) return addresses
    this.heard.set(peer, addresses)
    this.waiting.add(peer)
    this.visitNext()
    return addresses
  }

  private visitNext(): void {
    for (const peer of this.waiting) {
      if (this.visits.size >= MAX_VISITS) return
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

function distance(a: number, b: number): number {
  return (a ^ b) >>> 0
}

/** In bits. */
function commonPrefix(a: number, b: number): number {
  return Math.clz32(a ^ b)
}

function isSame(a: string[], b: string[]): boolean {
  return a === b || (a.length === b.length && a.every((one, i) => one === b[i]))
}
