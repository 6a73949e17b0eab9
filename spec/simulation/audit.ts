/**
 * What must hold in the state of a node between any two batches: its books agree with each other, its queues keep their
 * limits, and the wake-up comes in time for every deadline. And what must be left after the end: nothing.
 */
import type { Exchange, RequestAsk, Use } from '../../src/core/requests/state.js'
import { nextDue } from '../../src/core/expire.js'
import type { Deadlines } from '../../src/core/id-map.js'
import { digestOf } from '../../src/recording/digest.js'
import type { Connection, DialAsk } from '../../src/core/peers/state.js'
import { isNamed } from '../../src/core/settings.js'
import { createState, type Ask, type State } from '../../src/core/state.js'
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import { valueCost } from '../../src/core/requests/values.js'
import { FIRST_FLIGHT, WITHOUT_HELLO } from '../../src/wire/session/format.js'
import { auditBroadcasts } from './audit-broadcasts.js'
import { auditSessions } from './audit-sessions.js'
import type { Report } from './inside.js'

type Books = Omit<Use, 'expected'>

export function audit(state: State, report: Report): void {
  limits(state, report)
  askingSide(state, report)
  answeringSide(state, report)
  auditSessions(state, report)
  auditBroadcasts(state, report)
  connecting(state, report)
  waking(state, report)
}

function limits(state: State, report: Report): void {
  const { settings } = state
  const most = (what: string, size: number, limit: number): void => {
    if (size > limit) report('bounded', `${size} ${what}; the limit is ${limit}`)
  }
  most('questions', state.asks.open.size, settings.maxPendingRequests)
  most('dials', state.dials.size, settings.maxDials)
  const strangers = [...state.connections.all.values()].filter(({ peer }) => !isNamed(settings, peer))
  most('connections', strangers.length, settings.limits.connections)
  for (const { v1Streams, upgraded, queue, asking } of state.connections.all.values()) {
    most('streams of one connection', v1Streams.size, settings.maxStreams)
    if (!upgraded) most('early streams', v1Streams.size, settings.maxEarlyStreams)
    // Those that went before the other side said how many it takes go on.
    const maxOpen = Math.max(asking?.hello.maxOpen ?? 0, WITHOUT_HELLO.maxOpen)
    if (asking !== undefined) most('requests of one session', asking.requests.size, maxOpen)
    most('requests in a queue', queue.size, settings.maxPendingRequests)
  }
  sharedLimits(state, most)
}

/** What peers use together, and each of them, is within the limits; one that is alone always fits. */
function sharedLimits(
  { budget, settings, exchanges, responses }: State,
  most: (what: string, size: number, limit: number) => void,
): void {
  const { limits: shared } = settings
  const { all } = budget
  most('inbound requests', all.exchanges, shared.requests)
  most('handlers', all.handlers, shared.handlers)
  if (all.admitted > 1) most('bytes of inbound requests', all.bytes, shared.requestBytes)
  most('bytes of first windows', all.windows, shared.requestBytes)
  most('bytes of answers to requests of ours', all.responses, shared.responseBytes)
  if (responses.waiting.size > 1) most('bytes of answers that wait for room', all.early, shared.responseBytes)
  const answers = [...exchanges.open.values()].filter(({ held }) => held > 0).length
  if (answers > 1) most('bytes of answers', all.answers, shared.answerBytes)
  for (const account of budget.accounts.values()) {
    const { peer, admitted } = account
    most(`inbound requests of ${peer}`, account.exchanges, shared.requestsPerPeer)
    most(`bytes of answers of ${peer}`, account.responses, shared.responseBytesPerPeer)
    most(`handlers for ${peer}`, account.handlers, shared.handlersPerPeer)
    if (admitted > 1) most(`bytes of inbound requests of ${peer}`, account.bytes, shared.requestBytesPerPeer)
    most(`bytes of first windows of ${peer}`, account.windows, shared.requestBytesPerPeer)
  }
}

