/**
 * The state of a node: plain data (maps, sets, numbers, strings, bytes), owned by the pipeline and changed by `step` alone. It
 * has one part for each concern. The part is typed and created in the concern's folder, and changed by the file there that
 * the linter names (eslint.config.js, `OWNERS`).
 */
import { createBroadcastsState, type BroadcastAsk, type BroadcastsState, type JoinedAsk } from './broadcasts/state.js'
import type { Deadlines } from './deadlines.js'
import { IdMap } from './id-map.js'
import { createPeersState, type DialAsk, type OnlineAsk, type PeersState } from './peers/state.js'
import { createRequestsState, type RequestAsk, type RequestsState } from './requests/state.js'
import { createServicesState, type ServicesState } from './services/state.js'
import type { Settings } from './settings.js'
import type { AskId } from './terms.js'

/** A caller that wants an explanation, while the network is asked. */
export interface ExplainAsk {
  readonly kind: 'explain'
  readonly id: AskId
  readonly about: { topic: string } | { peer: string }
}

/** A question that is not answered at once. `step.ts` has a row for each kind. */
export type Ask = RequestAsk | DialAsk | BroadcastAsk | JoinedAsk | OnlineAsk | ExplainAsk

/** Questions of callers, and of the node itself. asks.ts changes it. */
export interface Asks {
  open: IdMap<Ask>
  deadlines: Deadlines
}

/** The beginning and the end of the node. lifecycle.ts changes it. */
export interface Lifecycle {
  phase: 'starting' | 'running' | 'stopping' | 'ended'
  /** Where we listen, without `/p2p`. */
  addresses: string[]
  /** The question of `stop()`, and when it is answered at the latest. */
  stopAsk: AskId | undefined
  stopAt: number
}

/** What is due next. deadlines.ts changes it. */
export interface Due {
  /** No deadline is earlier than this. It is found anew when it has come; until then a new deadline may only lower it. */
  next: number
  /** The wake-up that is armed; `Infinity`: none. */
  wakeAt: number
}

/** What has changed in this batch, and is told at its end. changes.ts changes it. */
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

export interface State extends PeersState, RequestsState, ServicesState, BroadcastsState {
  readonly self: string
  readonly settings: Settings
  /** The time of the current batch, ms. */
  now: number
  lifecycle: Lifecycle
  due: Due
  changes: Changes
  asks: Asks
}

export function createState(self: string, settings: Settings): State {
  return {
    self,
    settings,
    // The first batch sets it: a scheduler may begin anywhere, below zero too.
    now: -Infinity,
    lifecycle: { phase: 'starting', addresses: [], stopAsk: undefined, stopAt: Infinity },
    due: { next: Infinity, wakeAt: Infinity },
    changes: { status: false, peers: false, topics: false, subscribers: new Set() },
    asks: { open: new IdMap(), deadlines: new IdMap() },
    ...createPeersState(self),
    ...createRequestsState(),
    ...createServicesState(),
    ...createBroadcastsState(settings.guardedTopics),
  }
}
