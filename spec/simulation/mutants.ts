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
  'lane/lane.ts',
  'if (this.closed) return\n',
  "if (this.closed || effect.type === 'reset') return\n",
])

export const mutants: Mutant[] = [
  planted,
  mutant('the lane wakes for nothing', ['lane/lane.ts', "this.push({ type: 'woken' })", '']),
  mutant('the lane runs effects in reverse', ['lane/lane.ts', 'of effects) {', 'of effects.reverse()) {']),
  mutant('the inbox drops what comes in while it is emptied', [
    'lane/inbox.ts',
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
    'if (state.nextDue >= state.wakeAt) return',
    'if (state.wakeAt !== Infinity) return',
  ]),
  mutant('a deadline expires a moment late', ['core/deadlines.ts', 'group.get(id)! <= now', 'group.get(id)! < now']),
  mutant('the deadline of an answered request stays', [
    'core/requests/session/asker/calls.ts',
    'removeDeadline(state.askDeadlines, ask.id, ask.timeout)',
    '',
  ]),
  mutant('a reply goes to the request after its own', [
    'core/requests/session/asker/frames.ts',
    'else settle(out, ask.id, copyIfSmall(',
    'else settle(out, ask.id + 1, copyIfSmall(',
  ]),
  mutant('a reply over version 1 goes to the request after its own', [
    'core/requests/v1/asker.ts',
    'settle(out, ask.id, value)',
    'settle(out, ask.id + 1, value)',
  ]),
  mutant('a cancelled request is not called off', [
    'core/requests/session/asker/calls.ts',
    'if (ask.sent >= 0) {',
    'if (ask.sent >= 0 && refusal !== undefined) {',
  ]),
  mutant('a cancelled request leaves its stream open', [
    'core/requests/v1/asker.ts',
    "out.push({ type: 'reset', stream: ask.stream!, reason: refusal?.code ?? 'cancelled' })",
    "if (refusal) out.push({ type: 'reset', stream: ask.stream!, reason: refusal.code })",
  ]),
  mutant('a request that ended stays in its session', [
    'core/requests/session/asker/calls.ts',
    'session.calls.delete(ask.wireId)',
    '',
  ]),
  mutant('a cancelled request stays with its dial', [
    'core/requests/requests.ts',
    "if (ask.stage === 'dialling') state.dials.get(ask.peer)?.waiting.delete(ask.id)",
    '',
  ]),
  mutant('the stream of a request that ended is kept', ['core/requests/v1/asker.ts', 'state.calls.delete(stream)', '']),
  mutant('the limit of early streams is never lifted', [
    'core/requests/v1/asker.ts',
    'if (connection.proven) return\n  connection.proven = true',
    'if (connection.proven) return',
  ]),
  mutant('one stream too many', [
    'core/requests/v1/asker.ts',
    'connection.calls.size >= limit',
    'connection.calls.size > limit',
  ]),
  mutant('one question too many', ['core/asks.ts', 'state.asks.size >= state', 'state.asks.size > state']),
  mutant('a request that ended leaves no room for the next', [
    'core/requests/v1/asker.ts',
    'connection.calls.delete(stream)\n  openCalls(state, out, connection)',
    'connection.calls.delete(stream)',
  ]),
  mutant(
    'a second answer is sent',
    ['core/requests/answers.ts', "if (exchange?.stage !== 'handling') return", 'if (exchange === undefined) return'],
    ['edge/answers/inbound.ts', 'if (this.requests.delete(exchange)) this.push(event)', 'this.push(event)'],
    ['edge/answers/inbound.ts', 'if (this.decided) return false', ''],
  ),
  mutant('room for inbound bytes is never given back', [
    'core/requests/budget.ts',
    'state.inboundBytes -= exchange.reserved',
    '',
  ]),
  mutant('who waits for room waits for ever', [
    'core/requests/answers.ts',
    'of release(state)) goOn',
    'of release(state).slice(1)) goOn',
  ]),
  mutant('an unanswered request keeps its signal quiet', [
    'core/requests/exchanges.ts',
    "if (isWorkedOn(exchange)) out.push({ type: 'cancelHandler', exchange: id, reason })",
    '',
  ]),
  mutant('each request has a dial of its own', [
    'core/peers/dials.ts',
    'let dial = state.dials.get(target)',
    'let dial',
  ]),
  mutant('requests outlive their connection', [
    'core/peers/connectivity.ts',
    'if (session !== undefined) loseCalls(state, out, session, message)',
    '',
  ]),
  mutant('who cannot be dialled stays in the table', [
    'core/peers/connectivity.ts',
    "out.push({ type: 'tableRemove', peer: dial.target })",
    '',
  ]),
  mutant('an idle connection waits for the next one', [
    'core/peers/connections.ts',
    'idle.get(id)! + state.settings.connectionKeepAlive > state.now',
    'closingTime(state, idle.get(id)!) >= state.now',
  ]),
  mutant('nobody wakes for an idle connection', [
    'core/peers/connections.ts',
    'dueAt(state, closingTime(state, state.now))',
    '',
  ]),
  mutant('boot nodes are tried once', [
    'core/peers/discovery.ts',
    'export function tick(state: State, out: Effects): void {\n  dialBootNodes(state, out)',
    'export function tick(state: State, out: Effects): void {',
  ]),
  mutant('a topic is left at once', [
    'core/broadcasts/topics.ts',
    'state.now + state.settings.topicLinger',
    'state.now',
  ]),
  mutant('a topic is left in spite of a new subscriber', [
    'core/broadcasts/topics.ts',
    'topic.subscribers++\n  topic.leaveAt = Infinity',
    'topic.subscribers++',
  ]),
  mutant('the end forgets the dials', ['core/lifecycle.ts', 'state.accounts, state.dials, ', 'state.accounts, ']),
  mutant(
    'the end leaves handlers at work',
    [
      'core/lifecycle.ts',
      "if (isWorkedOn(exchange)) out.push({ type: 'cancelHandler', exchange: exchange.id, reason: refusal.message })",
      '',
    ],
    ['edge/answers/inbound.ts', "this.onCancel(exchange, 'the node was stopped')", 'void exchange'],
  ),
  mutant('the end forgets who waits at the edge', [
    'edge/asks.ts',
    'for (const observer of observers) observer.error(error)',
    '',
  ]),

  // ---- sessions: cancel and deadlines
  mutant('a cancelled request gets no final frame', [
    'core/requests/session/answerer/frames.ts',
    "failNow(state, exchange, 'Cancelled', '')",
    '',
  ]),
  mutant('a request does not say how long it is waited for', [
    'core/requests/session/asker/sending.ts',
    'timeout: Math.max(1, dueAt - state.now)',
    'timeout: 0',
  ]),
  mutant('a request says more than is left of its time', [
    'core/requests/session/asker/sending.ts',
    'timeout: Math.max(1, dueAt - state.now)',
    'timeout: ask.timeout',
  ]),
  mutant('who makes values goes on when nobody takes them', ['edge/answers/inbound.ts', 'this.producer?.stop()', '']),

  // ---- sessions: credit
  mutant('credit is not given back', [
    'core/requests/session/asker/calls.ts',
    'if (amount >= VALUES_WINDOW / 2) giveCredit',
    'if (amount > VALUES_WINDOW) giveCredit',
  ]),
  mutant('credit is given twice', [
    'core/requests/session/asker/calls.ts',
    '(session.credits.get(ask.wireId) ?? 0) + amount',
    '(session.credits.get(ask.wireId) ?? 0) + 2 * amount',
  ]),
  mutant('credit is not used up', ['core/requests/session/answerer/sending.ts', 'exchange.sendCredit -= cost', '']),
  mutant('a large request is never told that there is room', [
    'core/requests/session/answerer/answers.ts',
    'session.credits.set(wireId, (session.credits.get(wireId) ?? 0) + amount)',
    '',
  ]),
  mutant('a producer that can wait is asked for more than there is credit for', [
    'core/requests/session/answerer/answers.ts',
    'const room = Math.min(sendCredit, MAX_AHEAD) - series.cost',
    'const room = MAX_AHEAD',
  ]),
  mutant('a loop is sent more than it takes', [
    'edge/requests/outbound.ts',
    "mode: 'pull', ...values",
    "mode: 'push', ...values",
  ]),

  // ---- sessions: fairness
  mutant('large values go before small ones', [
    'core/requests/session/outbox.ts',
    '  writeReady(state, out, session, sending, writer, most)\n  writeBulk(state, out, session, sending, writer, most)\n',
    '  writeBulk(state, out, session, sending, writer, most)\n  writeReady(state, out, session, sending, writer, most)\n',
  ]),
  mutant('a large value goes whole before the next one begins', [
    'core/requests/session/outbox.ts',
    'party.listed = true\n    bulk.push(party)',
    'party.listed = true\n    bulk.unshift(party)',
  ]),
  mutant('a write does not wait for the one before', [
    'core/requests/session/outbox.ts',
    'if (!session.open || session.writing) return',
    'if (!session.open) return',
  ]),

  // ---- sessions: who gets what, and the books
  mutant('a value goes to the request after its own', [
    'core/requests/session/asker/frames.ts',
    "out.push({ type: 'value', ask: ask.id, value })",
    "out.push({ type: 'value', ask: ask.id + 1, value })",
  ]),
  mutant('the end of the values is swallowed', [
    'core/requests/session/asker/frames.ts',
    "if (ask.values !== undefined) out.push({ type: 'valuesEnded', ask: ask.id })",
    'if (ask.values !== undefined) return undefined',
  ]),
  mutant('who asks for one value gets all', [
    'core/requests/answers.ts',
    "if (exchange.kind === 'stream' || exchange.one) {\n    if (",
    "if (exchange.kind === 'stream') {\n    if (",
  ]),
  mutant('of too many values the newest is dropped', [
    'core/requests/session/answerer/answers.ts',
    'isOver(state, session, exchange, series))\n    dropOldest(',
    'isOver(state, session, exchange, series))\n    dropNewest(',
  ]),
  mutant('numbers of inbound requests begin anew with each session', [
    'core/requests/session/answerer/frames.ts',
    'id: state.nextExchange--',
    'id: -id',
  ]),
  mutant('values of an answer that ended still count', [
    'core/requests/exchanges.ts',
    'answering.queued -= series.cost',
    'answering.queued -= 0',
  ]),
  mutant('a refusal loses its code', ['edge/answers/reasons.ts', "if (sent !== '') command.code = sent", '']),
  mutant('a refusal loses its time', [
    'core/requests/session/asker/frames.ts',
    'return retryAfterMs > 0 ? { ...refusal, retryAfterMs } : refusal',
    'return refusal',
  ]),

  // ---- broadcasts
  mutant('a verdict is not waited for', [
    'core/broadcasts/deciding.ts',
    'if (!state.broadcasts.guarded.has(heard.topic)) return decide(',
    "if (heard.topic !== '') return decide(",
  ]),
  mutant('what is rejected is delivered', [
    'core/broadcasts/deciding.ts',
    "if (verdict !== 'accept') {",
    "if (verdict === 'ignore') {",
  ]),
  mutant('a message is forwarded before the verdict', [
    'core/broadcasts/topics.ts',
    "out.push({ type: 'join', topic: name, guarded: isGuarded(state, name) })",
    "out.push({ type: 'join', topic: name, guarded: false })",
  ]),
  mutant('what was replayed comes again', [
    'edge/broadcasts/broadcasts.ts',
    'listener.replayed = new Set(broadcasts.map(({ id }) => id))',
    'listener.replayed = undefined',
  ]),
  mutant('what comes while somebody catches up is lost', [
    'core/broadcasts/catch-up.ts',
    '    catchUp.live.push(heard)\n',
    '',
  ]),
  mutant('what comes while somebody catches up comes twice', [
    'core/broadcasts/catch-up.ts',
    'for (const { id } of live) found.delete(id)',
    '',
  ]),
  mutant('a late subscriber gets more than it asked for', [
    'core/broadcasts/catch-up.ts',
    '(a, b) => a.at - b.at).slice(-count)',
    '(a, b) => a.at - b.at)',
  ]),
  mutant('a late subscriber gets the newest first', [
    'core/broadcasts/catch-up.ts',
    '(a, b) => a.at - b.at)',
    '(a, b) => b.at - a.at)',
  ]),
  mutant('nobody who remembers is asked', ['core/broadcasts/catch-up.ts', '.slice(0, catchUpPeers)', '.slice(0, 0)']),
  mutant('who catches up hears nothing new', ['edge/broadcasts/broadcasts.ts', 'listener.catchingUp = false', '']),
  mutant('the history has no bound', [
    'core/broadcasts/history.ts',
    'while (history.length - from > settings.historyMessages || topic.historyBytes > settings.historyBytes)',
    'while (from < 0)',
  ]),
  mutant('a receipt goes before the verdict', [
    'core/broadcasts/receipts.ts',
    'if (outcome !== undefined) return answer(state, out, exchange, outcome)',
    "return answer(state, out, exchange, outcome ?? 'accepted')",
  ]),
  mutant('receipts never end', ['core/broadcasts/receipts.ts', "  out.push({ type: 'receiptsEnded', ask })\n", '']),
  mutant('one subscriber too few is enough', [
    'core/broadcasts/publishing.ts',
    'if (ask.min > 0 && reachable(state, ask.topic).length < ask.min)',
    'if (ask.min > 0 && reachable(state, ask.topic).length < ask.min - 1)',
  ]),
  mutant('what waited for subscribers keeps its time', [
    'core/broadcasts/publishing.ts',
    'removeDeadline(state.askDeadlines, id, ask.timeout)\n    ask.timeout',
    'ask.timeout',
  ]),
  mutant('bytes of what was broadcast still count', [
    'core/broadcasts/publishing.ts',
    'state.broadcasts.queuedBytes -= ask.size',
    '',
  ]),
  mutant('a peer that was full stays so', [
    'core/broadcasts/publishing.ts',
    'if (state.broadcasts.full.delete(peer)) pump(state, out)',
    'void [state, out, peer]',
  ]),
  mutant('nobody wakes for a validator', [
    'core/broadcasts/validating.ts',
    'setDeadline(state, broadcasts.validationDeadlines, id, timeout)',
    '',
  ]),
  mutant('bytes that were judged still count', [
    'core/broadcasts/validating.ts',
    'broadcasts.judgingBytes -= cost',
    '',
  ]),
  mutant('a large message that was fetched still counts', [
    'core/broadcasts/large-fetching.ts',
    'broadcasts.fetchBytes -= fetch.size',
    '',
  ]),
  mutant('a topic counts as joined before it is', [
    'core/broadcasts/membership.ts',
    'if (topic.mesh.length > 0) return true',
    'if (topic.mesh.length >= 0) return true',
  ]),
  mutant('a slow loop gets the newest first', [
    'edge/queue.ts',
    'this.values.push(value)',
    'this.values.unshift(value)',
  ]),
]