function askingSide(state: State, report: Report): void {
  const timed = idsOf(state.asks.deadlines)
  let requests = 0
  for (const ask of state.asks.open.values()) {
    if (ask.kind === 'dial') dialPlace(state, ask, report)
    if ((ask.kind === 'broadcast' || ask.kind === 'joined') && !timed.delete(ask.id))
      report('books', `${ask.kind} ${ask.id} has no deadline`)
    if (ask.kind !== 'request') continue
    requests++
    if (!timed.delete(ask.id) && ask.stage !== 'streaming')
      report('books', `request ${ask.id} (${ask.stage}) has no deadline`)
    place(state, ask, report)
  }
  if (timed.size > 0) report('leak', `deadlines of questions that are gone: ${[...timed].join()}`)
  for (const [stream, ask] of state.streams.v1Requests) {
    const { call } = ask
    if (call?.protocol !== 'v1' || call.stream !== stream)
      report('books', `stream ${stream} belongs to another request`)
    if (state.asks.open.get(ask.id) !== ask)
      report('leak', `stream ${stream} belongs to request ${ask.id}, which is gone`)
  }
  if (state.streams.v1Requests.size > requests)
    report('leak', `${state.streams.v1Requests.size} streams for ${requests} requests`)
}

/** A dial by hand waits for its dial, and then for the first sign of life on its connection. */
function dialPlace(state: State, { id, target, connection }: DialAsk, report: Report): void {
  const waiting =
    connection === undefined ? state.dials.get(target)?.waiting : state.connections.all.get(connection)?.dials
  if (!waiting?.has(id)) report('books', `dial ${id} waits for no dial (${target})`)
}

function place(state: State, ask: RequestAsk, report: Report): void {
  const say = (what: string): void => {
    report('books', `request ${ask.id} (${ask.stage}) ${what}`)
  }
  if (ask.stage === 'dialling') {
    if (!state.dials.get(ask.peer)?.waiting.has(ask.id)) say(`waits for no dial of ${ask.peer}`)
    return
  }
  const connection = state.connections.all.get(ask.connection!)
  if (connection === undefined) return say('is on a connection that is gone')
  if (connection.peer !== ask.peer) say(`is on a connection to ${connection.peer}, not to ${ask.peer}`)
  if (connection.queue.has(ask.id) !== (ask.stage === 'queued'))
    say('is in the queue when it should not, or the other way')
  if (ask.stage === 'queued') return
  const { call } = ask
  if (call === undefined) return say('goes by no protocol')
  if (call.protocol === 'session') {
    if (connection.asking?.requests.get(call.wireId) !== call) say('is not in the books of its session')
    return
  }
  if (ask.stage === 'waiting' && !connection.upgraded) say('has its stream, and its connection counts as not proven')
  if (state.streams.v1Requests.get(call.stream) !== ask || !connection.v1Streams.has(call.stream)) say('has no stream')
}

