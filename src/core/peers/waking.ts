/**
 * What follows when the machine has slept, or is in another network: all connections are tested, and soon there is a round of dials to
 * those who are away, out of turn.
 */
import type { Effects } from '../effects.js'
import { dueAt } from '../due.js'
import { namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { test } from './connections.js'
import { seek } from './dials.js'
import { query } from './discovery.js'
import { nextChance, onSlept, tryAllNow } from './memory.js'
import type { Connection } from './state.js'

/** So long, ms, or longer, a peer has to answer then: the network may need a moment. */
const TEST = 3_000
/** After so long, ms, without a sign of us peers may have given us up, or have gone. */
const SLEPT = 5_000
/** How soon the round begins, ms, and how much later by chance: what has woken us may have woken many. */
const SOON = 250
const SPREAD = 400
/** Rounds are so far apart at least, ms: interfaces may come and go all the time. */
const APART = 2_000

/** The process stood still for `by` ms, but its clock did not. */
export function onLate(state: State, out: Effects, by: number): void {
  if (by <= SLEPT) return
  onSlept(state, by)
  testAll(state, out, TEST)
  planRound(state)
}

/** The machine slept for `by` ms, in which our clock stood still, or its clock was set. */
export function onClockJumped(state: State, out: Effects, by: number): void {
  const { pingInterval, pingTimeout } = state.settings
  // Peers that were awake have given us up by then, and a line may have forgotten the connections.
  testAll(state, out, by > pingInterval + pingTimeout ? 0 : TEST)
  if (by > SLEPT) planRound(state)
}

/** Addresses of ours have come or gone, and with those that have gone their connections. */
export function onMoved(state: State, out: Effects): void {
  testAll(state, out, TEST)
  planRound(state)
}

/** Each once, also those with a ping under way: one from before may have much more time. */
function testAll(state: State, out: Effects, least: number): void {
  for (const connection of state.connections.all.values()) {
    if (connection.inQuestion) continue
    connection.inQuestion = true
    test(state, out, connection, least)
  }
}

function planRound(state: State): void {
  const { waking, now } = state
  if (waking.nextRound === Infinity) {
    const soon = now + SOON + Math.ceil(SPREAD * nextChance(state))
    waking.nextRound = Math.max(soon, waking.since + APART)
  }
  waking.since = now
  dueAt(state, 'round', waking.nextRound)
}

/** Is a connection that ends now lost to the sleep, or to the change? One that has answered since, however late that is, is not. */
export function isLostToSleep({ waking }: State, { inQuestion, openedAt, answeredAt }: Connection): boolean {
  return inQuestion && Math.max(openedAt, answeredAt) < waking.since
}

/** Who was out of reach may not be any more: we may have had no network at all. */
export function runRound(state: State, out: Effects): void {
  const { waking, discovery, settings, self, connections } = state
  if (state.now < waking.nextRound) return
  waking.nextRound = Infinity
  if (state.lifecycle.phase === 'draining') return
  const away = [...new Set([...namedPeers(settings), ...discovery.table.keys()])].filter(
    (peer) => peer !== self && !connections.byPeer.has(peer),
  )
  for (const peer of away.slice(0, settings.maxProbes)) seek(state, out, peer)
  tryAllNow(state, out)
  if (discovery.table.size > 0) query(state, out)
}
