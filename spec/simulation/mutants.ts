/**
 * Faults in the lane, the core or the edge, as changes of a copy of the sources. Each must be found
 * by the suite; one that is not found shows an invariant that is missing.
 */
import { drop, replace, swap, type Change, type Fault } from '../support/planting.js'

const mutant = (name: string, ...changes: Change[]): Fault => ({ name, changes })

/** The one that is shown in full: planted in the lane, found, shrunk, and found again. */
export const planted = mutant(
  'the lane stops at an effect that has no answer',
  replace('Lane.run', 'this.pipeline.closed', "this.pipeline.closed || effect.type === 'reset'"),
)

export const mutants: Fault[] = [
  planted,
  mutant('the lane wakes for nothing', replace('Lane.constructor', 'ticks$, wakes$', 'ticks$')),
  mutant('the lane runs effects in reverse', replace('Lane.run', 'of effects', 'of effects.reverse()')),
  mutant(
    'what comes in while an instant is stepped is dropped',
    replace('Gathering.flush', 'next(events)', 'next(events); this.events = []'),
  ),
  mutant(
    'the events of an instant run in reverse',
    replace('step', 'of batch.events', 'of [...batch.events].reverse()'),
  ),
  mutant('what is due runs before the events of its instant', swap('step', 'of batch.events', 'expire(')),
  // (The comma leaves of the comparison: is something armed already?)
  mutant('only the first deadline is armed', replace('armWake', '>=', ', Infinity !==')),
  mutant('a deadline expires a moment late', replace('takeExpired', '<= now', '< now')),
  mutant('the deadline of an answered request stays', drop('closeAsk', 'removeDeadline(')),
  mutant(
    'a reply goes to the request after its own',
    replace('onReply', 'ask.id, copyIfSmall(', 'ask.id + 1, copyIfSmall('),
  ),
  mutant(
    'a reply over version 1 goes to the request after its own',
    replace('onResponseData', 'ask.id, takePayload(', 'ask.id + 1, takePayload('),
  ),
  mutant(
    'a cancelled request is not called off',
    replace('endSessionCall', 'call.sent >= 0', 'call.sent >= 0 && refusal !== undefined'),
  ),
  mutant('a cancelled request leaves its stream open', replace('endCall', 'out.push(', 'if (refusal) out.push(')),
  mutant('a request that ended stays in its session', drop('closeSessionCall', 'requests.delete(')),
  mutant('a cancelled request stays with its dial', drop('endRequest', 'stopWaiting(')),
  mutant('the stream of a request that ended is kept', drop('closeCall', 'removeV1Request(')),
  mutant(
    'the limit of early streams is never lifted',
    drop('onOpened', 'noteUpgraded('),
    drop('onPinged', 'noteUpgraded('),
  ),
  mutant('the end of a connection is not told to status$', drop('removeConnection', 'statusChanged(')),
  mutant('the end of a dial is not told to peers$', drop('closeDial', 'peersChanged(')),
  mutant('one stream too many', replace('openStreams', 'v1Streams.size >= limit', 'v1Streams.size > limit')),
  mutant('one question too many', replace('acceptAsk', 'size >=', 'size >')),
  mutant('a request that ended leaves no room for the next', drop('closeCall', 'openStreams(')),
  mutant(
    'a second answer is sent',
    replace('respond', "exchange?.stage === 'handling'", 'exchange !== undefined'),
    replace('InboundRequests.finished', 'this.requests.delete(exchange)', 'true'),
    drop('Inbound.decide', 'if (this.decided)'),
  ),
  mutant('room for inbound bytes is never given back', drop('giveBack', 'account.bytes -=')),
  mutant('a request that waits for room waits for ever', replace('resumeWaiting', 'of freed', 'of freed.slice(1)')),
  mutant(
    'an unanswered request keeps its signal quiet',
    drop('session/cutExchange', 'isWorkedOn('),
    drop('v1/cutExchange', 'isWorkedOn('),
  ),
  mutant('each request has a dial of its own', replace('join', 'get(target)', "get('')")),
  mutant('requests outlive their connection', drop('forget', 'loseCalls(')),
  mutant('a request that was handled is said to be unsent', replace('isUnsent', 'call.sent < 0', 'true')),
  mutant('a peer that cannot be dialled stays in the table', drop('onDialFailed', "type: 'tableRemove'")),
  mutant(
    'an idle connection waits for the next one',
    replace(
      'idleTooLong',
      'idle.get(id)! + state.settings.connectionKeepAlive > state.now',
      'closingTime(state, idle.get(id)!) >= state.now',
    ),
  ),
  mutant('no wake-up is armed for an idle connection', drop('updateIdle', 'dueAt(')),
  mutant(
    'boot nodes are tried once',
    replace(
      'planTry',
      '.set(peer, time)',
      '.set(peer, isNamed(state.settings, peer) && time > state.now ? Infinity : time)',
    ),
    drop('tryAtTick', 'of namedPeers('),
    drop('tryAtTick', 'lookUp('),
  ),
  mutant('a topic is left at once', replace('unsubscribe', '+ state.settings.topicLinger', '')),
  mutant('a topic is left in spite of a new subscriber', drop('subscribe', 'leaveAt = Infinity')),
  mutant('the end forgets the dials', replace('endAll', 'changes })', 'changes, dials: state.dials })')),
  mutant(
    'the end leaves handlers at work',
    drop('endAll', 'isWorkedOn('),
    drop('InboundRequests.end', 'this.onCancel('),
  ),
  mutant('the end forgets callers that wait at the edge', drop('Asks.end', 'observer.error(')),

  // ---- sessions: cancel and deadlines
  mutant('a cancelled request gets no final frame', drop('onCancel', 'failNow(')),
  mutant(
    'a request does not say how long it is waited for',
    replace('headOf', 'Math.max(1, deadline - state.now)', '0'),
  ),
  mutant(
    'a request says more than is left of its time',
    replace('headOf', 'Math.max(1, deadline - state.now)', 'ask.timeout'),
  ),
  mutant('a producer goes on after it was cancelled', drop('Inbound.cancel', 'stop()')),

  // ---- sessions: credit
  mutant(
    'credit is not given back',
    replace('giveBackCredit', 'amount >= VALUES_WINDOW / 2', 'amount > VALUES_WINDOW'),
  ),
  mutant('credit is given twice', replace('giveCredit', '+ amount', '+ 2 * amount')),
  mutant('credit is not used up', drop('sendingAnswers.write', 'sendCredit -=')),
  mutant('a large request is never told that there is room', drop('grantRest', 'credits.set(')),
  mutant(
    'a producer that can wait is asked for more than there is credit for',
    replace('allow', 'Math.min(sendCredit, MAX_AHEAD) - series.cost', 'MAX_AHEAD'),
  ),
  mutant('a loop is sent more than it takes', replace('OutboundRequests.all', "mode: 'pull'", "mode: 'push'")),

  mutant('the room of an answer that has come is not given back', drop('endArriving', 'addResponses(')),
  mutant('an answer that waits for room is forgotten', drop('endArriving', 'responses.due')),
  mutant('an answer gets its credit before there is room', replace('onPart', 'if (hasRoom)', 'if (true)')),
  mutant('credit beyond the first frame is lent for ever', drop('giveUpRoom', 'endLoan(')),

  // ---- sessions: fairness
  mutant('large values go before small ones', swap('flush', 'writeReady(', 'writeBulk(')),
  mutant('a large value goes whole before the next one begins', replace('writeBulk', 'bulk.push(', 'bulk.unshift(')),
  mutant('a write does not wait for the one before', replace('flush', '|| session.writing', '')),

  // ---- sessions: which request gets what, and the books
  mutant(
    'a value goes to the request after its own',
    replace('onPart', 'emitValue(state, out, ask.id', 'emitValue(state, out, ask.id + 1'),
  ),
  mutant('the end of the values is swallowed', drop('onEnd', 'endValues(')),
  mutant(
    'a request for one value gets all',
    replace('next', 'answerer.takesOne(exchange)', "exchange.protocol === 'v1'"),
  ),
  mutant('of too many values the newest is dropped', replace('applyOverflow', 'dropOldest(', 'dropNewest(')),
  mutant(
    'numbers of inbound requests begin anew with each session',
    replace('onRequest', 'nextExchange(state)', '-id'),
  ),
  mutant('values of an answer that ended still count', drop('endExchange', 'queued -=')),
  mutant('a refusal loses its code', drop('rejectCommand', 'command.code = sent')),
  mutant('a refusal loses its time', replace('refusalOf', 'retryAfterMs > 0', 'false')),

  // ---- broadcasts
  mutant('a verdict is not waited for', replace('onWholeMessage', 'guarded.has(heard.topic)', "guarded.has('')")),
  mutant('what is rejected is delivered', replace('decide', "verdict !== 'accept'", "verdict === 'ignore'")),
  mutant('a message is forwarded before the verdict', replace('topicOf', 'isGuarded(state, name)', 'false')),
  mutant('what was replayed comes again', drop('Broadcasts.onReplayed', 'listener.replayed =')),
  mutant('what comes while a subscriber catches up is lost', drop('deferLive', 'live.push(')),
  mutant('what comes while a subscriber catches up comes twice', drop('endCatchUp', 'found.delete(')),
  mutant('a late subscriber gets more than it asked for', replace('endCatchUp', '.slice(-count)', '')),
  mutant('a late subscriber gets the newest first', replace('endCatchUp', 'a.at - b.at', 'b.at - a.at')),
  mutant('no peer is asked for what it remembers', replace('askMore', 'left = wanted', 'left = 0')),
  mutant('a subscriber that catches up hears nothing new', drop('Broadcasts.onReplayed', 'catchingUp = false')),
  mutant('the history has no bound', drop('remember', 'while (history.length')),
  mutant(
    'a receipt goes before the verdict',
    replace('onReceiptWanted', 'outcome !== undefined', 'true'),
    replace('onReceiptWanted', 'exchange, outcome)', "exchange, outcome ?? 'accepted')"),
  ),
  mutant('receipts never end', drop('endReceipts', "type: 'receiptsEnded'")),
  mutant(
    'one subscriber too few is enough',
    replace('queueWhenReachable', '.length < ask.min', '.length < ask.min - 1'),
  ),
  mutant('what waited for subscribers keeps its time', drop('extendAsk', 'removeDeadline(')),
  mutant('bytes of what was broadcast still count', drop('closeBroadcast', 'queuedBytes -=')),
  mutant('a peer that was slow stays so', replace('takeSlow', 'slow.delete(peer)', 'recipients.slow.has(peer)')),
  mutant('no wake-up is armed for a validator', drop('startValidation', 'setDeadline(')),
  mutant('bytes that were judged still count', drop('takeValidation', 'cost -=')),
  mutant('a large message that was fetched still counts', drop('dropSource', 'giveBack(byPeer')),
  mutant('a topic counts as joined before it is', replace('isJoined', 'mesh.length > 0', 'mesh.length >= 0')),
  mutant('a slow loop gets the newest first', replace('Queue.push', 'values.push(', 'values.unshift(')),
]

