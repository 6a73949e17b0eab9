/** Events of every type, with anything in them. A new type of event does not compile until it has one. */
import fc from 'fast-check'
import type { Event } from '../../src/core/events.js'

type Arbitraries = { [Type in Event['type']]: fc.Arbitrary<Extract<Event, { type: Type }>> }

const id = fc.oneof(fc.nat(300), fc.maxSafeNat())
const text = fc.string({ unit: 'binary', maxLength: 300 })
const texts = fc.array(text, { maxLength: 4 })
const bytes = fc.uint8Array({ maxLength: 400 })
/** Of a handler that has not ended. */
const working = fc.constant(true)
const values = fc.record(
  {
    mode: fc.constantFrom('pull', 'push'),
    buffer: fc.nat(100),
    overflow: fc.constantFrom('error', 'dropOldest', 'conflate'),
    idleTimeout: fc.nat(10_000),
  },
  { requiredKeys: ['mode'] },
)
/** Of a broadcast; no other text of a state is like it, for a redacted recording gives these other names wherever they are. */
const messageId = text.map((any) => `id of ${any}`)
const standings = fc.dictionary(text, fc.record({ score: fc.double({ noNaN: true }), queued: id }), { maxKeys: 3 })
const failure = fc.oneof(
  fc.record({ message: text }),
  text.map((message) => ({ message, cause: new Error('foreign') })),
)

const entries = fc.array(fc.oneof(fc.record({ peer: text }), fc.record({ range: text })), { maxLength: 4 })

function event<Type extends Event['type']>(
  type: Type,
  fields: { [Key in Exclude<keyof Extract<Event, { type: Type }>, 'type'>]-?: fc.Arbitrary<unknown> },
  optional: string[] = [],
): fc.Arbitrary<Extract<Event, { type: Type }>> {
  const required = Object.keys(fields).filter((key) => !optional.includes(key))
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- tsc needs it
  const arbitrary = fc.record(fields as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: required })
  return arbitrary.map((rest) => ({ type, ...rest }) as Extract<Event, { type: Type }>)
}

