/**
 * Faults that somebody could make in the lane, the core or the edge, as changes of a copy of the sources. Each must be found
 * by the suite; one that is not found shows an invariant that is missing.
 */
import type { Change } from './copies.js'

export interface Mutant {
  name: string
  changes: Change[]
}

const mutant = (name: string, ...changes: [file: string, from: string, to: string][]): Mutant => ({
  name,
  changes: changes.map(([file, from, to]) => ({ file: `src/${file}`, from, to })),
})

/** The one that is shown in full: planted in the lane, found, shrunk, and found again. */
export const planted = mutant('the lane stops at an effect that has no answer', [
  'lane.ts',
  'if (this.closed) return\n',
  "if (this.closed || effect.type === 'reset') return\n",
])

export const mutants: Mutant[] = [
  planted,
  mutant('the lane wakes for nothing', ['lane.ts', "this.push({ type: 'woken' })", '']),
  mutant('the lane runs effects in reverse', ['lane.ts', 'of effects) {', 'of effects.reverse()) {']),
  mutant('the inbox drops what comes in while it is emptied', [
    'inbox.ts',
    'if (!this.closed) this.commands$.next(events)',
    'if (!this.closed) this.commands$.next(events)\n    this.events = []',
  ]),
  mutant('the events of an instant run in reverse', [
    'core/step.ts',
    'of batch.events) {',
    'of [...batch.events].reverse()) {',
  ]),
  mutant(
    'what is due runs before the events of its instant',
    ['core/step.ts', '  expire(state, out)\n', ''],
    ['core/step.ts', 'state.now = batch.at\n', 'state.now = batch.at\n  expire(state, out)\n'],
  ),
  mutant('only the first deadline is armed', [
    'core/step.ts',
    'if (next >= state.wakeAt) return',
    'if (state.wakeAt !== Infinity) return',
  ]),
  mutant('a deadline expires a moment late', ['core/deadlines.ts', 'if (at > now) break', 'if (at >= now) break']),
  mutant('the deadline of an answered request stays', [
    'core/asking/requests.ts',
    'removeDeadline(state.askDeadlines, ask.id, ask.timeout)',
    '',
  ]),
  mutant('a reply goes to the request after its own', [
    'core/asking/requests.ts',
    'settle(out, ask.id, value)',
    'settle(out, ask.id + 1, value)',
  ]),
  mutant('a cancelled request leaves its stream open', [
    'core/asking/requests.ts',
    'if (ask.stream !== undefined) out.push(',
    'if (ask.stream !== undefined && refusal !== undefined) out.push(',
  ]),
  mutant('a cancelled request stays with its dial', [
    'core/asking/requests.ts',
    "if (ask.stage === 'dialling') state.dials.get(ask.peer)?.waiting.delete(ask.id)",
    '',
  ]),
  mutant('the stream of a request that ended is kept', [
    'core/asking/requests.ts',
    'state.calls.delete(ask.stream)',
    '',
  ]),
  mutant('the limit of early streams is never lifted', ['core/asking/requests.ts', 'connection.proven = true', '']),
  mutant('one stream too many', [
    'core/asking/requests.ts',
    'connection.streams >= limit',
    'connection.streams > limit',
  ]),
  mutant('one question too many', ['core/asks.ts', 'state.asks.size >= state', 'state.asks.size > state']),
  mutant('a request that ended leaves no room for the next', [
    'core/asking/requests.ts',
    'connection.queue.delete(ask.id)\n  openNext(state, out, connection)',
    'connection.queue.delete(ask.id)',
  ]),
  mutant(
    'a second answer is sent',
    ['core/answering/exchanges.ts', "if (exchange?.stage !== 'handling') return", 'if (exchange === undefined) return'],
    ['edge/inbound.ts', 'if (this.open.delete(exchange)) this.push(event)', 'this.push(event)'],
  ),
  mutant('room for inbound bytes is never given back', [
    'core/answering/budget.ts',
    'state.inboundBytes -= exchange.reserved ?? 0',
    '',
  ]),
  mutant('who waits for room waits for ever', [
    'core/answering/exchanges.ts',
    'of release(state)) {',
    'of release(state).slice(1)) {',
  ]),
  mutant('an unanswered request keeps its signal quiet', [
    'core/answering/exchanges.ts',
    "out.push({ type: 'cancelHandler', exchange: stream, reason: `not answered within ${requestTimeout} ms` })",
    '',
  ]),
  mutant('each request has a dial of its own', ['core/dials.ts', 'let dial = state.dials.get(target)', 'let dial']),
  mutant('requests outlive their connection', [
    'core/connectivity.ts',
    "if (ask?.kind === 'request') endRequest(state, out, ask, { code: 'ConnectionLost', message })",
    '',
  ]),
  mutant('who cannot be dialled stays in the table', [
    'core/connectivity.ts',
    "out.push({ type: 'tableRemove', peer: dial.target })",
    '',
  ]),
  mutant('idle connections are closed a turn late', [
    'core/connections.ts',
    'state.settings.connectionKeepAlive > state.now',
    'state.settings.connectionKeepAlive >= state.now',
  ]),
  mutant('boot nodes are tried once', [
    'core/discovery.ts',
    'export function tick(state: State, out: Effects): void {\n  dialBootNodes(state, out)',
    'export function tick(state: State, out: Effects): void {',
  ]),
  mutant('a topic is left at once', ['core/broadcasts.ts', 'state.now + state.settings.topicLinger', 'state.now']),
  mutant('a topic is left in spite of a new subscriber', [
    'core/broadcasts.ts',
    'topic.subscribers++\n  topic.leaveAt = Infinity',
    'topic.subscribers++',
  ]),
  mutant('the end forgets the dials', ['core/lifecycle.ts', 'state.accounts, state.dials, ', 'state.accounts, ']),
  mutant(
    'the end leaves handlers at work',
    [
      'core/lifecycle.ts',
      "out.push({ type: 'cancelHandler', exchange: exchange.stream, reason: refusal.message })",
      '',
    ],
    ['edge/inbound.ts', "this.onCancel(exchange, 'the node was stopped')", 'void exchange'],
  ),
  mutant('the end forgets who waits at the edge', [
    'edge/asks.ts',
    'for (const subscriber of subscribers) subscriber.error(error)',
    '',
  ]),
]
