/**
 * What answers hold: bytes that wait to be sent, and those that a handler is expected to produce. They are charged to their asker, in
 * shares by peer, before there are any; so a peer that does not read stops its own requests.
 */
import type { State } from '../state.js'
import { FIRST_WINDOW } from './accounts.js'
import { hasShare } from './budget.js'
import type { Account, Exchange } from './state.js'

/**
 * The least that an answer is expected to take, bytes: a thousand of them fit into the share of a peer. That is as many requests as
 * a peer may have open, so those whose answers are small never wait for this.
 */
const LEAST = 16_384
/** After each smaller answer the expectation falls by this part of itself. The newest counts so much of what is usual. */
const DECAY = 8

/**
 * What an answer to this peer will take, bytes: as its largest of late or, while there was none, as usual. What is usual is bounded, so
 * that the first handlers of a peer fit into its share: newcomers must not wait for each other because others ask for much.
 */
export function expectedOf({ budget, settings }: State, { expected }: Account): number {
  if (expected > 0) return expected
  return Math.max(LEAST, Math.min(budget.all.expected, Math.floor(settings.limits.answerBytesPerPeer / FIRST_WINDOW)))
}

/** Is there room for so much more to be produced for this peer? There always is for one answer alone. */
export function mayExpect(state: State, account: Account, bytes: number): boolean {
  const { all } = state.budget
  const { answerBytes, answerBytesPerPeer } = state.settings.limits
  if (all.answers === 0) return true
  const each = account.answers === 0 ? Infinity : answerBytesPerPeer
  return hasShare(state, account, 'answers', bytes, answerBytes, each, LEAST)
}

/**
 * May the answer take so much? What was foreseen may; more may as well while there is room, since it is here already, though it be
 * more than the share of one peer.
 */
export function mayKeep(state: State, exchange: Exchange, bytes: number): boolean {
  const more = bytes - exchange.held
  if (more <= 0) return true
  const { all } = state.budget
  if (all.answers === exchange.held) return true
  const { answerBytes } = state.settings.limits
  const { account } = exchange
  return hasShare(state, account, 'answers', more, answerBytes, answerBytes)
}

/** The answer takes so many bytes from now on. */
export function holdAnswer({ budget, turns }: State, exchange: Exchange, bytes: number): void {
  const more = bytes - exchange.held
  if (more === 0) return
  exchange.held = bytes
  const { account } = exchange
  account.answers += more
  account.range.answers += more
  budget.all.answers += more
  if (more < 0 && (turns.peers.size > 0 || turns.stalled.size > 0)) turns.due = true
}

/** The exchange has ended. */
export function releaseAnswer(state: State, exchange: Exchange): void {
  const { stalled } = state.turns
  if (stalled.size > 0) stalled.delete(exchange.id)
  holdAnswer(state, exchange, 0)
}

/** Do others wait for room, who come first? */
export function isBehind({ turns }: State): boolean {
  return turns.stalled.size > 0 && !turns.resuming
}

/** The producer of the answer waits for room for its next value. */
export function stall(state: State, { id }: Exchange): void {
  const { turns } = state
  if (isBehind(state)) turns.due = true
  turns.stalled.add(id)
}

/** Lets all answers whose producers wait for room try again, those that wait longest first. */
export function resumeStalled({ turns, exchanges }: State, tryAgain: (exchange: Exchange) => void): void {
  if (turns.stalled.size === 0) return
  const ids = [...turns.stalled]
  turns.stalled.clear()
  turns.resuming = true
  for (const id of ids) tryAgain(exchanges.open.get(id)!)
  turns.resuming = false
}

/** A value of an answer is here, and others are expected to be like it. */
export function noteSize({ budget }: State, { account }: Exchange, bytes: number): void {
  account.expected = lately(account.expected, bytes)
  const { all } = budget
  all.expected += Math.floor((bytes - all.expected) / DECAY)
}

function lately(expected: number, bytes: number): number {
  return Math.max(LEAST, bytes, expected - Math.floor(expected / DECAY))
}
