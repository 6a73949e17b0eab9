/** What must hold between any two instants in what a node knows of broadcasts, and at its edge; and what is left after the end. */
import type { Purpose } from '../../src/core/services/state.js'
import type { CatchUp, Topic } from '../../src/core/broadcasts/state.js'
import type { State } from '../../src/core/state.js'
import type { Insides, Report } from './inside.js'

/** What a message that is judged costs besides its bytes. */
const OVERHEAD = 256
/** Ids of one generation, and ids that somebody may wait for. */
const GENERATION = 2_048
const MAX_WANTED = 4_096

export function auditBroadcasts(state: State, report: Report): void {
  publishing(state, report)
  judging(state, report)
  remembering(state, report)
  others(state, report)
  ownRequests(state, report)
  serving(state, report)
  large(state, report)
  if (state.changes.topics || state.changes.subscribers.size > 0)
    report('stuck', 'topics have changed, and nobody was told')
  const { recent } = state.outcomes
  if (recent.size > GENERATION) report('bounded', `${recent.size} outcomes of messages`)
}

function equal(report: Report, what: string, booked: number, right: number): void {
  if (booked !== right) report('books', `${booked} ${what} are booked, and there are ${right}`)
}

function most(report: Report, what: string, size: number, limit: number): void {
  if (size > limit) report('bounded', `${size} ${what}; the limit is ${limit}`)
}

function publishing(
  { asks: { open: asks }, publishing: books, recipients, topics, connections, dials, settings, now }: State,
  report: Report,
): void {
  let bytes = 0
  let queued = 0
  for (const ask of asks.values()) {
    if (ask.kind === 'joined' && !topics.joining.has(ask.id)) report('books', `joined ${ask.id} waits nowhere`)
    if (ask.kind !== 'broadcast') continue
    const { id, stage, topic, min } = ask
    if (stage === 'queued' || stage === 'sent') bytes += ask.size
    // The network answers in the same instant, and hashes are computed in it.
    if (stage === 'sent' || stage === 'hashing') report('stuck', `broadcast ${id} is ${stage}`)
    if ((stage === 'waiting') !== books.waiting.has(id)) report('books', `broadcast ${id} is ${stage}`)
    const there = [...(topics.subscribers.get(topic) ?? [])].filter((peer) => topics.gossipPeers.has(peer)).length
    if (stage === 'waiting' && there >= min)
      report('stuck', `broadcast ${id} waits for ${min} subscribers, and there are ${there}`)
    const queue = books.queues.get(topic)
    if (stage !== 'queued') continue
    queued++
    if (queue?.queued.has(id) !== true && queue?.retries.includes(id) !== true)
      report('books', `broadcast ${id} is in no queue`)
  }
  let inQueues = 0
  for (const [topic, queue] of books.queues) {
    inQueues += queue.queued.size + queue.retries.length
    const waits = [...recipients.slow].some(
      ([peer, since]) => since + settings.slowPeerPatience > now && topics.subscribers.get(topic)?.has(peer) === true,
    )
    // Or for a peer that closes its connection, and for a new one to it.
    const parts = [...recipients.parting].some(
      ([peer, { topics: told, isGone, until }]) =>
        until > now && told.includes(topic) && (connections.byPeer.has(peer) || (isGone && dials.has(peer))),
    )
    if (queue.held === undefined || (!waits && !parts)) report('stuck', `broadcasts on ${topic} wait for nobody`)
  }
  equal(report, 'broadcasts in queues', inQueues, queued)
  equal(report, 'bytes of broadcasts', books.queuedBytes, bytes)
  equal(report, 'broadcasts that the network has', books.underWay, 0)
  if (queued > 1) most(report, 'bytes of broadcasts', bytes, settings.maxQueuedBroadcasts)
  for (const id of [...books.waiting, ...topics.joining])
    if (!asks.has(id)) report('leak', `question ${id} waits, and is gone`)
  for (const peer of recipients.slow.keys())
    if (!topics.gossipPeers.has(peer)) report('leak', `${peer} counts as slow, and is gone`)
}