/** Found by the runs in which some faults never heal (`liveness.ts`): nobody who is back at the end of an ordinary run is lost by these. */
export const neverHealed: Fault[] = [
  mutant(
    'a large value is given all its credit at once on a line of which nothing is known',
    replace('windowOf', 'return FIRST_FLIGHT', 'return Infinity'),
  ),
  mutant('a line is taken for faster than it is', replace('learn', 'bytes / elapsed', 'bytes')),
  mutant('an asker is taken to keep back what it has sent', replace('noteFlight', '>= exchange.keptBack', '>= 0')),
  mutant('a request begins with its whole window on any line', replace('flightOf', '|| trusted', '|| true')),
  mutant('a request has the time of a handler to come', replace('extendIfMoving', "stage !== 'reading' && ", '')),
  mutant('an answer has the time of a handler to go', replace('extendIfMoving', " && stage !== 'answering'", '')),
  mutant(
    'a peer that cannot be dialled is forgotten',
    replace('noteUnreachable', 'planOther(state, peer, known)', 'state.memory.peers.delete(peer)'),
    drop('noteLeft', 'planOther('),
  ),
  mutant(
    'a peer that has left the table is not tried again',
    drop('noteLeft', 'planOther('),
    drop('noteUnreachable', 'planOther('),
    replace('tryAtTick', 'discovery.table.size < POOR_TABLE', 'false'),
  ),
  mutant(
    'a peer that was good is dialled where the table says alone',
    replace('candidatesOf', 'memory.peers.get(peer)?.addresses ?? []', '[]'),
  ),
  mutant('a peer that is away is dialled all the time', replace('pause', 'first * 2 ** failures', 'first / 2')),
  mutant('who was good a moment ago waits for all who are gone', replace('lastGood', 'slice(0, LAST)', 'slice(0, 0)')),
  mutant(
    'idle connections of a small network are left',
    replace('isInSmallNetwork', 'byPeer.size > state.settings.stayConnected', 'true'),
  ),
  mutant('two of one secret and one address are one', replace('two', 'return a !== b', 'return false')),
  mutant('a new connection does not put the old one to the test', drop('onConnectionOpened', 'testOthers(')),
  mutant('a connection in doubt is used', replace('isAvoided', 'doubted || surplus', 'surplus')),
  mutant('a ping does not wait for our own bytes', replace('Line.timeOf', 'Math.min(longest', 'Math.min(timeout')),
  mutant(
    'a ping waits for bytes that have long arrived',
    drop('Line.answered', 'this.underWay ='),
    replace('Line.answered', 'Math.max(SLOWEST,', 'Math.min(SLOWEST,'),
  ),
  mutant('bytes that come are no life', replace('onPingFailed', 'event.heard', 'false')),
]

