/**
 * Everything that can enter a node: commands of callers, events of the network, and events of the lane itself. Plain data: a
 * recording of it replays to the same states and effects.
 */
import type { Entry } from './access/lists.js'
import type { PortEvent, Verdict } from './port.js'
import type { AskId, ExchangeId, Failure, SubscriptionId, TakeValues, ValidationId, WantReceipts } from './terms.js'

/** What callers ask. `ask` numbers a question, which exactly one `settle` or `fail` answers. */
export type Command =
  /**
   * `addresses`: where to dial the peer if there is no connection; empty: look it up. `timeout`: from now to the first value,
   * ms. `values`: how a stream of values is taken; without it the first value is the answer.
   */
  | {
      type: 'request'
      ask: AskId
      peer: string
      addresses: string[]
      data: Uint8Array
      timeout: number
      values?: TakeValues
    }
  /** The caller is no longer interested; no answer follows. */
  | { type: 'cancel'; ask: AskId }
  /** A caller that pulls has taken values of this cost (`valueCost`), so values of the same cost may follow. */
  | { type: 'taken'; ask: AskId; cost: number }
  /**
   * Answers an inbound request with one value. Only the first of `respond`, `complete` and `reject` counts. `working`: the handler
   * has not come to its end yet, and `released` follows.
   */
  | { type: 'respond'; exchange: ExchangeId; data: Uint8Array; working?: true }
  /** The producer of the answer can wait: `produce` says how much it may produce. */
  | { type: 'pullable'; exchange: ExchangeId }
  /** One of several values of an answer. */
  | { type: 'next'; exchange: ExchangeId; data: Uint8Array }
  /** No value follows. */
  | { type: 'complete'; exchange: ExchangeId; working?: true }
  /** Refuses the request. `code` and `retryAfterMs` are within what the wire can carry. */
  | { type: 'reject'; exchange: ExchangeId; reason?: string; code?: string; retryAfterMs?: number; working?: true }
  /** The handler of a request that was cancelled, or answered by somebody else, has come to its end. */
  | { type: 'released'; exchange: ExchangeId }
  /** So many handlers have used up the time of this turn of the event loop: those that are to be called now come back … */
  | { type: 'turnUsed'; ran: number }
  /** … when it is over. */
  | { type: 'handedBack'; requests: { exchange: ExchangeId; data: Uint8Array }[] }
  /** The handler of a request of this peer has kept the event loop for so long, whole ms from 1 on. */
  | { type: 'handlerTook'; peer: string; ms: number }
  /** Applications answer requests of these protocols, all of them. */
  | { type: 'serve'; protocols: string[] }
  /** `target`: a peer id, or a multiaddr if the peer id is not known. */
  | { type: 'dialPeer'; ask: AskId; target: string; addresses: string[] }
  | { type: 'knownPeers'; ask: AskId }
  | { type: 'status'; ask: AskId }
  /** `waitForPeers`: not before `min` subscribers can be reached, ms. `receipts`: ask subscribers to confirm the message. */
  | {
      type: 'broadcast'
      ask: AskId
      topic: string
      data: Uint8Array
      waitForPeers?: { min: number; timeout: number }
      receipts?: WantReceipts
    }
  /** One subscriber more, or less. `replay`: it gets the last `count` broadcasts first. */
  | { type: 'subscribe'; topic: string; replay?: { subscription: SubscriptionId; count: number } }
  | { type: 'unsubscribe'; topic: string; subscription?: SubscriptionId }
  /** Answered when the topic is joined: announced to every connected peer, and we are in its mesh or alone in it. */
  | { type: 'joined'; ask: AskId; topic: string; timeout: number }
  /** Answered when so many peers are connected and have said who they are. */
  | { type: 'online'; ask: AskId; peers: number; timeout: number }
  /** Messages of the topic are validated before they are delivered or forwarded. */
  | { type: 'guardTopic'; topic: string }
  /** Answers `validate`. `failed`: the validator threw, or returned no verdict. */
  | { type: 'validated'; validation: ValidationId; verdict: Verdict; failed: boolean }
  /** Answers `digest` with the SHA-256 of its data. */
  | { type: 'digested'; digest: number; hash: Uint8Array }
  /** The buffer of a subscriber was full: `count` broadcasts were dropped. */
  | { type: 'discarded'; topic: string; count: number }
  /** These may come in, again or from now on. */
  | { type: 'allow'; ask: AskId; entries: Entry[] }
  /** These may not, for `duration` ms or for ever. */
  | { type: 'deny'; ask: AskId; entries: Entry[]; duration?: number; reason?: string }
  /** Answers `authorize`. `failed`: it threw, or gave no answer that is one. */
  | { type: 'authorized'; authorization: number; admitted: boolean; failed: boolean }
  /** Everything that is known of a topic or a peer. */
  | { type: 'explain'; ask: AskId; about: { topic: string } | { peer: string } }
  /** `drain`: what is in flight has so many ms to come to its end. Again, while that goes on: whichever end comes first. */
  | { type: 'shutdown'; ask: AskId; drain?: number }

/** Events of the lane itself. */
export type Internal =
  | { type: 'start' }
  /** The discovery interval. */
  | { type: 'tick' }
  /** The time of `wakeAt` has come. */
  | { type: 'woken' }
  /** This batch comes `by` ms after something was due: the process was busy, stopped or asleep, and has heard nothing meanwhile. */
  | { type: 'late'; by: number }
  /** An effect threw. */
  | { type: 'effectFailed'; effect: string; failure: Failure }

export type Event = Command | Internal | PortEvent

export type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>
export type EventOf<Type extends Event['type']> = Extract<Event, { type: Type }>

/** Commands that are answered by exactly one `settle` or `fail`. */
type Question = Exclude<Extract<Command, { ask: AskId }>, { type: 'cancel' | 'taken' }>

/** Their types. A question that is missing here is a type error. */
const QUESTIONS: Record<Question['type'], true> = {
  request: true,
  dialPeer: true,
  knownPeers: true,
  status: true,
  broadcast: true,
  joined: true,
  online: true,
  explain: true,
  allow: true,
  deny: true,
  shutdown: true,
}

export function isQuestion(event: Event): event is Question {
  return event.type in QUESTIONS
}

/** All events of one instant, in the order of their arrival. */
export interface Batch {
  /** The time of the lane's scheduler, whole ms. */
  at: number
  events: Event[]
}
