/** What requests of either kind may end with: which errors a plan allows, and what a refusal has to say. */
import type { ErrorCode, P2pError } from '../../src/errors.js'
import type { NodePlan, Scenario } from './scenario.js'

/** What makes a node refuse requests of others: too many, or too many bytes of them. */
export const INBOUND = ['requestsPerPeer', 'requestBytesPerPeer', 'requestBytes'] as const

export function isLimited(plan: NodePlan | undefined, limits: readonly (keyof NodePlan['limits'])[]): boolean {
  return limits.some((limit) => plan?.limits[limit] !== undefined)
}

/** Its node is to end in good order, and refuses what is new then. */
export function isToDrain({ schedule }: Scenario, node: number): boolean {
  return schedule.some((step) => step.do === 'drain' && step.node === node)
}

/** Do they ask each other over a session? */
export function isSession({ nodes }: Scenario, from: number, to: number): boolean {
  return nodes[from]?.isOld === false && nodes[to]?.isOld === false
}

/** Nobody gives up earlier than after this time of the network, ms: by the asker's clock or the answerer's. */
export function leastTimeout(timeout: number, from: NodePlan, to: NodePlan | undefined, overSession: boolean): number {
  if (!overSession || to === undefined) return Math.floor((timeout - 1) / from.skew.rate) - 1
  const least = Math.min(timeout, to.requestTimeout)
  return Math.floor((least - 1) / Math.max(from.skew.rate, to.skew.rate)) - 2
}

/** Refusals that say why. */
export function refusalOf(kind: 'fail' | 'busy'): Error {
  const reason = REASONS[kind]
  return Object.assign(new Error(reason.message), { expose: true, ...reason })
}

export const REASONS = {
  fail: { code: 'NotFound', message: 'refused on purpose' },
  busy: { code: 'Overloaded', message: 'busy on purpose', retryAfterMs: 700 },
} as const

/** A refusal that was made on purpose, and came with another reason. */
export function isWrongRefusal({ code, remoteCode, retryAfterMs, message }: P2pError): boolean {
  if (code === 'Overloaded') return retryAfterMs !== REASONS.busy.retryAfterMs
  return remoteCode !== REASONS.fail.code || !message.includes(REASONS.fail.message)
}

interface Circumstances {
  from: NodePlan
  to: NodePlan | undefined
  size: number
  isFaulty: boolean
  isUp: boolean
  by: 'id' | 'address'
}

const CODES: ErrorCode[] = [
  'RequestTooLarge',
  'ResponseTooLarge',
  'Aborted',
  'RequestTimeout',
  'NodeStopped',
  'Overloaded',
  'DialError',
  'RequestRejected',
  'ConnectionLost',
]

/** What is wrong with an error, whatever was asked; `undefined`: nothing that can be seen from here. */
export function failureOf(error: P2pError, circumstances: Circumstances): string | undefined {
  const { code } = error
  const { from, to, size, isFaulty, isUp, by } = circumstances
  if (!CODES.includes(code)) return 'not one of the errors of requests'
  // Over our own limit it is never sent; over the other side's, that one says so, if it comes to it.
  const isTooLarge = size > from.maxRequestSize
  const mayBeTooLarge = isTooLarge || (to !== undefined && size > to.maxRequestSize)
  if (code === 'RequestTooLarge' ? !mayBeTooLarge : isTooLarge)
    return `the request has ${size} bytes, and it ended with ${code}`
  if (code === 'NodeStopped' && isUp) return 'the node runs'
  const isThere = !isFaulty && to !== undefined && by === 'address'
  return code === 'DialError' && isThere && !isConnectionLost(error) ? 'the peer is there' : undefined
}

/** Its connection was closed just then, before or after something of the request was sent. */
export function isConnectionLost({ code, message }: P2pError): boolean {
  return (
    code === 'ConnectionLost' || (code === 'DialError' && /^no stream to|^the request was not sent: /.test(message))
  )
}
