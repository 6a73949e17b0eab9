/**
 * What must hold between any two batches in the sessions of a node: who is in their books, what credit there is, and that
 * nothing waits which could go.
 */
import type { SessionCall, SessionExchange } from '../../src/core/requests/state.js'
import type { AskingSession, AnsweringSession, Sender } from '../../src/core/requests/session/state.js'
import type { State } from '../../src/core/state.js'
import { FIRST_FLIGHT, MAX_CREDIT } from '../../src/wire/session/format.js'
import type { Report } from './inside.js'
import { costOf, heldOf } from './producers.js'

/** What a stream of values may be ahead of its consumer, and a producer that waits ahead of what was sent. */
const WINDOW = 65_536
/** What is on its way of a large value at most, beside small requests. */
const PACED = 8_192
/** ASK, STAY, STOPPING and an answer. */
const GOODBYES = 4

type Asking = AskingSession<SessionCall>
type Answering = AnsweringSession<SessionExchange>
type Say = (invariant: string, what: string) => void

export function auditSessions(state: State, report: Report): void {
  if (state.streams.unflushed.length > 0)
    report('stuck', `${state.streams.unflushed.length} sessions have something to send`)
  if (state.budget.roomFreed) report('stuck', 'there is room, and nobody was told')
  for (const [stream, session] of state.streams.sessions) {
    const say: Say = (invariant, what) => report(invariant, `session ${stream} (${session.role}) ${what}`)
    const connection = state.connections.all.get(session.connection)
    const booked = session.role === 'asking' ? connection?.asking : connection?.answering
    if (session.stream !== stream || booked !== session) say('books', 'is not in the books of its connection')
    if (session.goodbyes.length > GOODBYES) say('bounded', `has ${session.goodbyes.length} goodbyes that wait`)
    if (session.flushScheduled) say('books', 'is to be flushed, and waits nowhere')
    if (session.role === 'asking') auditAsking(state, session, say)
    else auditAnswering(state, session, say)
  }
  for (const { id, asking, answering, sessionsOpened } of state.connections.all.values()) {
    for (const one of [asking, answering]) {
      if (one !== undefined && state.streams.sessions.get(one.stream) !== one)
        report('leak', `connection ${id} keeps session ${one.stream}`)
    }
    if (sessionsOpened > state.settings.maxSessions) report('bounded', `${sessionsOpened} sessions on connection ${id}`)
  }
}

function auditAsking(state: State, session: Asking, say: Say): void {
  const { requests, cancelled, cancels } = session
  for (const [id, call] of requests) {
    const { ask } = call
    if (call.wireId !== id || ask.call !== call || state.asks.open.get(ask.id) !== ask)
      say('books', `keeps request ${id}`)
    if (cancelled.has(id)) say('books', `has cancelled request ${id}, and keeps it`)
    auditIntake(state, call, say)
  }
  for (const id of cancels) if (requests.has(id)) say('books', `is to cancel ${id}, and keeps it`)
  auditSending(session, requests, cancels.length, 0, say)
}

/** What an asker lets come: never more than its window, and never so little that nothing can come any more. */
function auditIntake(state: State, { wireId, intake, ask }: SessionCall, say: Say): void {
  if (intake === undefined) return
  const { values, arriving: waiting } = ask
  const { credit, untaken, total, gathered } = intake
  if (credit < 0 || credit > MAX_CREDIT || untaken < 0)
    say('credit', `request ${wireId}: ${credit}, untaken ${untaken}`)
  const arriving = total < 0 ? 0 : costOf(gathered?.received ?? 0)
  const all = credit + untaken + arriving
  // A value that has begun has to be completed, whatever its size; behind it nothing may begin.
  const most = values === undefined ? costOf(state.settings.maxResponseSize) : WINDOW
  const isWhole = total < 0 ? credit === 0 : all <= untaken + costOf(total)
  if (all > most && !isWhole) say('credit', `request ${wireId} lets ${all} come at once, and not ${most}`)
  const hasRoom = waiting?.hasRoom !== false
  if (total >= 0 && hasRoom && credit < enough(total - (gathered?.received ?? 0)))
    say('stuck', `request ${wireId} lets no value end`)
  if (total < 0 && values !== undefined && all < WINDOW / 2) say('stuck', `request ${wireId} lets only ${all} come`)
}