function judging({ validating, settings }: State, report: Report): void {
  const by = new Map<string, number>()
  const timed = new Set<number>()
  for (const group of validating.deadlines.values()) for (const id of group.keys()) timed.add(id)
  let all = 0
  for (const { id, heard } of validating.open.values()) {
    const cost = heard.data.length + OVERHEAD
    all += cost
    by.set(heard.via, (by.get(heard.via) ?? 0) + cost)
    if (!timed.delete(id)) report('books', `validation ${id} has no deadline`)
  }
  if (timed.size > 0) report('leak', `deadlines of validations that are gone: ${[...timed].join()}`)
  equal(report, 'bytes that are judged', validating.cost, all)
  equal(report, 'peers whose messages are judged', validating.costByPeer.size, by.size)
  most(report, 'bytes that are judged', all, settings.maxValidating)
  for (const [peer, cost] of by) {
    equal(report, `bytes of ${peer} that are judged`, validating.costByPeer.get(peer) ?? 0, cost)
    most(report, `bytes of ${peer} that are judged`, cost, settings.maxValidatingPerPeer)
  }
}

function remembering({ topics, settings }: State, report: Report): void {
  for (const [name, { history, historyBytes, remembered, bringers }] of topics.joined) {
    const bytes = history.reduce((sum, { data }) => sum + data.length, 0)
    equal(report, `bytes of ${name} in its history`, historyBytes, bytes)
    const shares = [...bringers.values()].reduce((sum, { signers }) => sum + signers.used, 0)
    const each = Math.ceil(settings.historyBytes / Math.max(1, settings.historyMessages))
    equal(report, `shares of ${name} in its history`, shares, bytes + each * history.length)
    equal(report, `ids of ${name} in its history`, remembered.size, history.length)
    most(report, `broadcasts of ${name} in its history`, history.length, settings.historyMessages)
    most(report, `bytes of ${name} in its history`, bytes, settings.historyBytes)
    if (!history.every(({ id }) => remembered.has(id))) report('books', `the history of ${name} has an id too many`)
    if (!isSorted(history)) report('books', `the history of ${name} is not in order`)
  }
}

function isSorted(history: Topic['history']): boolean {
  return history.every(({ at }, i) => i === 0 || history[i - 1]!.at <= at)
}

function others({ topics, connections }: State, report: Report): void {
  const amounts = new Map<string, number>()
  for (const [topic, peers] of topics.subscribers) {
    if (peers.size === 0) report('leak', `${topic} is kept, and nobody is in it`)
    for (const peer of peers) amounts.set(peer, (amounts.get(peer) ?? 0) + 1)
  }
  equal(report, 'peers with topics', topics.topicCounts.size, amounts.size)
  for (const [peer, amount] of amounts) {
    equal(report, `topics of ${peer}`, topics.topicCounts.get(peer) ?? 0, amount)
    if (!connections.byPeer.has(peer)) report('leak', `${peer} is in topics, and is not connected`)
  }
}

function ownRequests(state: State, report: Report): void {
  const { services, receipts, fetching } = state
  const { open: asks } = state.asks
  const open = new Map<number, number>()
  for (const [id, purpose] of services.purposes) {
    if (purpose.kind !== 'verify' && asks.get(id)?.kind !== 'request')
      report('leak', `the question of the node about ${purpose.kind} is kept, and is over`)
    if (purpose.kind === 'verify') report('stuck', 'messages wait to be verified')
    if (purpose.kind === 'receipt' && receipts.open.get(purpose.ask)?.asks.has(id) !== true)
      report('leak', `a receipt of broadcast ${purpose.ask} is waited for, and nobody wants it`)
    if (purpose.kind === 'fetch' && !fetching.open.has(purpose.message))
      report('leak', 'a message is fetched that nobody wants')
    if (purpose.kind === 'history') open.set(purpose.subscription, (open.get(purpose.subscription) ?? 0) + 1)
  }
  for (const ask of asks.values()) {
    if (ask.kind === 'request' && ask.id < 0 && ask.stage !== 'draining' && !services.purposes.has(ask.id))
      report('leak', `question ${ask.id} of the node is asked, and nobody wants its answer`)
  }
  for (const [ask, { asks: waits, remaining }] of receipts.open) {
    if (waits.size === 0 || remaining <= 0) report('stuck', `broadcast ${ask} waits for receipts that cannot come`)
    for (const id of waits) if (!services.purposes.has(id)) report('leak', `broadcast ${ask} waits for question ${id}`)
  }
  for (const catchUp of state.catchUps.values()) catchingUp(state, catchUp, open, report)
}

