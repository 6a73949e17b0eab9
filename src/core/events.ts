/**
 * Everything that can enter a node: what callers ask (commands), what the network reports (port events), and what the
 * lane says to itself. Plain data: a recording of it replays to the same states and effects.
 */
import type { AskId, Failure, PortEvent, StreamId } from '../network/port.js'

/** What callers ask. `ask` numbers a question that is answered by exactly one `settle` or `fail`. */
export type Command =
  /** `addresses`: where to dial the peer when there is no connection; none: look it up. `timeout` in ms from now. */
  | { type: 'request'; ask: AskId; peer: string; addresses: string[]; data: Uint8Array; timeout: number }
  /** The caller is no longer interested; no answer follows. */
  | { type: 'cancel'; ask: AskId }
  /** Answers an inbound request. Once: the first of `respond` and `reject` wins. */
  | { type: 'respond'; exchange: StreamId; data: Uint8Array }
  | { type: 'reject'; exchange: StreamId; reason?: string }
  /** `target`: a peer id, or a whole multiaddr where the peer id is not known. */
  | { type: 'dialPeer'; ask: AskId; target: string; addresses: string[] }
  | { type: 'knownPeers'; ask: AskId }
  | { type: 'status'; ask: AskId }
  | { type: 'broadcast'; ask: AskId; topic: string; data: Uint8Array }
  /** One more, or one less, subscriber of a topic. */
  | { type: 'subscribe'; topic: string }
  | { type: 'unsubscribe'; topic: string }
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

/** All events of one instant, in the order of their arrival. */
export interface Batch {
  /** Whole milliseconds on the lane's scheduler. */
  at: number
  events: Event[]
}
