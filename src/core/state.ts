/**
 * The state of a node: plain data (maps, sets, numbers, strings, bytes), owned by the lane and changed by `step` alone.
 * It has one part for each concern. Each part is typed and created in its concern's folder, and changed only by the file
 * that the linter names (scripts/lint/owners.js).
 */
import { createAccessState, type AccessState } from './access/state.js'
import { createBroadcastsState, type BroadcastAsk, type BroadcastsState, type JoinedAsk } from './broadcasts/state.js'
import type { Refusal } from './effects.js'
import { IdMap, type Deadlines } from './id-map.js'
import { createPeersState, type DialAsk, type OnlineAsk, type PeersState } from './peers/state.js'
import { createRequestsState, type RequestAsk, type RequestsState } from './requests/state.js'
import { createServicesState, type ServicesState } from './services/state.js'
import type { ConnectionId, StreamId } from './port.js'
import type { Settings } from './settings.js'
import type { AskId, ExchangeId } from './terms.js'

/** An explanation that a caller has asked for, while the network is inspected. */
export interface ExplainAsk {
  readonly kind: 'explain'
  readonly id: AskId
  readonly about: { topic: string } | { peer: string }
}

/** A question that is not answered at once. ask-kinds.ts has a row for each kind. */
export type Ask = RequestAsk | DialAsk | BroadcastAsk | JoinedAsk | OnlineAsk | ExplainAsk

/** Those that have a deadline, their `timeout`. The others wait for what always comes. */
export type TimedAsk = Extract<Ask, Record<'timeout', unknown>>

/** Questions of callers and of the node itself. asks.ts changes it. */
export interface Asks {
  open: IdMap<Ask>
  deadlines: Deadlines
}

/**
 * Pings over a connection that were answered, and that failed, since one was sent that counts. It is not told which is which: that one
 * was answered if all were, and was not if none was.
 */
export interface PingsOver {
  answered: boolean
  failed: boolean
}

/** The beginning and the end of the node. lifecycle.ts changes it. */
export interface Lifecycle {
  phase: 'starting' | 'running' | 'draining' | 'stopping' | 'ended'
  /** The multiaddrs that we listen on, without `/p2p`. */
  addresses: string[]
  /** The questions of `stop()`. */
  stopAsks: AskId[]
  /** When the phase is over at the latest: the drain is cut, or `stop()` is answered. */
  stopAt: number
  /** While it drains: when to look again whether all has been sent. */
  lookAt: number
  /** While it drains, once nothing is in flight any more: sessions that have not taken what was written to them by then. */
  unsent: Set<StreamId> | undefined
  /**
   * While it drains, once nothing is in flight any more: a round trip over each of these connections is still to confirm that what
   * was sent has arrived.
   */
  confirming: Map<ConnectionId, PingsOver> | undefined
  /** The connections that it has asked for that, and how many goodbyes each of them had been told by then. */
  asked: Map<ConnectionId, number>
  /**
   * While it drains, once that has been confirmed: of the requests of other nodes to this one it waits for those before this number
   * (they count down). Before: `Infinity`.
   */
  lastServed: ExchangeId
  /** Peers that did not confirm it. */
  unconfirmed: string[]
  /** Why it ends, if its drain was cut short. */
  reason: Refusal | undefined
}

/** What is due next. due.ts changes it. */
export interface Due {
  /** No deadline is earlier than this. It is recomputed when it has come; until then a new deadline may only lower it. */
  next: number
  /** Nothing is due before this; `-Infinity`: there is no such time. */
  graceUntil: number
  /** The time of the wake-up that is armed; `Infinity`: none. */
  wakeAt: number
}

/** What has changed in this batch and is announced at its end. changes.ts changes it. */
export interface Changes {
  /** Something that the status shows. */
  status: boolean
  /** Something of a peer: whether it is connected, where it is, what it says of itself. */
  peers: boolean
  /** The topics that we are in. */
  topics: boolean
  /** Topics whose subscribers changed. */
  subscribers: Set<string>
}

/**
 * What services are told at the end of a step. A question of ours got a `value` or is `over`. A request of another node
 * `arrived`; its answer is `allowed` to go on, by `allowance`; or it was `cut`, because the answer is no longer wanted.
 */
export type ServiceNews =
  | { kind: 'value'; ask: AskId; value: Uint8Array }
  | { kind: 'over'; ask: AskId }
  | { kind: 'arrived'; exchange: ExchangeId; data: Uint8Array }
  | { kind: 'allowed'; exchange: ExchangeId; allowance: number }
  | { kind: 'cut'; exchange: ExchangeId }

/** What the services have not been told yet. news.ts changes it. */
export interface News {
  waiting: ServiceNews[]
}

export interface State extends AccessState, PeersState, RequestsState, ServicesState, BroadcastsState {
  readonly self: string
  readonly settings: Settings
  /** The time of the current batch, ms. */
  now: number
  lifecycle: Lifecycle
  due: Due
  changes: Changes
  asks: Asks
  news: News
}

export function createState(self: string, settings: Settings): State {
  return {
    self,
    settings,
    // The first batch sets it, because a scheduler may begin at any time, also below zero.
    now: -Infinity,
    lifecycle: {
      phase: 'starting',
      addresses: [],
      stopAsks: [],
      stopAt: Infinity,
      lookAt: Infinity,
      unsent: undefined,
      confirming: undefined,
      asked: new Map(),
      lastServed: Infinity,
      unconfirmed: [],
      reason: undefined,
    },
    due: { next: Infinity, graceUntil: -Infinity, wakeAt: Infinity },
    changes: { status: false, peers: false, topics: false, subscribers: new Set() },
    asks: { open: new IdMap(), deadlines: new IdMap() },
    news: { waiting: [] },
    ...createAccessState(),
    ...createPeersState(self),
    ...createRequestsState(),
    ...createServicesState(),
    ...createBroadcastsState(settings.guardedTopics),
  }
}
