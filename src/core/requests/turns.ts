/**
 * Whose request goes to its handler next. A request goes at once, as long as its peer may have one more handler and nobody waits.
 * Otherwise it waits, and peers have turns: round robin, one request a turn. A peer whose handlers have used up more time than a
 * turn's worth lets turns pass until it is paid, while others wait (deficit round robin: Shreedhar and Varghese, SIGCOMM 1995,
 * with the cost known afterwards). Peers whose handlers keep the process for long rest after them (dear.ts).
 */
import { log, type Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { tellServices } from '../news.js'
import type { State } from '../state.js'
import { line, type ExchangeId } from '../terms.js'
import { expectedWait, isResting, noteBegin, restLater } from './dear.js'
import { startDeadline } from './exchanges.js'
import { expectedOf, holdAnswer } from './held.js'
import {
  addDebt,
  beginTurns,
  dropLingering,
  expireLingering,
  freeSlot,
  growLater,
  hasSlot,
  moveToEnd,
  payDebt,
  queueExchange,
  queueFirst,
  returnSlot,
  reviewTurns,
  takeSlot,
  unqueueExchange,
  waitBehind,
} from './slots.js'
import type { Account, Exchange } from './state.js'

/** What a turn is worth, ms of a handler's time. Shorter times are not reported (`handlerTook`). */
const TURN = 1

/** Why a request is refused that would wait for too long. */
export const TOO_LATE = 'it would wait for longer than its time behind others of its peer'

/**
 * The request is complete and has its room. It goes to its handler, or waits for its turn. Returns by how many ms it would wait for longer
 * than it may, so it is better refused at once; 0: it is taken.
 */
export function startHandling(state: State, out: Effects, exchange: Exchange, data: Uint8Array): number {
  exchange.arrivedAt = state.now
  startDeadline(state, exchange)
  if (exchange.service) {
    exchange.stage = 'handling'
    tellServices(state, { kind: 'arrived', exchange: exchange.id, data })
    return 0
  }
  const { account } = exchange
  if (state.turns.peers.size === 0 && hasSlot(state, account) && !isResting(state, account)) {
    handOut(state, out, account, exchange, data)
    return 0
  }
  const left = exchange.until - state.now
  const late = Math.max(expectedWait(state, account), waitBehind(account)) - left
  if (late > 0) return late
  queueExchange(state, account, exchange, data)
  return 0
}

function handOut(state: State, out: Effects, account: Account, exchange: Exchange, data: Uint8Array): void {
  const { id, peer, arrivedAt } = exchange
  exchange.stage = 'handling'
  takeSlot(state, account, exchange)
  noteBegin(state, account)
  holdAnswer(state, exchange, expectedOf(state, account))
  const waited = state.now - arrivedAt
  out.push(
    waited === 0
      ? { type: 'handle', exchange: id, from: peer, data }
      : { type: 'handle', exchange: id, from: peer, data, waited },
  )
}

/** Something has become free: requests that wait go on, in turn. */
export function serveTurns(state: State, out: Effects): void {
  const { turns } = state
  beginTurns(state)
  let passed = 0
  let least = Infinity
  // A peer that still waits goes to the end of the map, where this loop meets it again.
  for (const account of turns.peers.values()) {
    if (passed >= turns.peers.size) {
      if (least === Infinity) break
      // Nobody else waits who could go.
      for (const other of turns.peers.values()) payDebt(other, least)
      least = Infinity
      passed = 0
    }
    passed++
    moveToEnd(state, account)
    const exchange = firstOf(state, account)
    if (exchange === undefined) continue
    if (!hasSlot(state, account)) {
      if (account.handlers >= account.window && account.expected === 0) growLater(state)
      continue
    }
    if (isResting(state, account)) {
      restLater(state)
      continue
    }
    if (account.debt > 0 && turns.peers.size > 1) {
      payDebt(account, TURN)
      least = Math.min(least, account.debt)
      continue
    }
    passed = 0
    takeTurn(state, out, account, exchange)
  }
}

/** The first of the peer's requests for whose answer somebody waits still. */
function firstOf({ exchanges, now }: State, { queue }: Account): Exchange | undefined {
  for (const id of queue) {
    const exchange = exchanges.open.get(id)!
    if (exchange.deadline === 0 || exchange.deadline > now) return exchange
  }
  return undefined
}

function takeTurn(state: State, out: Effects, account: Account, exchange: Exchange): void {
  const { payload } = exchange
  unqueueExchange(state, exchange)
  exchange.payload = undefined
  handOut(state, out, account, exchange, payload!)
}

/** The edge has not come to these in its turn. They are the next of their peers. */
export function onHandedBack(state: State, { requests }: CommandOf<'handedBack'>): void {
  const byPeer = new Map<string, ExchangeId[]>()
  for (const { exchange: id, data } of requests) {
    const exchange = state.exchanges.open.get(id)
    const isWanted = exchange?.stage === 'handling' && exchange.busy
    if (!isWanted) {
      dropLingering(state, id)
      continue
    }
    returnSlot(state, exchange)
    holdAnswer(state, exchange, 0)
    exchange.stage = 'queued'
    exchange.payload = data
    const ids = byPeer.get(exchange.peer) ?? []
    byPeer.set(exchange.peer, ids)
    ids.push(id)
  }
  for (const [peer, ids] of byPeer) queueFirst(state, state.budget.accounts.get(peer)!, ids)
}

/** A handler has kept the process from everything else for so long, ms. */
export function onHandlerTook(state: State, { peer, ms }: CommandOf<'handlerTook'>): void {
  addDebt(state, peer, ms)
}

/** A handler has come to its end, after its request. */
export function onReleased(state: State, { exchange }: CommandOf<'released'>): void {
  freeSlot(state, exchange)
}

/** What waits for a time. */
export function expireHandlers(state: State, out: Effects): void {
  reviewTurns(state)
  const peers = expireLingering(state)
  if (peers.length === 0) return
  log(
    out,
    'warn',
    line`${peers.length} handlers have not ended a minute after their requests were over (one of ${peers[0]})`,
  )
}