export const eventsByType: Arbitraries = {
  request: event('request', { ask: id, peer: text, addresses: texts, data: bytes, timeout: id, values }, ['values']),
  cancel: event('cancel', { ask: id }),
  taken: event('taken', { ask: id, cost: id }),
  respond: event('respond', { exchange: id, data: bytes, working }, ['working']),
  pullable: event('pullable', { exchange: id }),
  next: event('next', { exchange: id, data: bytes }),
  complete: event('complete', { exchange: id, working }, ['working']),
  reject: event('reject', { exchange: id, reason: text, code: text, retryAfterMs: id, working }, [
    ...['reason', 'code', 'retryAfterMs', 'working'],
  ]),
  released: event('released', { exchange: id }),
  handedBack: event('handedBack', {
    requests: fc.array(fc.record({ exchange: id, data: bytes }), { maxLength: 4 }),
  }),
  turnUsed: event('turnUsed', { ran: id }),
  handlerTook: event('handlerTook', { peer: text, ms: id }),
  serve: event('serve', { protocols: texts }),
  dialPeer: event('dialPeer', { ask: id, target: text, addresses: texts }),
  knownPeers: event('knownPeers', { ask: id }),
  status: event('status', { ask: id }),
  broadcast: event(
    'broadcast',
    {
      ask: id,
      topic: text,
      data: bytes,
      waitForPeers: fc.record({ min: fc.nat(20), timeout: id }),
      receipts: fc.record({ count: fc.nat(20), timeout: id }, { requiredKeys: ['timeout'] }),
    },
    ['waitForPeers', 'receipts'],
  ),
  subscribe: event('subscribe', { topic: text, replay: fc.record({ subscription: id, count: fc.nat(100) }) }, [
    'replay',
  ]),
  unsubscribe: event('unsubscribe', { topic: text, subscription: id }, ['subscription']),
  joined: event('joined', { ask: id, topic: text, timeout: id }),
  online: event('online', { ask: id, peers: id, timeout: id }),
  guardTopic: event('guardTopic', { topic: text }),
  validated: event('validated', {
    validation: id,
    verdict: fc.constantFrom('accept', 'ignore', 'reject'),
    failed: fc.boolean(),
  }),
  digested: event('digested', { digest: id, hash: bytes }),
  discarded: event('discarded', { topic: text, count: id }),
  allow: event('allow', { ask: id, entries }),
  deny: event('deny', { ask: id, entries, duration: id, reason: text }, ['duration', 'reason']),
  authorized: event('authorized', { authorization: id, admitted: fc.boolean(), failed: fc.boolean() }),
  explain: event('explain', { ask: id, about: fc.oneof(fc.record({ topic: text }), fc.record({ peer: text })) }),
  shutdown: event('shutdown', { ask: id, drain: id }, ['drain']),
  start: event('start', {}),
  tick: event('tick', {}),
  woken: event('woken', {}),
  late: event('late', { by: id }),
  effectFailed: event('effectFailed', { effect: text, failure }),
  listening: event('listening', { addresses: texts, bound: texts, failures: texts }, ['bound', 'failures']),
  listenFailed: event('listenFailed', { failure }),
  clockJumped: event('clockJumped', { by: fc.integer({ min: -100_000, max: 1e9 }) }),
  connectionOpened: event(
    'connectionOpened',
    { connection: id, peer: text, address: text, ip: text, inbound: fc.boolean() },
    ['ip'],
  ),
  visit: event('visit', { visit: id, peer: text, address: text, inbound: fc.boolean() }),
  turnedAway: event(
    'turnedAway',
    {
      why: fc.constantFrom('denied', 'banned', 'notAllowed', 'networkKey', 'handshakes'),
      ...{ peer: text, address: text, inbound: fc.boolean(), reason: text, count: id, ago: id },
    },
    ['peer', 'reason'],
  ),
  connectionClosed: event('connectionClosed', { connection: id, moved: fc.boolean() }, ['moved']),
  dialled: event('dialled', { target: text, peer: text, connection: id }),
  dialFailed: event('dialFailed', {
    target: text,
    failure,
    tried: fc.array(fc.record({ address: text, reason: text }), { maxLength: 4 }),
  }),
  identified: event(
    'identified',
    { connection: id, peer: text, protocols: texts, addresses: texts, agent: text, observed: text },
    ['observed'],
  ),
  pinged: event('pinged', { connection: id, rtt: fc.oneof(id, fc.double({ min: 0, noNaN: true })) }),
  pingFailed: event('pingFailed', { connection: id, failure, heard: fc.boolean() }),
  tableChanged: event('tableChanged', { peer: text, addresses: fc.option(texts, { nil: undefined }) }),
  tableQueried: event('tableQueried', { failure }, ['failure']),
  streamInbound: event('streamInbound', { stream: id, connection: id, protocol: text }),
  streamOpened: event('streamOpened', { stream: id, protocol: text }),
  streamOpenFailed: event('streamOpenFailed', {
    stream: id,
    reason: fc.constantFrom('unsupported', 'lost', 'failed'),
    failure,
  }),
  data: event('data', { stream: id, chunks: fc.array(bytes, { maxLength: 4 }) }),
  streamEnded: event('streamEnded', { stream: id }),
  streamClosed: event('streamClosed', { stream: id, reason: fc.constantFrom('closed', 'reset', 'lost'), failure }, [
    'failure',
  ]),
  writable: event('writable', { stream: id }),
  message: event('message', {
    ...{ topic: text, data: bytes, from: text, proof: bytes },
    ...{ via: text, id: messageId, held: fc.boolean() },
  }),
  subscriptionChanged: event('subscriptionChanged', { peer: text, topic: text, subscribed: fc.boolean() }),
  gossipOpened: event('gossipOpened', { peer: text }),
  gossipClosed: event('gossipClosed', { peer: text }),
  gossipDrained: event('gossipDrained', { peer: text }),
  meshChanged: event('meshChanged', { topic: text, peers: texts }),
  refused: event(
    'refused',
    {
      ...{ peer: text, own: fc.constant(true as const), hungUp: fc.constant(true as const) },
      what: fc.constantFrom(
        'kadRate',
        'kadRecord',
        'kadMalformed',
        'kadUnread',
        'kadAnswer',
        'hearsay',
        'identifyRate',
        'pingRate',
        'pingUnread',
        'gossipRate',
        'gossipStreams',
        'topics',
        'meshPlaces',
        'gossipReplay',
        'streamRate',
        'streamUnagreed',
        'frameRate',
        'frameWaste',
        'frameMalformed',
        'connections',
      ),
      count: fc.nat(10_000),
    },
    ['own', 'hungUp'],
  ),
  gossipDropped: event(
    'gossipDropped',
    {
      peer: text,
      topic: text,
      reason: fc.constantFrom('signature', 'key', 'oversize', 'unknownTopic', 'malformed', 'queueFull'),
      count: id,
    },
    ['topic'],
  ),
  announcedAgain: event('announcedAgain', { id: messageId, via: text }),
  repeated: event('repeated', { topic: text, id: messageId, from: text, via: text }),
  published: event('published', { ask: id, recipients: texts, id: messageId, proof: bytes }),
  publishHeld: event('publishHeld', { ask: id, peers: texts, busy: texts }),
  verified: event('verified', { ask: id, ids: fc.array(fc.oneof(messageId, fc.constant('')), { maxLength: 4 }) }),
  inspected: event('inspected', { ask: id, peers: standings }),
  publishFailed: event('publishFailed', {
    ask: id,
    code: fc.constantFrom('DuplicateMessage', 'PublishError'),
    failure,
  }),
  stopped: event('stopped', {}),
}

export const anyEvent: fc.Arbitrary<Event> = fc.oneof(...(Object.values(eventsByType) as fc.Arbitrary<Event>[]))

/** Whole milliseconds: of a clock that runs ahead or behind, too. */
export const anyTime = fc.oneof(fc.nat(100_000), fc.maxSafeInteger())
