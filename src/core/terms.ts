/** Small records and numbers that events, effects and the state share. They import nothing, so every file of core may use them. */

/** Number of a caller's pending question (a request, a dial, a broadcast …); below zero: of a question of the node itself. */
export type AskId = number

/** Number of a peer's request: its stream over version 1; below zero when it came over a session. */
export type ExchangeId = number

/** Number of a message that a validator of ours judges. */
export type ValidationId = number

/** Why something failed: a sentence, and the foreign error behind it (which a recording leaves out). */
export interface Failure {
  message: string
  cause?: unknown
}

/** What becomes of values that cannot be taken as fast as they come. */
export type Overflow = 'error' | 'dropOldest' | 'conflate'

/** How a caller takes a stream of values. */
export interface TakeValues {
  /** `pull`: only what was `taken` lets more come. `push`: whatever comes is taken at once. */
  mode: 'pull' | 'push'
  /** For the other side, when its producer cannot wait: at most this many values wait there … */
  buffer?: number
  /** … and this happens to the rest. */
  overflow?: Overflow
}

/** Receipts of a broadcast: at most `count`, for at most `timeout` ms. */
export interface WantReceipts {
  count?: number
  timeout: number
}

/** A broadcast as subscribers get it. */
export interface Heard {
  topic: string
  data: Uint8Array
  /** Peer id of the signer. */
  from: string
  /** Peer id of the peer that handed it to us. */
  via: string
  id: string
}
