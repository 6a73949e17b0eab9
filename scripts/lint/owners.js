/**
 * The owners of the state: the files of src/core that change a record, once it is made. The law is own-state.js. A row is the name
 * of an interface or a type, or one of its members (`Asks.deadlines`), which counts before it. No file: it stays as it is made.
 *
 * Each record has one owner where that can be. The rest is shared inside of a room, and says so.
 */

const ASKING = 'requests/session/asker'
const ANSWERING = 'requests/session/answerer'
/** Of what both roles of a session have, each role changes its own. */
const SESSIONS = [...sessionFiles(ASKING, 'calls'), ...sessionFiles(ANSWERING, 'answers'), 'requests/session/outbox.ts']
/** They lead a request of ours over a session or over version 1. */
const ASKERS = [`${ASKING}/calls.ts`, `${ASKING}/frames.ts`, 'requests/v1/asker.ts']
/** They lead a peer's request. */
const ANSWERERS = [`${ANSWERING}/answers.ts`, `${ANSWERING}/frames.ts`, 'requests/v1/answerer.ts']

function sessionFiles(role, ...files) {
  return [...files, 'events', 'frames', 'sending'].map((file) => `${role}/${file}.ts`)
}

/** File of the state → record, or record and member → its owners. */
export const OWNERS = {
  'state.ts': {
    // The end of a node makes all parts anew.
    State: ['lifecycle.ts'],
    'State.now': ['step.ts'],
    Lifecycle: ['lifecycle.ts'],
    Due: ['due.ts'],
    Changes: ['changes.ts'],
    Asks: ['asks.ts'],
    // What has expired is taken out where the rows of all deadlines are.
    'Asks.deadlines': ['asks.ts', 'expire.ts'],
  },

  'peers/state.ts': {
    PeersState: ['lifecycle.ts'],
    'PeersState.dials': ['peers/dials.ts'],
    'PeersState.online': ['peers/online.ts'],
    Connections: ['peers/connections.ts'],
    Connection: ['peers/connections.ts'],
    'Connection.goodbye': ['peers/goodbye.ts', 'peers/connections.ts'],
    'Connection.goodbyes': ['peers/goodbye.ts'],
    'Connection.leaving': ['peers/goodbye.ts', 'peers/connections.ts'],
    'Connection.pings': ['peers/connectivity.ts'],
    'Connection.doubted': ['peers/connectivity.ts'],
    'Connection.dials': ['peers/connectivity.ts', 'peers/dials.ts'],
    'Connection.protocols': ['peers/discovery.ts'],
    // What a connection carries is its protocol's.
    'Connection.queue': ['requests/queue.ts', 'requests/v1/asker.ts'],
    'Connection.requestProtocol': [`${ASKING}/events.ts`],
    'Connection.asking': [`${ASKING}/calls.ts`],
    'Connection.answering': [`${ANSWERING}/events.ts`],
    'Connection.sessionsOpened': [`${ANSWERING}/events.ts`],
    'Connection.v1Streams': ['requests/v1/asker.ts'],
    'Connection.v1Exchanges': ['requests/v1/answerer.ts'],
    Goodbye: [],
    Dial: ['peers/dials.ts'],
    DialAsk: ['peers/connectivity.ts'],
    DialFailure: [],
    Discovery: ['peers/discovery.ts'],
    Memory: ['peers/memory.ts'],
    Remembered: ['peers/memory.ts'],
  },

  'requests/state.ts': {
    RequestsState: ['lifecycle.ts'],
    RequestAsk: ['requests/requests.ts'],
    'RequestAsk.data': ASKERS,
    'RequestAsk.call': ASKERS,
    'RequestAsk.stage': ['requests/requests.ts', ...ASKERS],
    V1Call: ['requests/v1/asker.ts'],
    SessionCall: [`${ASKING}/frames.ts`],
    Exchanges: ['requests/exchanges.ts'],
    'Exchanges.deadlines': ['requests/exchanges.ts', 'expire.ts'],
    PeersRequest: ['requests/exchanges.ts'],
    'PeersRequest.total': ANSWERERS,
    'PeersRequest.complete': ANSWERERS,
    'PeersRequest.ended': ANSWERERS,
    'PeersRequest.stage': ['requests/exchanges.ts', 'requests/budget.ts', ...ANSWERERS],
    'PeersRequest.reserved': ['requests/budget.ts'],
    'PeersRequest.admitted': ['requests/budget.ts'],
    V1Exchange: [],
    SessionExchange: [`${ANSWERING}/answers.ts`, `${ANSWERING}/frames.ts`],
    Series: [`${ANSWERING}/answers.ts`],
    Lossy: [],
    Account: ['requests/budget.ts'],
    Budget: ['requests/budget.ts'],
    Streams: ['requests/streams.ts'],
  },

  'requests/session/state.ts': {
    Sender: SESSIONS,
    'Sender.wireId': [],
    'Sender.listed': ['requests/session/outbox.ts'],
    Session: SESSIONS,
    'Session.writing': ['requests/session/outbox.ts', 'requests/stream-events.ts'],
    'Session.ready': ['requests/session/outbox.ts'],
    'Session.bulk': ['requests/session/outbox.ts'],
    'Session.flushScheduled': ['requests/session/outbox.ts', 'requests/streams.ts'],
    'Session.goodbyes': ['requests/session/outbox.ts', 'requests/streams.ts'],
    AskingSession: sessionFiles(ASKING, 'calls'),
    AnsweringSession: sessionFiles(ANSWERING, 'answers'),
    Intake: [`${ASKING}/calls.ts`, `${ASKING}/frames.ts`],
    FailFrame: [],
    Carrier: [],
  },
  'requests/session/pacing.ts': { Pace: ['requests/session/pacing.ts'] },

  'services/state.ts': {
    ServicesState: ['lifecycle.ts'],
    Services: ['services/book.ts'],
    'Services.purposes': ['services/own-requests.ts'],
    'Services.nextId': ['services/own-requests.ts'],
    Purpose: [],
    'Purpose.values': ['services/own-answers.ts'],
    'Purpose.bytes': ['services/own-answers.ts'],
    'Purpose.chunks': ['broadcasts/fetching.ts'],
    'Purpose.received': ['broadcasts/fetching.ts'],
    Serving: ['services/serving.ts'],
    ServiceNews: [],
  },

  'broadcasts/state.ts': {
    BroadcastsState: ['lifecycle.ts'],
    'BroadcastsState.catchUps': ['broadcasts/catch-up.ts'],
    Topics: ['broadcasts/topics.ts'],
    Topic: ['broadcasts/topics.ts'],
    'Topic.history': ['broadcasts/history.ts'],
    'Topic.historyBytes': ['broadcasts/history.ts'],
    'Topic.remembered': ['broadcasts/history.ts'],
    Remembered: [],
    Outcomes: ['broadcasts/history.ts'],
    Publishing: ['broadcasts/publishing.ts'],
    PublishQueue: ['broadcasts/publishing.ts'],
    BroadcastAsk: ['broadcasts/publishing.ts'],
    Recipients: ['broadcasts/recipients.ts'],
    Validating: ['broadcasts/validating.ts'],
    'Validating.deadlines': ['broadcasts/validating.ts', 'expire.ts'],
    Validation: [],
    Origin: [],
    CatchUp: ['broadcasts/catch-up.ts'],
    ReceiptBook: ['broadcasts/receipts.ts'],
    Receipts: ['broadcasts/receipts.ts'],
    Large: ['broadcasts/large.ts'],
    Digesting: [],
    Fetching: ['broadcasts/fetching.ts'],
    Fetch: ['broadcasts/fetching.ts'],
    CountBook: ['broadcasts/counts.ts'],
    Counts: ['broadcasts/counts.ts'],
    PeerRecord: ['broadcasts/counts.ts'],
  },
}
