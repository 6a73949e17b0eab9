/**
 * What a node knows of broadcasts: its topics and the other peers in them, what waits to be published, judged or fetched, and
 * what was heard of late.
 */
import type { Deadlines } from '../deadlines.js'
import { IdMap } from '../id-map.js'
import type { DialFailure } from '../peers/state.js'
import type { DropReason } from '../port.js'
import type { AskId, ExchangeId, Heard, ValidationId, WantReceipts } from '../terms.js'

/** A topic that we are in. */
export interface Topic {
  /** Subscribers of ours. */
  subscribers: number
  /** Named in the config: never left. */
  fixed: boolean
  /** When it is left, if nobody subscribes again. */
  leaveAt: number
  /** Peers in its mesh. */
  mesh: string[]
  /** The last broadcasts, oldest first, for those who ask for them. */
  history: Remembered[]
  historyBytes: number
  /** … and their ids. */
  remembered: Set<string>
}

/** A broadcast that we can pass on to somebody who comes late. */
export interface Remembered {
  id: string
  data: Uint8Array
  from: string
  via: string
  /** What shows others that it is by its signer. */
  proof: Uint8Array
  /** When we heard it. */
  at: number
}

/** What became of the messages of a topic, since the start. */
export interface Counts {
  /** Broadcasts of ours that went out, and to how many peers in all. */
  published: number
  handedOver: number
  /** … and those that went to nobody. */
  toNobody: number
  /** Messages of others that came, and those that were delivered. */
  received: number
  delivered: number
  /** Messages that went no further, by the reason. */
  dropped: Partial<Record<LossReason, number>>
}

/**
 * Why a message went no further: what the network says, the verdicts of validators, and what is ours. `busy`: too many
 * messages were being judged. `validatorFailed`: a validator threw, or gave no verdict in time. `fetchFailed`: a large message
 * could not be had. `bufferFull`: a subscriber of ours was too slow. `slowPeer`: one of ours was not sent to a peer that
 * takes nothing.
 */
export type LossReason =
  DropReason | 'ignored' | 'rejected' | 'busy' | 'validatorFailed' | 'fetchFailed' | 'bufferFull' | 'slowPeer'

/** A caller's broadcast, until it is published. */
export interface BroadcastAsk {
  readonly kind: 'broadcast'
  readonly id: AskId
  readonly topic: string
  /** What goes out: for a large message only where it can be fetched. */
  data: Uint8Array
  /** The whole of a large message. */
  readonly large: Uint8Array | undefined
  /** As it is encoded, bytes. */
  size: number
  /** `waiting`: for subscribers; `hashing`: the id of a large one is computed; `queued`; `sent`: the network has it. */
  stage: 'waiting' | 'hashing' | 'queued' | 'sent'
  /** Subscribers that have to be there. */
  readonly min: number
  /** In its stage, ms. */
  timeout: number
  readonly receipts: WantReceipts | undefined
  /** Peers that are passed over, because they take nothing. */
  except: string[]
  /** Its time was over while the network had it. */
  isLate: boolean
}

/** A caller who waits until a topic is joined. */
export interface JoinedAsk {
  readonly kind: 'joined'
  readonly id: AskId
  readonly topic: string
  readonly timeout: number
}

/** A caller who wants an explanation, while the network is asked. */
export interface ExplainAsk {
  readonly kind: 'explain'
  readonly id: AskId
  readonly about: { topic: string } | { peer: string }
}

/** Broadcasts of one topic that wait for their turn. */
export interface PublishQueue {
  /** Those that the network has given back, before … */
  held: AskId[]
  /** … those that it has not seen yet. */
  queued: Set<AskId>
}

/** A message that a validator of ours judges. */
export interface Validation {
  readonly id: ValidationId
  readonly heard: Heard
  readonly proof: Uint8Array
  readonly origin: Origin
  readonly timeout: number
}

/**
 * How a message came: by gossip (where it may be held back until our verdict; `large`: it was fetched, and is not remembered),
 * or to a subscriber who catches up.
 */
export type Origin =
  { kind: 'gossip'; held: boolean; large: boolean } | { kind: 'replay'; subscription: AskId; at: number }

/** A subscriber who is to have the last broadcasts before the new ones. */
export interface CatchUp {
  readonly subscription: AskId
  readonly topic: string
  readonly count: number
  /** `joining`: until the topic is joined; `asking`: peers have been asked. */
  stage: 'joining' | 'asking'
  /** When it asks, joined or not. */
  readonly askAt: number
  /** Peers that have not answered yet. */
  open: number
  /** Messages that are being judged. */
  undecided: number
  /** What was found: id → the message and when somebody heard it first. */
  found: Map<string, { heard: Heard; at: number }>
  /** Ids that validators refused, or judge. */
  judged: Set<string>
  /** What has been broadcast since, and its bytes. */
  live: Heard[]
  liveBytes: number
}