function answeringSide(state: State, report: Report): void {
  const timed = idsOf(state.exchanges.deadlines)
  const accounts = new Map<string, Books>()
  const all = noBooks()
  const booksOf = (peer: string): Books[] => {
    const account = accounts.get(peer) ?? noBooks()
    accounts.set(peer, account)
    return [account, all]
  }
  for (const { account, bytes, admitted } of state.turns.lingering.values()) {
    for (const one of booksOf(account.peer)) {
      one.handlers++
      one.admitted += admitted ? 1 : 0
      one[admitted ? 'bytes' : 'windows'] += bytes
    }
  }
  for (const exchange of state.exchanges.open.values()) {
    // An answer that has begun may take its time.
    if (!timed.delete(exchange.id) && exchange.stage !== 'answering')
      report('books', `inbound ${exchange.id} (${exchange.stage}) has no deadline`)
    if (!isBooked(exchange, state.connections.all.get(exchange.connection)))
      report('books', `inbound ${exchange.id} is not in the books of its connection`)
    if ((exchange.stage === 'waiting') !== state.budget.waiting.has(exchange.id)) {
      report('books', `inbound ${exchange.id} (${exchange.stage}) waits for room when it should not, or the other way`)
    }
    const queue = state.budget.accounts.get(exchange.peer)?.queue
    if ((exchange.stage === 'queued') !== (queue?.has(exchange.id) === true))
      report(
        'books',
        `inbound ${exchange.id} (${exchange.stage}) waits for a handler when it should not, or the other way`,
      )
    for (const one of booksOf(exchange.peer)) {
      one.exchanges++
      one.handlers += exchange.busy ? 1 : 0
      one.answers += exchange.held
      one.admitted += exchange.admitted ? 1 : 0
      one[exchange.admitted ? 'bytes' : 'windows'] += exchange.reserved
    }
  }
  let lent = 0
  for (const ask of state.asks.open.values()) {
    if (ask.kind !== 'request') continue
    if (ask.call?.protocol === 'session' && ask.values === undefined)
      lent += Math.max(0, ask.call.firstCredit - valueCost(FIRST_FLIGHT))
    if (ask.arriving === undefined) continue
    const { hasRoom: isPlaced, bytes } = ask.arriving
    if (!isPlaced && mayCome(ask) > bytes)
      report(
        'bounded',
        `${mayCome(ask)} bytes may come of the answer to ${ask.id}, which waits for room and takes ${bytes}`,
      )
    for (const one of booksOf(ask.peer)) one[isPlaced ? 'responses' : 'early'] += bytes
    if (isPlaced === state.responses.waiting.has(ask.id))
      report('books', `the answer to ${ask.id} waits for room when it should not, or the other way`)
  }
  if (timed.size > 0) report('leak', `deadlines of inbound requests that are gone: ${[...timed].join()}`)
  compare('all', state.budget.all, all, report)
  for (const [peer, account] of state.budget.accounts) {
    compare(peer, account, accounts.get(peer) ?? noBooks(), report)
    if (!accounts.has(peer) && !state.connections.byPeer.has(peer))
      report('leak', `an account of ${peer}, which is gone`)
    if (account.queue.size > 0 !== state.turns.peers.has(peer))
      report('books', `${peer} has no turn, or one for nothing`)
  }
  for (const peer of accounts.keys()) if (!state.budget.accounts.has(peer)) report('books', `${peer} has no account`)
  const room = [...state.budget.waiting].map((stream) => state.exchanges.open.get(stream))
  if (room.length > 0 && all.admitted === 0)
    report('stuck', `${room.length} inbound requests wait for room, and all room is free`)
  if (lent !== state.responses.lent)
    report('books', `${state.responses.lent} bytes of credit are lent, and there are ${lent}`)
  if (state.responses.waiting.size > 0 && all.responses === 0)
    report('stuck', `answers to ${state.responses.waiting.size} requests wait for room, and all room is free`)
  for (const id of state.responses.waiting)
    if (!state.asks.open.has(id)) report('leak', `the answer to ${id} waits for room, and the request is gone`)
  if (state.turns.peers.size > 0 && all.handlers === 0 && all.answers === 0)
    report('stuck', `requests of ${state.turns.peers.size} peers wait for a handler, and none is at work`)
  for (const id of state.turns.stalled)
    if (!state.exchanges.open.has(id)) report('leak', `the answer of ${id} waits for room, and is gone`)
}

/** Of an answer that has begun: what has come and, over a session, what there is credit for. */
function mayCome({ call, arriving }: RequestAsk): number {
  if (call?.protocol === 'v1') return call.reader?.payload.received ?? 0
  if (call?.intake === undefined) return 0
  const { gathered, credit, total } = call.intake
  return Math.min(total, arriving!.size, (gathered?.received ?? 0) + credit)
}

function noBooks(): Books {
  return { exchanges: 0, bytes: 0, admitted: 0, windows: 0, handlers: 0, answers: 0, responses: 0, early: 0 }
}

function compare(whose: string, booked: Books, right: Books, report: Report): void {
  for (const [name, value] of Object.entries(right)) {
    const there = booked[name as keyof Books]
    if (there !== value) report('books', `inbound ${name} of ${whose}: ${there} are booked, and there are ${value}`)
  }
}

function isBooked(exchange: Exchange, connection: Connection | undefined): boolean {
  if (exchange.protocol === 'v1') return connection?.v1Exchanges.has(exchange.id) === true
  const { answering: session } = connection ?? {}
  return session?.stream === exchange.session && session.requests.get(exchange.wireId) === exchange
}

