/**
 * Small records and numbers that events, effects and the state share. The file imports nothing, so every file may import
 * it.
 */

/** Number of a pending question (a request, a dial, a broadcast …); below zero: the node itself asks it. */
export type AskId = number

/** Number of a peer's request: its stream id over version 1, a number below zero over a session. */
export type ExchangeId = number

/** Number of a subscriber that gets the last broadcasts first. The edge gives it. */
export type SubscriptionId = number

/** Number of a message under validation. */
export type ValidationId = number

/** Why something failed: a sentence, and the original error, which a recording leaves out. */
export interface Failure {
  message: string
  cause?: unknown
}

/** A line of the log, and what all lines of its kind have in common. A text: all of it, so nothing of it varies. */
export type Said = string | { kind: string; text: string; peer?: string }

/** The form of a peer id. */
const PEER_ID = /^(?:12D3KooW|16Uiu2HA|Qm)[1-9A-HJ-NP-Za-km-z]{44,45}$/

/** A line of the log: what is put in is what varies. The first peer id that is put in is the peer that it is about. */
export function line(parts: TemplateStringsArray, ...put: unknown[]): Exclude<Said, string> {
  const text = parts.reduce((before, part, i) => `${before}${String(put[i - 1])}${part}`)
  const peer = put.find((one) => typeof one === 'string' && PEER_ID.test(one)) as string | undefined
  return { kind: parts.join('…'), text, ...(peer !== undefined && { peer }) }
}

/** What happens to values that come faster than they are taken. */
export type Overflow = 'error' | 'dropOldest' | 'conflate'

/** How a caller takes a stream of values. */
export interface TakeValues {
  /** `pull`: more comes only after `taken`. `push`: every value counts as taken at once. */
  mode: 'pull' | 'push'
  /** If the producer cannot wait: at most this many values wait on the other side … */
  buffer?: number
  /** … and this happens to the others. */
  overflow?: Overflow
  /** Once it has begun, the longest time in which nothing comes, ms; absent: there is no such limit. */
  idleTimeout?: number
}

/** Does each value count as taken at once? */
export const TAKES_AT_ONCE: Readonly<Record<TakeValues['mode'], boolean>> = { pull: false, push: true }

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
  /** Peer id of the peer that forwarded it to us. */
  via: string
  id: string
}

/** Stands at the end of a switch over a union: a member that the switch forgets is a type error there. */
export function unhandled(_nothing: never): void {
  // Whatever comes here was added at run time, by nothing of ours.
}
