/**
 * The state of broadcasts: topics and the peers in them, what waits to be published, validated or fetched, and what is
 * remembered of recent messages.
 */
import type { LossReason } from '../explanation.js'
import { createShares, type Shares } from '../limits/shares.js'
import { IdMap, type Deadlines } from '../id-map.js'
import { createBucket } from '../limits/rate.js'
import type { Bucket } from '../limits/state.js'
import type { ReachFailure } from '../peers/state.js'
import type { RefusedKind } from '../port.js'
import type { AskId, ExchangeId, Heard, SubscriptionId, ValidationId, WantReceipts } from '../terms.js'

/** A topic that we are in. */
export interface Topic {
  /** The number of our own subscribers. */
  subscribers: number
  /** The config names it, so it is never left. */
  fixed: boolean
  /** When it is left, unless a subscriber comes before; `Infinity`: never. */
  leaveAt: number
  /** The peers in its mesh. */
  mesh: string[]
  /** The last broadcasts, oldest first, for late subscribers, their bytes … */
  history: KeptBroadcast[]
  historyBytes: number
  /** … who has brought them … */
  bringers: Map<string, Bringer>
  /** … and their ids. */
  remembered: Set<string>
}

/** A broadcast that late subscribers can get from us. */
export interface RememberedBroadcast {
  id: string
  data: Uint8Array
  from: string
  via: string
  /** Proves the signer to others. */
  proof: Uint8Array
  /** When the message was received, in the lane's time; that of other nodes is an estimate. */
  at: number
}

/** … as it is kept, with the range of addresses of the peer that has brought it. */
export interface KeptBroadcast extends RememberedBroadcast {
  readonly bringer: string
}

/** Whoever has brought broadcasts of a history: the node itself, or a range of addresses. */
export interface Bringer {
  /** It is this node, or of some standing. */
  trusted: boolean
  /** What it has brought, by signer. */
  readonly signers: Shares
}

/** Counts of the messages of a topic, since the start. */
export interface Counts {
  /** Broadcasts of ours that were published, how many times one was handed to a peer … */
  published: number
  handedOver: number
  /** … and how many were handed to no peer. */
  toNobody: number
  /** How long broadcasts have waited for peers that were too slow, or closed their connection, ms. */
  held: number
  /** Messages of others that arrived, and those that were delivered. */
  received: number
  delivered: number
  /** Broadcasts of the past that late subscribers got. */
  replayed: number
  /** Messages that were dropped, by reason. */
  dropped: Partial<Record<LossReason, number>>
  /** It was told that its name may be misspelt. */
  hinted?: true
}

/** A caller's broadcast, until it is published. */
export interface BroadcastAsk {
  readonly kind: 'broadcast'
  readonly id: AskId
  readonly topic: string
  /** What is gossiped: the message, or the announcement of a large one. */
  data: Uint8Array
  /** The whole large message; `undefined`: it is not large. */
  readonly large: Uint8Array | undefined
  /** The size of what is gossiped, encoded, bytes. */
  size: number
  /** `hashing`: the hash of a large message is computed; `waiting`: for subscribers; `queued`; `sent`: the network has it. */
  stage: 'waiting' | 'hashing' | 'queued' | 'sent'
  /** The number of subscribers that have to be reachable. */
  readonly min: number
  /** The time for its stage, ms. */
  timeout: number
  readonly receipts: WantReceipts | undefined
  /** Peers that do not get it, and why. */
  except: { peer: string; reason: 'slowPeer' | 'parting' }[]
  /** Its deadline passed while the network had it. */
  isLate: boolean
}

/** A caller's `joined`. */
export interface JoinedAsk {
  readonly kind: 'joined'
  readonly id: AskId
  readonly topic: string
  readonly timeout: number
}

/** Broadcasts of one topic that wait for their turn. */
export interface PublishQueue {
  /** Broadcasts that the network has refused for now; they go before … */
  retries: AskId[]
  /** … those that it was not given yet. */
  queued: Set<AskId>
  /** They wait for these peers; `undefined`: for none. */
  held: Wait | undefined
}

/** A wait of broadcasts for peers. */
export interface Wait {
  /** Until when it is accounted for. */
  since: number
  /** When some of these peers have had their time. */
  readonly until: number
  readonly peers: readonly string[]
  /** The budgets of time that it is charged to, and what each regains in a second, ms. */
  readonly charges: readonly { bucket: Bucket; rate: number }[]
}

/** What a peer is to us: the config names it, it has some standing, or neither. */
export type Standing = 'named' | 'trusted' | 'stranger'

/** A message under validation. */
export interface Validation {
  readonly id: ValidationId
  readonly heard: Heard
  readonly proof: Uint8Array
  readonly origin: Origin
  readonly timeout: number
}

/**
 * Where a message came from: gossip (`held`: the network holds it back until a verdict; `large`: it was fetched, and is not
 * remembered), or the history of a peer, for a subscriber that catches up.
 */
