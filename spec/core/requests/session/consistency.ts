/** What must be true of a state between any two steps: every book that is kept twice says the same. */
import { nothingUsed } from '../../../../src/core/requests/state.js'
import type { State } from '../../../../src/core/state.js'

/** What is in the accounts of peers and in that of all. */
const BOOKS = ['exchanges', 'bytes', 'admitted', 'windows', 'handlers', 'answers'] as const

/** The first thing that does not add up; `undefined` when all does. */
export function inconsistency(state: State): string | undefined {
  return ofAsking(state) ?? ofAnswering(state) ?? ofSessions(state)
}

function ofSessions(state: State): string | undefined {
  if (state.streams.unflushed.length > 0) return 'something was not flushed'
  for (const [stream, session] of state.streams.sessions) {
    const connection = state.connections.all.get(session.connection)
    const other = session.role === 'asking' ? connection?.asking : connection?.answering
    if (session.stream !== stream || other !== session) return `session ${stream} is not its connection's`
    for (const party of [...session.ready, ...session.bulk]) if (!party.listed) return 'a listed one does not know it'
    for (const id of session.credits.keys()) if (!session.requests.has(id)) return `credit for ${id}, which is over`
  }
  for (const { asking, answering } of state.connections.all.values()) {
    for (const one of [asking, answering]) {
      if (one !== undefined && state.streams.sessions.get(one.stream) !== one)
        return 'a connection has a session that is gone'
    }
  }
  return undefined
}

function ofAsking(state: State): string | undefined {
  let open = 0
  for (const session of state.streams.sessions.values()) {
    if (session.role !== 'asking') continue
    for (const [id, call] of session.requests) {
      open++
      const { ask } = call
      if (call.wireId !== id || ask.call !== call || state.asks.open.get(ask.id) !== ask)
        return `request ${id} is not among the questions`
      if (session.cancelled.has(id)) return `request ${id} is open and cancelled`
      if (call.sendCredit < 0 || (call.intake?.credit ?? 0) < 0) return `request ${id} has less than no credit`
    }
  }
  let waiting = 0
  for (const ask of state.asks.open.values()) {
    if (ask.kind === 'request' && (ask.stage === 'waiting' || ask.stage === 'streaming')) waiting++
  }
  if (waiting !== open) return `${waiting} questions wait for an answer, ${open} are open in sessions`
  const due = [...state.asks.deadlines.values()].reduce((sum, group) => sum + group.size, 0)
  if (due > state.asks.open.size) return `${due} deadlines for ${state.asks.open.size} questions`
  return undefined
}

function ofAnswering(state: State): string | undefined {
  const sums = nothingUsed()
  let open = 0
  for (const session of state.streams.sessions.values()) if (session.role === 'answering') open += session.requests.size
  if (open !== state.exchanges.open.size)
    return `${open} requests in sessions, ${state.exchanges.open.size} in the books`
  for (const exchange of state.exchanges.open.values()) {
    sums[exchange.admitted ? 'bytes' : 'windows'] += exchange.reserved
    if (exchange.admitted) sums.admitted++
    if (exchange.busy) sums.handlers++
    sums.answers += exchange.held
    sums.exchanges++
    if (exchange.protocol === 'session' && exchange.sendCredit < 0) return `${exchange.id} sent more than its credit`
    if ((exchange.stage === 'waiting') !== state.budget.waiting.has(exchange.id))
      return `${exchange.id} waits for room in one book alone`
  }
  for (const { bytes, admitted } of state.turns.lingering.values()) {
    sums[admitted ? 'bytes' : 'windows'] += bytes
    if (admitted) sums.admitted++
    sums.handlers++
  }
  const { all } = state.budget
  for (const name of BOOKS) if (sums[name] !== all[name]) return `the budget does not add up: ${name}`
  for (const account of state.budget.accounts.values()) {
    for (const name of BOOKS) sums[name] -= account[name]
  }
  for (const name of BOOKS) if (sums[name] !== 0) return `the peers' accounts do not add up: ${name}`
  return undefined
}