/** Receipts that a broadcast of ours waits for. */
export interface Receipts {
  readonly ask: AskId
  readonly since: number
  /** Own requests that are open. */
  open: Set<number>
  /** How many may still come. */
  left: number
}

/** A large message that is being fetched. */
export interface Fetch {
  readonly hash: string
  readonly size: number
  /** The message that announced it, and whether the network holds it back. */
  readonly heard: Heard
  readonly held: boolean
  /** When it is given up. */
  readonly until: number
  /** Whom to ask, one after the other, beside the one that is being asked. */
  others: string[]
}

/** A large message that others can fetch from us. */
export interface Blob {
  readonly data: Uint8Array
  readonly until: number
}

/** What somebody of ours computes the hash of: a large broadcast of ours, or one that was fetched. */
export type Digesting =
  { kind: 'broadcast'; ask: AskId } | { kind: 'fetch'; message: string; data: Uint8Array; peer: string }

/** What is remembered of a peer, connected or not. */
export interface PeerRecord {
  /** The last dial, if it failed. */
  failure: DialFailure | undefined
  /** The one before it, if its reason was another. */
  earlier: DialFailure | undefined
  dropped: Partial<Record<LossReason, number>>
}

/** `said`: by ourselves. */
export type Outcome = 'accepted' | 'refused' | 'said'

/** topics.ts changes it. */
export interface Topics {
  joined: Map<string, Topic>
  /** Topics whose messages a validator judges. */
  guarded: Set<string>
  /** Topic → peers that have told us that they are in it. */
  subscribers: Map<string, Set<string>>
  /** Peer → how many topics it is in, as far as we know. */
  countOf: Map<string, number>
  /** Peers in the mesh of one of our topics. */
  meshPeers: Set<string>
  /** Peers to which we have a gossip stream, and when the last of them was opened. */
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
  /** Peers for which too much waits → since when. */
  slowPeers: Map<string, number>
  /** Peers to which broadcasts of ours were handed, some of which may still wait to be sent. */
  handed: Set<string>
}

/** validating.ts changes it. */
export interface Validating {
  open: IdMap<Validation>
  deadlines: Deadlines
  nextId: ValidationId
  /** What the messages cost that are being judged: of each peer, and of all. */
  costByPeer: Map<string, number>
  cost: number
}

/** Message id → what became of it: of late, and a little before that. history.ts changes it. */
export interface Outcomes {
  recent: Map<string, Outcome>
  older: Map<string, Outcome>
}

/** receipts.ts changes it. */
export interface ReceiptBook {
  /** Broadcasts of ours that wait for receipts. */
  open: IdMap<Receipts>
  /** Message id → requests of other nodes that want a receipt for it. */
  wanted: Map<string, Set<ExchangeId>>
}

/** large.ts changes it. */
export interface Large {
  /** Large messages that we have, by the hexadecimal text of their hash. */
  blobs: Map<string, Blob>
  blobBytes: number
  digesting: IdMap<Digesting>
  nextDigest: number
}

/** Large messages that are being fetched, by the id of what announced them. fetching.ts changes it. */
export interface Fetching {
  open: Map<string, Fetch>
  bytes: number
}

/** What became of messages. counts.ts changes it. */
export interface CountBook {
  topics: Map<string, Counts>
  peers: Map<string, PeerRecord>
}

export interface BroadcastsState {
  topics: Topics
  publishing: Publishing
  validating: Validating
  outcomes: Outcomes
  receipts: ReceiptBook
  /** By the number of the subscription. catch-up.ts changes it. */
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
      countOf: new Map(),
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
      slowPeers: new Map(),
      handed: new Set(),
    },
    validating: { open: new IdMap(), deadlines: new IdMap(), nextId: 1, costByPeer: new Map(), cost: 0 },
    outcomes: { recent: new Map(), older: new Map() },
    receipts: { open: new IdMap(), wanted: new Map() },
    catchUps: new IdMap(),
    large: { blobs: new Map(), blobBytes: 0, digesting: new IdMap(), nextDigest: 1 },
    fetching: { open: new Map(), bytes: 0 },
    counts: { topics: new Map(), peers: new Map() },
  }
}