function catchingUp(
  { validating }: State,
  { subscription, stage, unanswered, undecided }: CatchUp,
  asked: Map<number, number>,
  report: Report,
): void {
  const judged = [...validating.open.values()].filter(
    ({ origin }) => origin.kind === 'replay' && origin.subscription === subscription,
  ).length
  equal(report, `questions of catch-up ${subscription}`, unanswered, asked.get(subscription) ?? 0)
  equal(report, `verdicts for catch-up ${subscription}`, undecided, judged)
  if (stage === 'asking' && unanswered + undecided === 0) report('stuck', `catch-up ${subscription} waits for nothing`)
}

function serving({ services, news, receipts: { wanted }, exchanges }: State, report: Report): void {
  if (news.waiting.length > 0) report('stuck', `services have not heard ${news.waiting.length} news`)
  let receipts = 0
  for (const [exchange, what] of services.serving) {
    if (!exchanges.open.has(exchange)) report('leak', `a ${what.kind} is served to nobody`)
    if (what.kind !== 'receipt') continue
    receipts++
    if (wanted.get(what.message)?.has(exchange) !== true) report('books', 'a receipt is wanted and not booked')
  }
  let booked = 0
  for (const waiting of wanted.values()) {
    booked += waiting.size
    if (waiting.size === 0) report('leak', 'a message is kept that nobody wants a receipt for')
  }
  equal(report, 'receipts that others want', booked, receipts)
  most(report, 'messages whose receipts are wanted', wanted.size, MAX_WANTED)
}

function large({ large: books, fetching, services, settings, connections, now }: State, report: Report): void {
  const { blobs, blobShares, digesting } = books
  const { open: fetches, waiting, byPeer, byRange } = fetching
  const blobBytes = blobShares.used
  const fetchBytes = byPeer.used
  const sum = (items: Iterable<number>): number => [...items].reduce((all, one) => all + one, 0)
  equal(report, 'bytes of large messages', blobBytes, sum([...blobs.values()].map(({ data }) => data.length)))
  equal(
    report,
    'bytes that are fetched',
    fetchBytes,
    sum([...fetches.values()].map(({ size, asked }) => size * asked.length)),
  )
  most(report, 'bytes of large messages', blobBytes, settings.limits.largeBytes)
  most(report, 'bytes that are fetched', fetchBytes, settings.limits.largeBytes)
  equal(report, 'bytes that are fetched, by ranges', byRange.used, fetchBytes)
  const canBeAsked = [...waiting.values()].some(({ sources }) =>
    sources.some(({ peer }) => connections.byPeer.has(peer)),
  )
  if (canBeAsked && fetches.size === 0) report('stuck', 'a large message waits, and none is being fetched')
  for (const [id, { until }] of waiting) if (until + 2 < now) report('late', `message ${id} waits for too long`)
  if (digesting.size > 0) report('stuck', `${digesting.size} hashes are being computed`)
  const asked = new Set(
    [...services.purposes.values()].map((own: Purpose) => (own.kind === 'fetch' ? own.message : '')),
  )
  for (const [id, { until, asked: sources }] of fetches) {
    most(report, `sources of message ${id} that are asked`, sources.length, 2)
    if (!asked.has(id)) report('stuck', `message ${id} is to be fetched, and nobody is asked`)
    if (until + 2 < now) report('late', `message ${id} should have been given up`)
  }
}

/** Does the edge wait for what the core does, and for nothing else? */
export function auditEdge({ state, broadcasts, validators, receipts }: Insides, report: Report): void {
  const { catchUps, validating } = state
  equal(report, 'judgements at the edge', validators.judgements.size, validating.open.size)
  for (const id of validating.open.keys())
    if (!validators.judgements.has(id)) report('books', `judgement ${id} is not at the edge`)
  equal(report, 'late subscribers at the edge', broadcasts.catchingUp.size, catchUps.size)
  for (const ask of receipts.receipts.keys()) {
    if (!state.receipts.open.has(ask) && state.asks.open.get(ask)?.kind !== 'broadcast')
      report('leak', `receipts of broadcast ${ask} are kept, and none will come`)
  }
}

/** Nothing is left, in the state or at the edge. */
export function auditEdgeEnd({ broadcasts, validators, receipts }: Insides, report: Report): void {
  const left = [broadcasts.listeners, broadcasts.catchingUp, validators.judgements, receipts.receipts].map(
    ({ size }) => size,
  )
  if (left.some((size) => size > 0))
    report('leak', `listeners, late ones, judgements, receipts after the end: ${left.join()}`)
}