/** The least credit of a value that still misses so much. */
function enough(missing: number): number {
  return Math.min(missing, PACED / 2)
}

function auditAnswering(state: State, session: Answering, say: Say): void {
  const { requests, failures, lastId } = session
  const failed = new Set(failures.map(({ wireId }) => wireId))
  if (failed.size < failures.length) say('books', 'refuses a request twice')
  let queued = 0
  for (const [id, exchange] of requests) {
    if (exchange.series?.pullable === false) queued += exchange.series.cost
    if (exchange.wireId !== id || state.exchanges.open.get(exchange.id) !== exchange)
      say('books', `keeps inbound ${id}`)
    if (id > lastId || failed.has(id)) say('books', `is asked ${id}, which is over or never was`)
    auditRequest(exchange, say)
    auditSeries(exchange, state.turns.stalled.has(exchange.id), say)
  }
  if (queued !== session.queued) say('books', `counts ${session.queued} for all values that wait, which cost ${queued}`)
  auditSending(session, requests, failures.length, 32, say)
}

/** What is still to come of a request has its credit, or, beside small ones, half a window of it; unless it waits for room. */
function auditRequest({ wireId, gathered, total, credit, stage }: SessionExchange, say: Say): void {
  if (credit < 0 || credit > MAX_CREDIT) say('credit', `inbound ${wireId}: ${credit}`)
  if (gathered === undefined) return
  const missing = total - gathered.received
  if (stage === 'reading' && credit < enough(missing))
    say('stuck', `inbound ${wireId} needs ${missing}, and may get ${credit}`)
  // An asker may keep back all but a frame of what it has without a word; and more than is missing says that the line carries it.
  if (credit > missing + 2 * WINDOW - FIRST_FLIGHT)
    say('credit', `inbound ${wireId} needs ${missing}, and may get ${credit}`)
}

/** `isStalled`: its producer waits for room in the books of the node, which others have. */
function auditSeries(
  { wireId, series, value, sent, sendCredit, ended }: SessionExchange,
  isStalled: boolean,
  say: Say,
): void {
  if (series === undefined) return
  let cost = value === undefined ? 0 : heldOf(value.length - Math.max(0, sent))
  for (const one of series.values.slice(series.next)) cost += heldOf(one.length)
  if (cost !== series.cost) say('books', `inbound ${wireId} counts ${series.cost} for values that cost ${cost}`)
  if (!series.pullable || ended) return
  const room = Math.min(sendCredit, WINDOW) - cost
  if (room > 0 && series.allowance <= 0 && !isStalled)
    say('stuck', `inbound ${wireId}: its producer waits, and there is room`)
}

type Calls = Iterable<[number, Sender]> & { has: (id: number) => boolean }

interface Lists {
  open: boolean
  writing: boolean
  helloSent: boolean
  credits: Iterable<[number, number]> & { size: number }
  ready: Sender[]
  bulk: Sender[]
}

/** Nobody stands in two lists; nothing waits for a write that nothing will bring about. */
function auditSending(session: Lists, calls: Calls, control: number, least: number, say: Say): void {
  const { ready, bulk, credits, open, writing } = session
  const listed = new Set([...ready, ...bulk])
  if (listed.size < ready.length + bulk.length) say('books', 'lists somebody twice')
  for (const party of listed) if (!party.listed) say('books', `lists request ${party.wireId}, which is not listed`)
  for (const [id, party] of calls) {
    if (party.sendCredit < 0 || party.sendCredit > MAX_CREDIT)
      say('credit', `request ${id} may send ${party.sendCredit}`)
    if (party.listed !== listed.has(party)) say('books', `request ${id} is in no list`)
    const { value, sent, sendCredit } = party
    const maySend = value !== undefined && (sent < 0 ? sendCredit >= least : sendCredit > 0 && sent < value.length)
    if (maySend && !party.listed) say('stuck', `request ${id} has something to send, and is in no list`)
  }
  for (const [id, amount] of credits) {
    if (!calls.has(id) || amount <= 0) say('credit', `gives ${amount} to request ${id}`)
  }
  if (open && !writing && (listed.size > 0 || credits.size > 0 || control > 0)) say('stuck', 'does not write')
}