export type Origin =
  { kind: 'gossip'; held: boolean; large: boolean } | { kind: 'replay'; subscription: SubscriptionId; at: number }

/** A subscriber that gets the last broadcasts before the new ones. */
export interface CatchUp {
  readonly subscription: SubscriptionId
  readonly topic: string
  readonly count: number
  /** `joining`: it waits until the topic is joined; `asking`: peers were asked; `ending`: nobody is waited for any more. */
  stage: 'joining' | 'asking' | 'ending'
  /** When peers are asked even if the topic is not joined; then, when others are asked beside those that have said nothing. */
  askAt: number
  /** When the first were asked, and when it ends, whoever has not answered by then. */
  startedAt: number
  endAt: number
  /** Peers that were asked → their range of addresses then. */
  asked: Map<string, string>
  /** Those that have not answered yet → our question. */
  open: Map<string, AskId>
  /** Peers whose answer counts: it had something in it, or they are of some standing. */
  answered: number
  /** Peers that have not answered yet. */
  unanswered: number
  /** Messages under validation. */
  undecided: number
  /** Accepted messages: id → the message and the earliest time at which a node received it. */
  found: Map<string, { heard: Heard; at: number }>
  /** Ids of all messages that were validated or are under validation. */
  judged: Set<string>
  /** New broadcasts that wait for the old ones, and their cost. */
  live: Heard[]
  liveBytes: number
}

/** A broadcast of ours that waits for receipts. */
export interface Receipts {
  readonly ask: AskId
  /** When it was published. */
  readonly since: number
  /** Our open requests for receipts. */
  asks: Set<number>
  /** The number of receipts that are still wanted. */
  remaining: number
}

/** A peer that has a large message, by its word, and its range of addresses. */
export interface Source {
  readonly peer: string
  readonly range: string
}

/** A source that is being asked. Its share has the size of the message. */
export interface AskedSource extends Source {
  readonly ask: AskId
  readonly since: number
  /** When it is looked at next, and how many bytes it had handed over the last time. */
  lookAt: number
  received: number
  /** It does not hand over what it should, or is not expected to. */
  isSlow: boolean
  /** It has handed over everything, and the hash is being computed. */
  isDone: boolean
}

/** A large message that is being fetched. */
export interface Fetch {
  readonly hash: string
  readonly size: number
  /** The announcement, and whether the network holds it back. */
  readonly heard: Heard
  readonly held: boolean
  readonly since: number
  /** When the fetch is given up. */
  until: number
  /** Sources that can be asked next, those that are being asked, and all that were named. */
  sources: Source[]
  asked: AskedSource[]
  named: Set<string>
  /** Ranges of those that were asked. */
  askedRanges: string[]
}

/** A large message that others can fetch from us, until `until`. */
export interface Blob {
  readonly data: Uint8Array
  /** Who has brought it. */
  readonly from: string
  readonly until: number
}

/** What a hash is computed for: a large broadcast of ours, or one that was fetched. */
export type Digesting =
  { kind: 'broadcast'; ask: AskId } | { kind: 'fetch'; message: string; data: Uint8Array; peer: string }

/** What is counted of a peer, connected or not. */
export interface PeerRecord {
  /** Why the peer could not be reached the last time; `undefined`: it was connected since. */
  failure: ReachFailure | undefined
  /** The one before it, if its reason was another. */
  earlier: ReachFailure | undefined
  /** Why a connection to it was closed from this side, the last time. */
  hungUp: { at: number; message: string } | undefined
  dropped: Partial<Record<LossReason, number>>
  /** How long broadcasts of ours have waited for it, ms. */
  held: number
  /** What the network has refused to it. */
  refused: Partial<Record<RefusedKind, number>>
  /** How often it has published what is one message here. */
  repeats: number
}

/** What has become of a message. `published`: by this node. */
export interface Outcome {
  readonly kind: 'accepted' | 'refused' | 'published'
  /** Its signer. */
  readonly from: string
  readonly at: number
}

/** topics.ts changes it. */
export interface Topics {
  joined: Map<string, Topic>
  /** Topics with a validator. */
  guarded: Set<string>
  /** Topic → the connected peers that have announced it. */
  subscribers: Map<string, Set<string>>
  /** Peer → the number of its topics that we know. */
  topicCounts: Map<string, number>
  /** Peers in the mesh of any of our topics. */
  meshPeers: Set<string>
  /** Peers with an open gossip stream, and when the last stream was opened. */
  gossipPeers: Set<string>
  gossipSince: number
  /** Callers that wait for topics to be joined. */
  joining: Set<AskId>
}

/** publishing.ts changes it. */
export interface Publishing {
  /** Callers that wait for subscribers. */
  waiting: Set<AskId>
  /** Topic → broadcasts that wait for their turn. */
  queues: Map<string, PublishQueue>
  queuedBytes: number
  /** Broadcasts that the network has not answered yet. */
  underWay: number
  /** Topic → when a caller last published on it, the oldest first. */
  publishedAt: Map<string, number>
}

