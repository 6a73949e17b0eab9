/**
 * Everything that can enter a node: what callers ask (commands), what the network reports (port events), and what the
 * lane says to itself. Plain data: a recording of it replays to the same states and effects.
 */
import type { PortEvent, Verdict } from './port.js'
import type { AskId, ExchangeId, Failure, TakeValues, ValidationId, WantReceipts } from './terms.js'

/** What callers ask. `ask` numbers a question that is answered by exactly one `settle` or `fail`. */
export type Command =
  /**
   * `addresses`: where to dial the peer when there is no connection; none: look it up. `timeout` in ms from now, to the
   * first value. `values`: how a stream of values is taken; without it the first value is the answer.
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
  /** A caller that pulls has taken values of this cost (`valueCost`), so as much may come again. */
  | { type: 'taken'; ask: AskId; cost: number }
  /** Answers an inbound request, with one value. Once: the first of `respond`, `complete` and `reject` wins. */
  | { type: 'respond'; exchange: ExchangeId; data: Uint8Array }
  /** A producer that can wait answers: `produce` says how much it may make. */
  | { type: 'pullable'; exchange: ExchangeId }
  /** One of several values of an answer. */
  | { type: 'next'; exchange: ExchangeId; data: Uint8Array }
  /** No value follows. */
  | { type: 'complete'; exchange: ExchangeId }
  /** Refuses; `code` and `retryAfterMs` as the wire can carry them. */
  | { type: 'reject'; exchange: ExchangeId; reason?: string; code?: string; retryAfterMs?: number }
  /** `target`: a peer id, or a whole multiaddr where the peer id is not known. */
  | { type: 'dialPeer'; ask: AskId; target: string; addresses: string[] }
  | { type: 'knownPeers'; ask: AskId }
  | { type: 'status'; ask: AskId }
  /** `waitForPeers`: not before so many subscribers can be reached. `receipts`: ask those who hear it to say so. */
  | {
      type: 'broadcast'
      ask: AskId
      topic: string
      data: Uint8Array
      waitForPeers?: { min: number; timeout: number }
      receipts?: WantReceipts
    }
  /** One more, or one less, subscriber of a topic. `replay`: it is to have the last `count` broadcasts first. */
  | { type: 'subscribe'; topic: string; replay?: { subscription: AskId; count: number } }
  | { type: 'unsubscribe'; topic: string; subscription?: AskId }
  /** Answered when the topic is joined: announced to everybody we are connected to, and in a mesh, or alone. */
  | { type: 'joined'; ask: AskId; topic: string; timeout: number }
  /** Answered when so many peers are connected and have said who they are. */
  | { type: 'online'; ask: AskId; peers: number; timeout: number }
  /** Messages of the topic are judged before anybody gets them. */
  | { type: 'guardTopic'; topic: string }
  /** Answers `validate`. `failed`: the validator threw, or gave no verdict. */
  | { type: 'validated'; validation: ValidationId; verdict: Verdict; failed: boolean }
  /** Answers `digest`: SHA-256 of what was given. */
  | { type: 'digested'; digest: number; hash: Uint8Array }
  /** A subscriber could not take what came: so many broadcasts were dropped at its buffer. */
  | { type: 'discarded'; topic: string; count: number }
  /** A topic, or a peer. */
  | { type: 'explain'; ask: AskId; about: { topic: string } | { peer: string } }
  | { type: 'shutdown'; ask: AskId }

/** What the lane says to itself. */
export type Internal =
  | { type: 'start' }
  /** The discovery interval. */
  | { type: 'tick' }
  /** The time asked for by `wakeAt` has come. */
  | { type: 'woken' }
  /** An effect threw. */
  | { type: 'effectFailed'; effect: string; failure: Failure }

export type Event = Command | Internal | PortEvent

export type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>
export type EventOf<Type extends Event['type']> = Extract<Event, { type: Type }>

/** Commands that are answered by exactly one `settle` or `fail`. */
type Question = Exclude<Extract<Command, { ask: AskId }>, { type: 'cancel' | 'taken' }>

/** Their types: a question that is missing here is a type error. */
const QUESTIONS: Record<Question['type'], true> = {
  request: true,
  dialPeer: true,
  knownPeers: true,
  status: true,
  broadcast: true,
  joined: true,
  online: true,
  explain: true,
  shutdown: true,
}

export function isQuestion(event: Event): event is Question {
  return event.type in QUESTIONS
}

/** All events of one instant, in the order of their arrival. */
export interface Batch {
  /** Whole milliseconds on the lane's scheduler. */
  at: number
  events: Event[]
}
