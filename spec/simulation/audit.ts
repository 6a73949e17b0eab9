/**
 * What must hold in the state of a node between any two batches: its books agree with each other, its queues keep their
 * limits, and the wake-up comes in time for every deadline. And what must be left after the end: nothing.
 */
import type { Deadlines } from '../../src/core/deadlines.js'
import type { RequestAsk, State } from '../../src/core/state.js'
import type { Report } from './inside.js'

export function audit(state: State, report: Report): void {
  limits(state, report)
  asking(state, report)
  answering(state, report)
  connecting(state, report)
  waking(state, report)
}

function limits(state: State, report: Report): void {
  const { settings } = state
  const most = (what: string, size: number, limit: number): void => {
    if (size > limit) report('bounded', `${size} ${what}; the limit is ${limit}`)
  }
  most('questions', state.asks.size, settings.maxPendingRequests)
  most('dials', state.dials.size, settings.maxDials)
  most('inbound requests', state.exchanges.size, settings.maxInbound)
  for (const [peer, account] of state.accounts) {
    most(`inbound requests of ${peer}`, account.exchanges, settings.maxInboundPerPeer)
  }
  for (const connection of state.connections.values()) {
    most('streams of one connection', connection.streams, settings.maxStreams)
    if (!connection.proven) most('early streams', connection.streams, settings.maxEarlyStreams)
  }
  // One that is alone always fits.
  const holders = new Map<string, number>()
  let held = 0
  for (const { peer, reserved } of state.exchanges.values()) {
    if (reserved === undefined || reserved === 0) continue
    held++
    holders.set(peer, (holders.get(peer) ?? 0) + 1)
  }
  if (held > 1) most('bytes of inbound requests', state.inboundBytes, settings.maxInboundBytes)
  for (const [peer, count] of holders) {
    const { bytes } = state.accounts.get(peer) ?? { bytes: 0 }
    if (count > 1) most(`bytes of inbound requests of ${peer}`, bytes, settings.maxInboundBytesPerPeer)
  }
}

function asking(state: State, report: Report): void {
  const timed = idsOf(state.askDeadlines)
  let requests = 0
  for (const ask of state.asks.values()) {
    if (ask.kind === 'dial' && !state.dials.get(ask.about)?.waiting.has(ask.id)) {
      report('books', `dial ${ask.id} waits for no dial (${ask.about})`)
    }
    if (ask.kind !== 'request') continue
    requests++
    if (!timed.delete(ask.id)) report('books', `request ${ask.id} (${ask.stage}) has no deadline`)
    place(state, ask, report)
  }
  if (timed.size > 0) report('leak', `deadlines of requests that are gone: ${[...timed].join()}`)
  let streams = 0
  for (const [stream, ask] of state.calls) {
    streams++
    if (ask.stream !== stream) report('books', `stream ${stream} belongs to a request with stream ${ask.stream}`)
    if (state.asks.get(ask.id) !== ask) report('leak', `stream ${stream} belongs to request ${ask.id}, which is gone`)
  }
  if (streams > requests) report('leak', `${streams} streams for ${requests} requests`)
}

function place(state: State, ask: RequestAsk, report: Report): void {
  const say = (what: string): void => {
    report('books', `request ${ask.id} (${ask.stage}) ${what}`)
  }
  if (ask.stage === 'dialling') {
    if (!state.dials.get(ask.peer)?.waiting.has(ask.id)) say(`waits for no dial of ${ask.peer}`)
    return
  }
  const connection = state.connections.get(ask.connection!)
  if (connection === undefined) return say('is on a connection that is gone')
  if (connection.peer !== ask.peer) say(`is on a connection to ${connection.peer}, not to ${ask.peer}`)
  if (!connection.asks.has(ask.id)) say('is not in the books of its connection')
  if (connection.queue.has(ask.id) !== (ask.stage === 'queued'))
    say('is in the queue when it should not, or the other way')
  if (ask.stage === 'waiting' && !connection.proven) say('has its stream, and its connection counts as not proven')
  if (ask.stage !== 'queued' && state.calls.get(ask.stream!) !== ask) say('has no stream')
}