/** Found in the rhythm of ordinary use (`kept.ts`), where nothing may be lost. */
export const kept: Fault[] = [
  mutant(
    'an idle connection is left without a word',
    replace('leaveIdle', 'sayGoodbye(state, out, connection)', 'false'),
  ),
  mutant(
    'a goodbye is not waited for',
    replace('onGreeted', 'canCarry(session)', 'false'),
    replace('sayGoodbye', 'carrier !== undefined', 'false'),
  ),
  mutant('a goodbye is withdrawn without a word', drop('withdraw', 'sendGoodbye(')),
  mutant(
    'requests go over a connection that is being left',
    replace('useConnection', 'connection.leaving === undefined', 'true'),
  ),
  mutant('a goodbye that is withdrawn still counts', drop('heed', 'connection.leaving = undefined')),
  mutant(
    'what waits at a connection that is left is lost with it',
    replace('forget', 'if (wasToBeClosed) sendElsewhere', 'if (false) sendElsewhere'),
    replace('mayMove', 'isUnsent(ask)', 'false'),
  ),
  mutant('a drain takes new work of callers', replace('acceptAsk', "phase !== 'running'", "phase === 'stopping'")),
  mutant('a drain takes new requests of peers', replace('refusesNew', "lifecycle.phase === 'draining'", 'false')),
  mutant('a drain cuts requests off', replace('isBusy', 'inFlight(ask)', 'undefined')),
  mutant('a drain cuts handlers off', replace('isBusy', 'isWaitedFor(state, exchange)', 'false')),
  mutant('a drain has no end', replace('shutdown', 'state.now + drain', 'Infinity')),
  mutant(
    'a peer that stops is asked all the same',
    replace('useConnection', 'connection.stopping && !ask.service', 'false'),
  ),
  mutant('refusals hold up a drain', drop('onWritable', 'lifecycle.unsent?.delete(stream)')),
  mutant('a drain does not say what hung', replace('cutOrBlame', "hung === ''", 'true')),
  mutant('what lies in the sockets after a sleep comes too late', drop('handle', 'startGrace(')),
  mutant('a sleep is not noticed', replace('Lane.noteLateness', 'by > PROCESS.late', 'by > Infinity')),
  mutant(
    'a dial under way takes no further address',
    replace('offer', '!dial.addresses.has(address)', 'dial.unanswered === 0'),
  ),
]

