/** Requests of nodes to nodes, in both directions: what we have asked and why, and what we are asked. */
import type { Remembered } from '../broadcasts/state.js'
import { IdMap } from '../id-map.js'
import type { ConnectionId } from '../port.js'
import type { AskId, ExchangeId } from '../terms.js'

/** What a question of the node itself is about: to another node, or (`idle`, `drain`, `verify`) to the network. */
export type Purpose =
  | { kind: 'receipt'; ask: AskId; peer: string }
  | { kind: 'history'; subscription: AskId; peer: string; values: Uint8Array[]; bytes: number }
  | { kind: 'idle'; connection: ConnectionId }
  | { kind: 'drain'; peers: string[] }
  | { kind: 'verify'; subscription: AskId; peer: string; messages: Remembered[] }
  | { kind: 'fetch'; message: string; peer: string; chunks: Uint8Array[]; received: number }

/** What another node has asked us, and waits for. */
export type Serving =
  | { kind: 'receipt'; message: string }
  | { kind: 'blob'; data: Uint8Array; at: number }
  | { kind: 'history'; topic: string; count: number; until: number }

/**
 * What services hear at the end of a step. Of a question of ours: a `value`, or that it is `over`. Of a request of another node:
 * that it `arrived`; its answer may go on, by `allowance`; it was `cut` because nobody waits for the answer any more.
 */
export type ServiceNews =
  | { kind: 'value'; ask: AskId; value: Uint8Array }
  | { kind: 'over'; ask: AskId }
  | { kind: 'arrived'; exchange: ExchangeId; data: Uint8Array }
  | { kind: 'allowed'; exchange: ExchangeId; allowance: number }
  | { kind: 'cut'; exchange: ExchangeId }

/** The files of services/ change it. */
export interface Services {
  /** What we have asked, by its (negative) number, and the number of the next. */
  asked: IdMap<Purpose>
  nextId: AskId
  news: ServiceNews[]
  /** Requests of other nodes that wait for their answer. */
  serving: IdMap<Serving>
}

export interface ServicesState {
  services: Services
}

export function createServicesState(): ServicesState {
  return {
    services: { asked: new IdMap(), nextId: -1, news: [], serving: new IdMap() },
  }
}