function answering(state: State, report: Report): void {
  const timed = idsOf(state.exchangeDeadlines)
  const accounts = new Map<string, { exchanges: number; bytes: number }>()
  let bytes = 0
  for (const exchange of state.exchanges.values()) {
    if (!timed.delete(exchange.stream))
      report('books', `inbound ${exchange.stream} (${exchange.stage}) has no deadline`)
    if (!state.connections.get(exchange.connection)?.exchanges.has(exchange.stream)) {
      report('books', `inbound ${exchange.stream} is not in the books of its connection`)
    }
    if ((exchange.stage === 'held') !== state.held.has(exchange.stream)) {
      report(
        'books',
        `inbound ${exchange.stream} (${exchange.stage}) waits for room when it should not, or the other way`,
      )
    }
    const account = accounts.get(exchange.peer) ?? { exchanges: 0, bytes: 0 }
    account.exchanges++
    account.bytes += exchange.reserved ?? 0
    bytes += exchange.reserved ?? 0
    accounts.set(exchange.peer, account)
  }
  if (timed.size > 0) report('leak', `deadlines of inbound requests that are gone: ${[...timed].join()}`)
  if (bytes !== state.inboundBytes)
    report('books', `${state.inboundBytes} inbound bytes are booked, ${bytes} are there`)
  if (accounts.size !== state.accounts.size)
    report('leak', `${state.accounts.size} accounts for ${accounts.size} peers`)
  for (const [peer, { exchanges, bytes: own }] of accounts) {
    const account = state.accounts.get(peer)
    if (account?.exchanges === exchanges && account.bytes === own) continue
    report(
      'books',
      `${peer} has ${exchanges} requests of ${own} bytes; booked: ${account?.exchanges} of ${account?.bytes}`,
    )
  }
  const room = [...state.held].map((stream) => state.exchanges.get(stream))
  if (room.length > 0 && bytes === 0)
    report('stuck', `${room.length} inbound requests wait for room, and all room is free`)
}

function connecting(state: State, report: Report): void {
  let links = 0
  for (const [peer, ids] of state.links) {
    links += ids.length
    for (const id of ids) {
      if (state.connections.get(id)?.peer !== peer) report('books', `connection ${id} to ${peer} is not there`)
    }
  }
  if (links !== state.connections.size) report('books', `${links} links, ${state.connections.size} connections`)
  for (const { id, peer, asks, exchanges, streams, queue } of state.connections.values()) {
    let open = 0
    for (const ask of asks) {
      const request = state.asks.get(ask)
      if (request?.kind !== 'request' || request.connection !== id)
        report('leak', `connection ${id} keeps request ${ask}`)
      else if (request.stream !== undefined) open++
    }
    for (const stream of exchanges)
      if (!state.exchanges.has(stream)) report('leak', `connection ${id} keeps inbound ${stream}`)
    if (open !== streams) report('books', `connection ${id} counts ${streams} streams and has ${open}`)
    const { maxStreams, maxEarlyStreams } = state.settings
    const isOpen = state.connections.get(id)!.proven ? streams < maxStreams : streams < maxEarlyStreams
    if (queue.size > 0 && isOpen)
      report('stuck', `${queue.size} requests wait for a stream of connection ${id}, which has ${streams}`)
    const isUsed = asks.size > 0 || exchanges.size > 0 || state.mesh.has(peer) || peer in state.settings.bootNodes
    if (isUsed === state.idle.has(id))
      report('books', `connection ${id} is ${isUsed ? '' : 'not '}used, and idle says otherwise`)
  }
  for (const id of state.idle.keys())
    if (!state.connections.has(id)) report('leak', `connection ${id} is idle, and gone`)
  for (const [target, dial] of state.dials) {
    for (const id of dial.waiting) if (!state.asks.has(id)) report('leak', `the dial of ${target} keeps question ${id}`)
    if (state.links.has(target)) report('stuck', `a dial of ${target} goes on, though it is connected`)
  }
}

function waking(state: State, report: Report): void {
  let due = state.stopAt
  for (const deadlines of [state.askDeadlines, state.exchangeDeadlines]) {
    for (const group of deadlines.values()) for (const at of group.values()) due = Math.min(due, at)
  }
  for (const since of state.idle.values()) due = Math.min(due, since + state.settings.connectionKeepAlive)
  for (const topic of state.topics.values()) due = Math.min(due, topic.leaveAt)
  due = Math.min(due, state.nextPing)
  if (state.wakeAt > due) report('wake', `something is due at ${due}, and the node wakes at ${state.wakeAt}`)
  if (due <= state.now) report('late', `something was due at ${due}, and it is ${state.now}`)
  for (const [name, topic] of state.topics) {
    if (topic.subscribers < 0) report('books', `${name} has ${topic.subscribers} subscribers`)
    const lingers = topic.subscribers === 0 && !topic.fixed
    if (lingers !== (topic.leaveAt !== Infinity))
      report('books', `${name} is ${lingers ? 'not ' : ''}left, with ${topic.subscribers} subscribers`)
  }
}

function idsOf(deadlines: Deadlines<number>): Set<number> {
  const ids = new Set<number>()
  for (const group of deadlines.values()) for (const id of group.keys()) ids.add(id)
  return ids
}

/** After the end nothing is left, in any collection of the state. */
export function auditEnd(state: State, report: Report): void {
  if (state.phase !== 'ended') report('stop', `the node is still ${state.phase}`)
  for (const [name, value] of Object.entries(state)) {
    if ((value instanceof Map || value instanceof Set) && value.size > 0)
      report('leak', `${name} has ${value.size} after the end`)
  }
  if (state.inboundBytes !== 0) report('leak', `${state.inboundBytes} inbound bytes are booked after the end`)
}
