/** The state of services: questions of this node with their purposes, and requests of other nodes that wait for an answer. */
import type { RememberedBroadcast } from '../broadcasts/state.js'
import { IdMap } from '../id-map.js'
import { createShares, type Shares } from '../limits/shares.js'
import type { ConnectionId } from '../port.js'
import type { AskId, ExchangeId, SubscriptionId } from '../terms.js'

/** What a question of the node itself is for. `idle`, `drain` and `verify` go to the network, the others to other nodes. */
export type Purpose =
  | { kind: 'receipt'; ask: AskId; peer: string }
  | { kind: 'history'; subscription: SubscriptionId; peer: string; values: Uint8Array[]; bytes: number }
  | { kind: 'idle'; connection: ConnectionId }
  | { kind: 'drain'; peers: string[] }
  | { kind: 'verify'; subscription: SubscriptionId; peer: string; messages: RememberedBroadcast[] }
  | { kind: 'twin' }
  | { kind: 'fetch'; message: string; peer: string; chunks: Uint8Array[]; received: number }

export type PurposeOf<Kind extends Purpose['kind']> = Extract<Purpose, { kind: Kind }>

/** A request of another node that waits for its answer. */
export type Serving =
  | { kind: 'receipt'; message: string }
  | { kind: 'blob'; data: Uint8Array; at: number }
  | { kind: 'history'; peer: string; topic: string; count: number; until: number }

export type ServingOf<Kind extends Serving['kind']> = Extract<Serving, { kind: Kind }>

/** book.ts changes it. */
export interface Services {
  /** Questions of this node: their (negative) number → their purpose. */
  purposes: IdMap<Purpose>
  /** The number of the next question. */
  nextId: AskId
  /** Requests of other nodes that wait for an answer. */
  serving: IdMap<Serving>
  /** Those of them that want histories: peer → its requests. (Every step looks at them, and at no others.) */
  wanted: Map<string, Set<ExchangeId>>
  /** How many those are, by peer. */
  wantedBy: Shares
  /** Histories that are being sent, and those of which that was not noted yet that they have gone. */
  histories: Set<ExchangeId>
}

export interface ServicesState {
  services: Services
}

export function createServicesState(): ServicesState {
  return {
    services: {
      purposes: new IdMap(),
      nextId: -1,
      serving: new IdMap(),
      wanted: new Map(),
      wantedBy: createShares(),
      histories: new Set(),
    },
  }
}
