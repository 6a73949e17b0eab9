/**
 * The owners of the state: the files of src/core that change a record, once it is made. The law is own-state.js. A row is the name
 * of an interface or a type, or one of its members (`Asks.deadlines`), which counts before it. No file: it stays as it is made.
 *
 * Each record has one owner where that can be. The rest is shared inside of a room, and says so.
 */

const ASKING = 'requests/session/asker'
const ANSWERING = 'requests/session/answerer'
const CALLS = `${ASKING}/calls.ts`
const ANSWERS = `${ANSWERING}/answers.ts`
const V1_ASKER = 'requests/v1/asker.ts'
const V1_ANSWERER = 'requests/v1/answerer.ts'
const HELD = 'requests/held.ts'
const SLOTS = 'requests/slots.ts'
const DEAR = 'requests/dear.ts'
const TURNS = 'requests/turns.ts'
const OUTBOX = 'requests/session/outbox.ts'
/** What only one role of a session has, and what each role changes of its own sessions. */
const ASKER = [CALLS, `${ASKING}/frames.ts`]
const ANSWERER = [ANSWERS, `${ANSWERING}/frames.ts`, `${ANSWERING}/series.ts`]

/** File of the state → record, or record and member → its owners. */
export const OWNERS = {
  'state.ts': {
    // The end of a node makes all parts anew.
    State: ['lifecycle.ts'],
    'State.now': ['step.ts'],
    Lifecycle: ['lifecycle.ts'],
    PingsOver: ['lifecycle.ts'],
    Due: ['due.ts'],
    Changes: ['changes.ts'],
    Asks: ['asks.ts'],
    'Asks.deadlines': ['due.ts'],
    News: ['news.ts'],
    ServiceNews: [],
  },

  'limits/state.ts': {
    Bucket: ['limits/rate.ts'],
  },

  'access/state.ts': {
    AccessState: [],
    Access: ['access/changing.ts'],
    Authorization: ['access/authorizing.ts'],
    Authorizing: ['access/authorizing.ts'],
    'Authorizing.deadlines': ['due.ts'],
    Offender: ['access/offences.ts'],
    Offenders: ['access/offences.ts'],
    Audit: ['access/audit.ts'],
  },
  'access/lists.ts': { AccessLists: ['access/lists.ts'], AccessChange: [], Visitor: [], Entries: ['access/lists.ts'] },

  'peers/state.ts': {
    PeersState: [],
    'PeersState.dials': ['peers/dials.ts'],
    'PeersState.followed': ['peers/doubts.ts'],
    'PeersState.online': ['peers/online.ts'],
    Connections: ['peers/connections.ts'],
    Connection: ['peers/connections.ts'],
    'Connection.goodbye': ['peers/goodbye.ts', 'peers/connections.ts'],
    'Connection.goodbyes': ['peers/goodbye.ts'],
    'Connection.surplus': ['peers/goodbye.ts', 'peers/connections.ts'],
    'Connection.leaving': ['peers/goodbye.ts'],
    'Connection.stopping': ['peers/goodbye.ts'],
    'Connection.pings': ['peers/connectivity.ts', 'peers/connections.ts'],
    'Connection.inQuestion': ['peers/waking.ts', 'peers/connectivity.ts'],
    'Connection.listenAddresses': ['peers/discovery.ts'],
    'Connection.answeredAt': ['peers/connectivity.ts'],
    'Connection.cutAt': ['peers/connections.ts'],
    'Connection.roundTrip': ['peers/connectivity.ts'],
    'Connection.doubted': ['peers/connectivity.ts', 'peers/doubts.ts'],
    'Connection.dials': ['peers/connectivity.ts', 'peers/dials.ts'],
    'Connection.protocols': ['peers/discovery.ts'],
    // What a connection carries is its protocol's.
    'Connection.queue': ['requests/queue.ts', V1_ASKER],
    'Connection.requestProtocol': [`${ASKING}/events.ts`],
    'Connection.asking': [CALLS],
    'Connection.answering': [`${ANSWERING}/events.ts`],
    'Connection.sessionsOpened': [`${ANSWERING}/events.ts`],
    'Connection.v1Streams': [V1_ASKER],
    'Connection.v1Exchanges': [V1_ANSWERER],
    Goodbye: [],
    Dial: ['peers/dials.ts'],
    DialAsk: ['peers/connectivity.ts'],
    ReachFailure: [],
    Discovery: ['peers/discovery.ts'],
    Memory: ['peers/memory.ts'],
    RememberedPeer: ['peers/memory.ts'],
    Waking: ['peers/waking.ts'],
    Observed: ['peers/observed.ts'],
    Observation: ['peers/observed.ts'],
    Twins: ['peers/twins.ts'],
    Suspect: ['peers/twins.ts'],
    FoundTwins: [],
    OwnTwin: [],
  },

  'requests/state.ts': {
    RequestsState: [],
    RequestAsk: ['requests/requests.ts'],
    'RequestAsk.timeout': [`${ASKING}/frames.ts`],
    'RequestAsk.data': [CALLS, V1_ASKER],
    'RequestAsk.call': [CALLS, V1_ASKER],
    'RequestAsk.stage': ['requests/requests.ts', CALLS, `${ASKING}/frames.ts`, V1_ASKER],
    V1Call: [V1_ASKER],
    SessionCall: [`${ASKING}/frames.ts`],
    Exchanges: ['requests/exchanges.ts'],
    'Exchanges.deadlines': ['due.ts'],
    PeersRequest: ['requests/exchanges.ts'],
    'PeersRequest.total': [V1_ANSWERER],
    'PeersRequest.complete': [`${ANSWERING}/frames.ts`, V1_ANSWERER],
    'PeersRequest.ended': [ANSWERS, V1_ANSWERER],
    // What becomes of a request is told by where it waits.
    'PeersRequest.stage': ['requests/exchanges.ts', 'requests/budget.ts', SLOTS, TURNS, ANSWERS, V1_ANSWERER],
    'PeersRequest.moved': ['requests/exchanges.ts', TURNS],
    'PeersRequest.arrivedAt': [TURNS],
    'PeersRequest.payload': [SLOTS, TURNS],
    'PeersRequest.busy': [SLOTS],
    'PeersRequest.held': [HELD],
    'PeersRequest.reserved': ['requests/budget.ts'],
    'PeersRequest.admitted': ['requests/budget.ts'],
    V1Exchange: [],
    SessionExchange: [ANSWERS, `${ANSWERING}/frames.ts`],
    'SessionExchange.series': [ANSWERS, `${ANSWERING}/series.ts`],
    Series: [ANSWERS, `${ANSWERING}/series.ts`],
    Lossy: [],
    // Three books, of what comes, of who works on it and of what goes: each has its part of an account.
    Use: ['requests/budget.ts'],
    'Use.handlers': [SLOTS],
    'Use.answers': [HELD],
    'Use.expected': [HELD],
    Account: ['requests/accounts.ts'],
    RangeUse: ['requests/accounts.ts'],
    Moved: ['requests/accounts.ts'],
    'Account.window': [SLOTS],
    'Account.debt': [SLOTS],
    'Account.cost': [DEAR],
    'Account.dearUntil': [DEAR],
    'Account.queue': [SLOTS],
    Lingering: [],
    Turns: [SLOTS],
    'Turns.due': [SLOTS, HELD],
    'Turns.stalled': [HELD],
    'Turns.quickPeer': [DEAR],
    'Turns.quickAt': [DEAR],
    'Turns.restUntil': [DEAR],
    Budget: ['requests/budget.ts', 'requests/accounts.ts'],
    RefusalLog: ['requests/refusal-log.ts'],
    Streams: ['requests/streams.ts'],
  },

  'requests/session/state.ts': {
    Sender: [...ASKER, ...ANSWERER],
    'Sender.wireId': [],
    'Sender.listed': [OUTBOX, 'requests/streams.ts'],
    Session: [...ASKER, `${ASKING}/events.ts`, ANSWERS, `${ANSWERING}/frames.ts`],
    'Session.writing': [OUTBOX, 'requests/stream-events.ts'],
    'Session.ready': [OUTBOX, 'requests/streams.ts'],
    'Session.helloSent': [OUTBOX],
    'Session.credits': [OUTBOX, CALLS, ANSWERS],
    'Session.bulk': [OUTBOX],
    'Session.flushScheduled': [OUTBOX, 'requests/streams.ts'],
    'Session.goodbyes': [OUTBOX, 'requests/streams.ts'],
    AskingSession: ASKER,
    AnsweringSession: [...ANSWERER, `${ANSWERING}/events.ts`],
    Intake: [CALLS, `${ASKING}/frames.ts`],
    FailFrame: [],
    Carrier: [],
  },
  'requests/session/pacing.ts': {
    Pace: ['requests/session/pacing.ts'],
    Arrival: ['requests/session/pacing.ts', `${ASKING}/frames.ts`],
    Round: [],
  },

  'services/state.ts': {
    ServicesState: [],
    Services: ['services/book.ts'],
    Purpose: [],
    'Purpose.values': ['services/own-answers.ts'],
    'Purpose.bytes': ['services/own-answers.ts'],
    'Purpose.chunks': ['broadcasts/fetching.ts'],
    'Purpose.received': ['broadcasts/fetching.ts'],
    Serving: ['services/serving.ts'],
  },

  'broadcasts/state.ts': {
    BroadcastsState: [],
    'BroadcastsState.catchUps': ['broadcasts/catch-up.ts'],
    'BroadcastsState.histories': ['broadcasts/history.ts'],
    Topics: ['broadcasts/topics.ts'],
    Topic: ['broadcasts/topics.ts'],
    'Topic.history': ['broadcasts/history.ts'],
    'Topic.historyBytes': ['broadcasts/history.ts'],
    'Topic.bringers': ['broadcasts/history.ts'],
    'Topic.remembered': ['broadcasts/history.ts'],
    RememberedBroadcast: [],
    KeptBroadcast: [],
    Bringer: ['broadcasts/history.ts'],
    Outcomes: ['broadcasts/history.ts'],
    Publishing: ['broadcasts/publishing.ts'],
    PublishQueue: ['broadcasts/publishing.ts'],
    'PublishQueue.held': ['broadcasts/patience.ts'],
    Wait: ['broadcasts/patience.ts'],
    BroadcastAsk: ['broadcasts/publishing.ts'],
    Recipients: ['broadcasts/recipients.ts'],
    'Recipients.budgets': ['broadcasts/patience.ts'],
    Parting: ['broadcasts/recipients.ts'],
    Validating: ['broadcasts/validating.ts'],
    'Validating.deadlines': ['due.ts'],
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
