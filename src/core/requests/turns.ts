/**
 * Whose request goes to its handler next. A request goes at once, as long as its peer may have one more handler and nobody waits.
 * Otherwise it waits, and next is whoever has had least of the handlers' time (served.ts). Peers whose handlers keep the process for long
 * rest after them (dear.ts).
 */
import { log, type Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { tellServices } from '../news.js'
import type { State } from '../state.js'
import { line, type ExchangeId } from '../terms.js'
import { expectedWait, isResting, noteBegin, noteTime, restLater } from './dear.js'
import { startDeadline } from './exchanges.js'
import { expectedOf, holdAnswer } from './held.js'
import { addServed, advanceClock, noteServed, passTime, servedNext, servedOf, takeBack } from './served.js'
import {
  beginTurns,
  dropLingering,
  endTurn,
  expireLingering,
  freeSlot,
  goOnLater,
  growLater,
  handsOne,
  hasSlot,
  nextTurn,
  queueExchange,
  queueFirst,
  returnSlot,
  reviewTurns,
  takeSlot,
  unqueueExchange,
  waitBehind,
} from './slots.js'
import type { Account, Exchange } from './state.js'

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
  const { turns } = state
  if (turns.peers.size === 0 && !turns.isUsed && hasSlot(state, account) && !isResting(state, account)) {
    passTime(state)
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
  noteServed(state, account)
  noteBegin(state, account)
  holdAnswer(state, exchange, expectedOf(state, account))
  const waited = state.now - arrivedAt
  out.push(
    waited === 0
      ? { type: 'handle', exchange: id, from: peer, data }
      : { type: 'handle', exchange: id, from: peer, data, waited },
  )
}

/** Something has become free: requests that wait go on, of whoever has had least first. */
export function serveTurns(state: State, out: Effects): void {
  const { turns } = state
  if (!beginTurns(state)) return
  const waiting = [...turns.peers.values()]
  const leave = (at: number): void => {
    const last = waiting.pop()!
    if (at < waiting.length) waiting[at] = last
  }
  let begun = 0
  while (waiting.length > 0) {
    const at = leastServed(state, waiting)
    const account = waiting[at]!
    if (begun === 0) advanceClock(state, Math.min(...waiting.map((one) => servedOf(state, one))))
    const exchange = firstOf(state, account)
    if (exchange === undefined || !mayBegin(state, account)) {
      leave(at)
      continue
    }
    if (!handsOne(state)) return goOnLater(state)
    begun++
    takeTurn(state, out, account, exchange)
    if (account.queue.size === 0) leave(at)
  }
}

/** Whose next handler ends with least. */
function leastServed(state: State, waiting: Account[]): number {
  let least = 0
  let served = Infinity
  for (let at = 0; at < waiting.length; at++) {
    const its = servedNext(state, waiting[at]!)
    if (its >= served) continue
    least = at
    served = its
  }
  return least
}

/** May the first of those requests of the peer that wait go? If not, it is looked again when it may. */
function mayBegin(state: State, account: Account): boolean {
  if (!hasSlot(state, account)) {
    if (account.handlers >= account.window && account.expected === 0) growLater(state)
    return false
  }
  if (!isResting(state, account)) return true
  restLater(state)
  return false
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

/** Nobody is next before this turn of the event loop is over. */
export function onTurnUsed(state: State, { ran }: CommandOf<'turnUsed'>): void {
  endTurn(state, ran)
}

/** The edge has not come to these in its turn. They are the next of their peers. */
export function onHandedBack(state: State, { requests }: CommandOf<'handedBack'>): void {
  nextTurn(state)
  const byPeer = new Map<string, ExchangeId[]>()
  for (const { exchange: id, data } of requests) {
    const exchange = state.exchanges.open.get(id)
    const isWanted = exchange?.stage === 'handling' && exchange.busy
    if (!isWanted) {
      dropLingering(state, id)
      continue
    }
    returnSlot(state, exchange)
    takeBack(exchange.account)
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
  const account = state.budget.accounts.get(peer)
  if (account === undefined) return
  addServed(state, account, ms)
  noteTime(state, account, ms)
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