/** Found beside strangers who take what they can (`strangers.ts`). */
export const amongStrangers: Fault[] = [
  mutant('room for answers is never given back', drop('releaseAnswer', 'holdAnswer(')),
  mutant(
    'answers are not charged before they are there',
    replace('hasSlot', 'mayExpect(state, account, expectedOf(state, account))', 'true'),
  ),
  mutant('shares are not enforced', replace('fits', 'held === 0', 'true')),
  mutant('newcomers have no part', replace('fits', 'holdings === undefined ? 0 : partOf(total)', '0')),
  mutant('handlers have no number', replace('hasSlot', 'hasShare(state', 'true || hasShare(state')),
  mutant('a handler that has ended keeps its place', replace('linger', 'lingering.set(id', 'lingering.set(-id')),
  mutant('a turn forgets a peer', drop('queueExchange', 'peers.set(')),
  mutant('what is not taken waits for ever', drop('lookAtSeries', 'endIdle(')),
  mutant('an iterator that is closed is not told to the lane', drop('Inbound.worked', 'this.release()')),
  mutant('places for connections have no number', drop('closeLeast', 'dropConnection(')),
  mutant('nobody is of more use than others', replace('lowest', 'one.worth < other.worth', 'false')),
  mutant('who is denied is not hung up on', drop('hangUpOn', 'dropConnection(')),
  mutant('a denial has no end', drop('expireAccess', 'enter(')),
  mutant('producers that wait for room are forgotten', drop('resumeTurns', 'resumeStalled(')),
]