/** Peers that our broadcasts are handed to. recipients.ts changes it. */
export interface Recipients {
  /** Peers that read too slowly → since when. */
  slow: Map<string, number>
  /** Peers that have so much to take still that they lose nothing when others are waited for. */
  busy: Set<string>
  /** Peers to which something may still wait to be sent. */
  pending: Set<string>
  /** Peers that we have allowed to close their only connection to us. */
  parting: Map<string, Parting>
  /** How long peers of a standing may still hold up broadcasts to others. */
  budgets: Record<'trusted' | 'stranger', Bucket>
  /** Peers that were slow and have taken all the same what waited for them: each has a budget of its own. */
  readers: Map<string, Bucket>
}

/** A peer that is about to close its connection, and the topics that it is in: our broadcasts on these wait. */
export interface Parting {
  readonly topics: readonly string[]
  /** It is dialled anew for what waits. */
  isGone: boolean
  /** Until then they wait, or pass it over. */
  readonly until: number
  readonly standing: Standing
}

/** validating.ts changes it. */
export interface Validating {
  open: IdMap<Validation>
  deadlines: Deadlines
  nextId: ValidationId
  /** The cost of the messages under validation: of each peer, and of all. */
  costByPeer: Map<string, number>
  cost: number
}

/** Message id → the outcome of the last message that had it, in two generations. history.ts changes it. */
export interface Outcomes {
  recent: Map<string, Outcome>
  older: Map<string, Outcome>
}

/** receipts.ts changes it. */
export interface ReceiptBook {
  /** Broadcasts of ours that wait for receipts. */
  open: IdMap<Receipts>
  /** Message id → requests of other nodes for a receipt, and who has asked each. */
  wanted: Map<string, Map<ExchangeId, string>>
  /** How many, by asker. */
  wantedBy: Shares
}

/** large.ts changes it. */
export interface Large {
  /** Hash (hexadecimal) → the large message. */
  blobs: Map<string, Blob>
  /** Bytes of them, by who has brought them. */
  blobShares: Shares
  digesting: IdMap<Digesting>
  nextDigest: number
}

/** Large messages that are being fetched, by the id of their announcement. fetching.ts changes it. */
export interface Fetching {
  /** Those that somebody is asked for. */
  open: Map<string, Fetch>
  /** Those that wait for room, or for a source, the oldest first. */
  waiting: Map<string, Fetch>
  /** Bytes of those that are open, by who is asked, and by its range of addresses. */
  byPeer: Shares
  byRange: Shares
  /** Peers, and ranges, that have not kept their word → until when they are asked last. sources.ts changes it, and the next. */
  distrusted: Map<string, number>
  /** Signers of messages that could be had lately → until when that counts. */
  signers: Map<string, number>
}

/** Counts, by topic and by peer. counts.ts changes it. */
export interface CountBook {
  topics: Map<string, Counts>
  peers: Map<string, PeerRecord>
}

export interface BroadcastsState {
  topics: Topics
  publishing: Publishing
  recipients: Recipients
  validating: Validating
  /** Bytes of the histories, by topic. history.ts changes it. */
  histories: Shares
  outcomes: Outcomes
  receipts: ReceiptBook
  /** Subscription → its catch-up. catch-up.ts changes it. */
  catchUps: IdMap<CatchUp>
  large: Large
  fetching: Fetching
  counts: CountBook
}

export function createBroadcastsState(guarded: readonly string[]): BroadcastsState {
  return {
    topics: {
      joined: new Map(),
      guarded: new Set(guarded),
      subscribers: new Map(),
      topicCounts: new Map(),
      meshPeers: new Set(),
      gossipPeers: new Set(),
      gossipSince: -Infinity,
      joining: new Set(),
    },
    publishing: {
      waiting: new Set(),
      queues: new Map(),
      queuedBytes: 0,
      underWay: 0,
      publishedAt: new Map(),
    },
    recipients: {
      slow: new Map(),
      busy: new Set(),
      pending: new Set(),
      parting: new Map(),
      budgets: { trusted: createBucket(), stranger: createBucket() },
      readers: new Map(),
    },
    validating: { open: new IdMap(), deadlines: new IdMap(), nextId: 1, costByPeer: new Map(), cost: 0 },
    histories: createShares(),
    outcomes: { recent: new Map(), older: new Map() },
    receipts: { open: new IdMap(), wanted: new Map(), wantedBy: createShares() },
    catchUps: new IdMap(),
    large: { blobs: new Map(), blobShares: createShares(), digesting: new IdMap(), nextDigest: 1 },
    fetching: {
      open: new Map(),
      waiting: new Map(),
      byPeer: createShares(),
      byRange: createShares(),
      distrusted: new Map(),
      signers: new Map(),
    },
    counts: { topics: new Map(), peers: new Map() },
  }
}
