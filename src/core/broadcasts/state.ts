/**
 * What a node knows of broadcasts: its topics and who else is in them, what waits to be published, judged or fetched, and
 * what was heard of late. Plain data, changed by the files beside it alone.
 */
import type { Attempt, AskId, ConnectionId, DropReason } from '../port.js'
import type { Deadlines } from '../deadlines.js'
import type { Heard } from '../effects.js'
import type { ValidationId, WantReceipts } from '../events.js'
import { IdMap } from '../id-map.js'
import type { ExchangeId } from '../state.js'

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

/** What an own request to another node is about. */
export type Purpose =
  | { kind: 'receipt'; ask: AskId; peer: string }
  | { kind: 'history'; subscription: AskId; peer: string; values: Uint8Array[]; bytes: number }
  | { kind: 'idle'; connection: ConnectionId }
  | { kind: 'verify'; subscription: AskId; peer: string; messages: Remembered[] }
  | { kind: 'fetch'; message: string; peer: string; chunks: Uint8Array[]; received: number }

/** What another node has asked us and waits for. */
export type Serving =
  | { kind: 'receipt'; message: string }
  | { kind: 'blob'; data: Uint8Array; at: number }
  | { kind: 'history'; topic: string; count: number; until: number }

/** What is remembered of a peer, connected or not. */
export interface PeerRecord {
  /** The last dial, if it failed. */
  failure: { at: number; message: string; tried: Attempt[] } | undefined
  dropped: Partial<Record<LossReason, number>>
}

export interface Broadcasts {
  /** Topics whose messages a validator judges. */
  guarded: Set<string>
  /** Topic → peers that have told us that they are in it. */
  others: Map<string, Set<string>>
  /** Peer → how many topics it is in, as far as we know. */
  topicsOf: Map<string, number>
  /** Peers to whom we have a gossip stream, and when the last of them was opened. */
  gossip: Set<string>
  gossipSince: number
  counts: Map<string, Counts>
  peers: Map<string, PeerRecord>
  /** Callers who wait for subscribers, and for topics to be joined. */
  waiting: Set<AskId>
  joining: Set<AskId>

  queues: Map<string, PublishQueue>
  queuedBytes: number
  /** Broadcasts that the network has not answered yet. */
  publishing: number
  /** Peers for whom too much waits → since when. */
  full: Map<string, number>
  /** Peers to whom broadcasts of ours were handed, some of which may still wait to be sent. */
  handed: Set<string>

  validations: IdMap<Validation>
  validationDeadlines: Deadlines
  nextValidation: ValidationId
  /** What the messages cost that are being judged: of each peer, and of all. */
  judging: Map<string, number>
  judgingBytes: number

  /** Message id → what became of it: of late, and a little before that. */
  outcomes: Map<string, Outcome>
  olderOutcomes: Map<string, Outcome>

  /** Requests of ours to other nodes, by their (negative) numbers. */
  own: IdMap<Purpose>
  nextOwn: AskId
  /** Requests of other nodes: those that have just come, and those that wait. */
  arrived: { exchange: ExchangeId; data: Uint8Array }[]
  serving: IdMap<Serving>
  /** Message id → those who want a receipt for it. */
  wanted: Map<string, Set<ExchangeId>>

  receipts: IdMap<Receipts>
  catchUps: IdMap<CatchUp>

  /** Large messages that we have, by the hexadecimal text of their hash. */
  blobs: Map<string, Blob>
  blobBytes: number
  /** Large messages that are being fetched, by the id of what announced them. */
  fetches: Map<string, Fetch>
  fetchBytes: number
  digesting: IdMap<Digesting>
  nextDigest: number

  /** What has changed in this batch. */
  topicsDirty: boolean
  othersDirty: Set<string>
}

/** `said`: by ourselves. */
export type Outcome = 'accepted' | 'refused' | 'said'

export function createBroadcasts(guarded: readonly string[]): Broadcasts {
  return {
    guarded: new Set(guarded),
    others: new Map(),
    topicsOf: new Map(),
    gossip: new Set(),
    gossipSince: -Infinity,
    counts: new Map(),
    peers: new Map(),
    waiting: new Set(),
    joining: new Set(),
    queues: new Map(),
    queuedBytes: 0,
    publishing: 0,
    full: new Map(),
    handed: new Set(),
    validations: new IdMap(),
    validationDeadlines: new IdMap(),
    nextValidation: 1,
    judging: new Map(),
    judgingBytes: 0,
    outcomes: new Map(),
    olderOutcomes: new Map(),
    own: new IdMap(),
    nextOwn: -1,
    arrived: [],
    serving: new IdMap(),
    wanted: new Map(),
    receipts: new IdMap(),
    catchUps: new IdMap(),
    blobs: new Map(),
    blobBytes: 0,
    fetches: new Map(),
    fetchBytes: 0,
    digesting: new IdMap(),
    nextDigest: 1,
    topicsDirty: false,
    othersDirty: new Set(),
  }
}