function connecting(state: State, report: Report): void {
  let links = 0
  for (const [peer, ids] of state.connections.byPeer) {
    links += ids.length
    for (const id of ids) {
      if (state.connections.all.get(id)?.peer !== peer) report('books', `connection ${id} to ${peer} is not there`)
    }
  }
  if (links !== state.connections.all.size) report('books', `${links} links, ${state.connections.all.size} connections`)
  for (const connection of state.connections.all.values()) {
    const { id, peer, v1Streams, v1Exchanges, queue, asking, answering: other, dials, leaving } = connection
    for (const stream of v1Streams) {
      if (state.streams.v1Requests.get(stream)?.connection !== id)
        report('leak', `connection ${id} keeps stream ${stream}`)
    }
    for (const stream of v1Exchanges)
      if (!state.exchanges.open.has(stream)) report('leak', `connection ${id} keeps inbound ${stream}`)
    for (const ask of queue) {
      const request = state.asks.open.get(ask)
      if (request?.kind !== 'request' || request.connection !== id)
        report('leak', `connection ${id} keeps request ${ask}`)
    }
    const ready = [...queue].filter((ask) => isReady(state.asks.open.get(ask), connection)).length
    // The other side is about to close a connection that it is leaving: requests wait for that, or for STAY.
    if (ready > 0 && leaving === undefined && hasRoom(state, connection))
      report('stuck', `${ready} requests wait for a stream of connection ${id}, which has room`)
    const open =
      v1Streams.size +
      v1Exchanges.size +
      queue.size +
      (leaving === undefined ? dials.size : 0) +
      (asking?.requests.size ?? 0) +
      (other?.requests.size ?? 0)
    const isUsed = open > 0 || state.topics.meshPeers.has(peer) || peer in state.settings.bootNodes
    if (isUsed === state.connections.idle.has(id))
      report('books', `connection ${id} is ${isUsed ? '' : 'not '}used, and idle says otherwise`)
  }
  for (const id of state.connections.idle.keys())
    if (!state.connections.all.has(id)) report('leak', `connection ${id} is idle, and gone`)
  for (const [target, dial] of state.dials) {
    for (const id of dial.waiting)
      if (!state.asks.open.has(id)) report('leak', `the dial of ${target} keeps question ${id}`)
    if (state.connections.byPeer.has(target)) report('stuck', `a dial of ${target} goes on, though it is connected`)
  }
}

/** Requests of the node itself wait until the other side has said what it is. */
function isReady(ask: Ask | undefined, { asking }: Connection): boolean {
  return ask?.kind !== 'request' || !ask.service || asking === undefined || asking.greeted
}

/** Could one who waits for its turn on this connection go at once? */
function hasRoom(state: State, { asking, requestProtocol, v1Streams, upgraded }: Connection): boolean {
  const { maxStreams, maxEarlyStreams, maxPendingRequests } = state.settings
  if (asking !== undefined) {
    const open = asking.requests.size + asking.cancelled.size
    return asking.open && open < Math.min(asking.hello.maxOpen, maxPendingRequests)
  }
  return requestProtocol === REQUEST_RESPONSE_V1 && v1Streams.size < (upgraded ? maxStreams : maxEarlyStreams)
}

function waking(state: State, report: Report): void {
  const due = nextDue(state)
  if (state.due.wakeAt > due) report('wake', `something is due at ${due}, and the node wakes at ${state.due.wakeAt}`)
  if (due <= state.now) report('late', `something was due at ${due}, and it is ${state.now}`)
  for (const [name, topic] of state.topics.joined) {
    if (topic.subscribers < 0) report('books', `${name} has ${topic.subscribers} subscribers`)
    const lingers = topic.subscribers === 0 && !topic.fixed
    if (lingers !== (topic.leaveAt !== Infinity))
      report('books', `${name} is ${lingers ? 'not ' : ''}left, with ${topic.subscribers} subscribers`)
  }
}

function idsOf(deadlines: Deadlines): Set<number> {
  const ids = new Set<number>()
  for (const group of deadlines.values()) for (const id of group.keys()) ids.add(id)
  return ids
}

/** After the end nothing is left: every concern is as in a node that has not begun. */
export function auditEnd(state: State, report: Report): void {
  if (state.lifecycle.phase !== 'ended') report('stop', `the node is still ${state.lifecycle.phase}`)
  const fresh = createState(state.self, state.settings)
  for (const [name, value] of Object.entries(state) as [keyof State, unknown][]) {
    if (name === 'now' || name === 'lifecycle' || name === 'due') continue
    if (digestOf({ value }) !== digestOf({ value: fresh[name] })) report('leak', `${name} is not empty after the end`)
  }
}
