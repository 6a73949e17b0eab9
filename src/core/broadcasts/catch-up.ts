/**
 * Catching up: a subscriber that wants the last broadcasts gets those that we and some peers in the topic remember, and
 * then the new ones, each once. Peers are asked only after the topic is joined, so there is no gap: what they receive
 * after their answer reaches us by gossip. New broadcasts wait here meanwhile, so nobody who is silent is waited for: others are
 * asked beside it. The memory of a peer is accepted only with the signer's proof, and is validated like every message. Whom to
 * ask, historians.ts knows, and how, services/.
 */
import { isSilenced } from '../access/rules.js'
import type { Heard } from '../terms.js'
import type { Purpose, PurposeOf } from '../services/state.js'
import { isAnnouncement } from '../../wire/gossip/announcement.js'
import { decodeHistoryValue, type HistoryValue } from '../../wire/session/service.js'
import { dueAt } from '../due.js'
import type { Effects } from '../effects.js'
import type { CommandOf, EventOf } from '../events.js'
import { openOwnAsk, takeOwnAsk } from '../services/book.js'
import { rangeOfPeer } from '../peers/connections.js'
import { askNode, cancelOwnAsk } from '../services/own-requests.js'
import type { State } from '../state.js'
import { countReplayed } from './counts.js'
import { outcomeOf, remember } from './history.js'
import { nextHistorian } from './historians.js'
import { isJoined, nextSettled } from './membership.js'
import { standingOf } from './patience.js'
import type { CatchUp, Origin, RememberedBroadcast } from './state.js'
import { startValidation } from './validating.js'

/** When those that were asked say nothing for so long, ms, others are asked beside them. */
const HEDGE = 400
/** … and when nobody has answered for so long since the last one was asked, nobody is waited for. */
const SILENCE = 2_500
/** Once somebody has answered, strangers have so long, ms, and others twice that: who does not have us in its mesh answers after a second. */
const GRACE = 1_250
/** The largest age that is believed, ms, so that times stay exact numbers. */
const MAX_AGE = 2 ** 40
/** Bytes of new broadcasts that may wait for the old ones. */
const MAX_LIVE = 4_194_304
/** Each of them costs this much in addition to its bytes. */
const OVERHEAD = 256

type Replayed = Extract<Origin, { kind: 'replay' }>

export function onSubscribed(state: State, { topic, replay }: CommandOf<'subscribe'>): void {
  if (replay === undefined) return
  const { subscription, count } = replay
  const catchUp: CatchUp = {
    subscription,
    topic,
    count,
    stage: 'joining',
    askAt: state.now + state.settings.catchUpPatience,
    startedAt: Infinity,
    endAt: Infinity,
    asked: new Map(),
    open: new Map(),
    answered: 0,
    unanswered: 0,
    undecided: 0,
    found: new Map(),
    judged: new Set(),
    live: [],
    liveBytes: 0,
  }
  state.catchUps.set(subscription, catchUp)
  dueAt(state, 'catchUps', catchUp.askAt)
}

/** The subscriber is gone, so answers for it are ignored. */
export function onUnsubscribed(state: State, { subscription }: CommandOf<'unsubscribe'>): void {
  if (subscription !== undefined) state.catchUps.delete(subscription)
}

/** Asks peers for each catch-up whose topic is joined and has subscribers, or whose time has come, and ends what takes too long. */
export function serveCatchUps(state: State, out: Effects): void {
  for (const catchUp of state.catchUps.values()) {
    const { stage, topic, askAt, endAt } = catchUp
    if (stage === 'ending') continue
    const canAsk = stage === 'joining' && state.topics.subscribers.has(topic) && isJoined(state, topic)
    if (state.now >= endAt) waitNoLonger(state, out, catchUp)
    else if (canAsk || state.now >= askAt) askPeers(state, out, catchUp)
  }
}

/** When the next catch-up may ask; `Infinity`: none waits for that. */
export function nextCatchUp(state: State): number {
  let next = Infinity
  for (const catchUp of state.catchUps.values()) next = Math.min(next, nextOf(state, catchUp))
  return next
}

function nextOf(state: State, { stage, askAt, endAt }: CatchUp): number {
  switch (stage) {
    case 'joining':
      return Math.min(askAt, nextSettled(state))
    case 'asking':
      return Math.min(askAt, endAt)
    case 'ending':
      return Infinity
  }
}

/** Asks as many as are wanted: at first, and beside those that have said nothing for a while. */
function askPeers(state: State, out: Effects, catchUp: CatchUp): void {
  const { catchUpPeers, catchUpTimeout } = state.settings
  if (catchUp.stage === 'joining') {
    catchUp.stage = 'asking'
    catchUp.startedAt = state.now
    catchUp.endAt = state.now + catchUpTimeout
  }
  catchUp.askAt = state.now + HEDGE
  // Those that have begun have a little more time until others are asked beside them.
  const begun = state.now < catchUp.startedAt + 3 * HEDGE ? countBegun(state, catchUp) : 0
  askMore(state, out, catchUp, catchUpPeers - catchUp.answered - begun, false)
  dueAt(state, 'catchUps', catchUp.askAt)
  endIfDone(state, out, catchUp)
}

/** Peers that are answering. */
function countBegun({ services }: State, { open }: CatchUp): number {
  let begun = 0
  for (const id of open.values()) {
    const purpose = services.purposes.get(id)
    if (purpose?.kind === 'history' && purpose.values.length > 0) begun++
  }
  return begun
}

function askMore(state: State, out: Effects, catchUp: CatchUp, wanted: number, isQuick: boolean): void {
  const { topic, count, subscription, asked, open, startedAt, answered } = catchUp
  const { catchUpTimeout } = state.settings
  for (let left = wanted; left > 0; left--) {
    const peer = nextHistorian(state, catchUp, isQuick)
    if (peer === undefined) return
    const purpose: Purpose = { kind: 'history', subscription, peer, values: [], bytes: 0 }
    asked.set(peer, rangeOfPeer(state, peer))
    open.set(peer, askNode(state, out, peer, { kind: 'history', topic, count }, catchUpTimeout, purpose))
    catchUp.unanswered++
    if (answered === 0) catchUp.endAt = Math.min(startedAt + catchUpTimeout, state.now + SILENCE)
  }
}

/** Is a peer of the config, or of some standing, waited for? */
function isForStanding(state: State, { open }: CatchUp): boolean {
  for (const peer of open.keys()) if (standingOf(state, peer) !== 'stranger') return true
  return false
}

/** Who has not answered in time: what has come of it is taken. While nobody has answered, those that have begun, and those of standing, have all of their time. */
function waitNoLonger(state: State, out: Effects, catchUp: CatchUp): void {
  const last = catchUp.startedAt + state.settings.catchUpTimeout
  if (catchUp.answered === 0 && state.now < last && (countBegun(state, catchUp) > 0 || isForStanding(state, catchUp))) {
    catchUp.endAt = last
    return
  }
  catchUp.stage = 'ending'
  for (const id of catchUp.open.values()) {
    const purpose = state.services.purposes.get(id)
    cancelOwnAsk(state, out, id)
    if (purpose?.kind === 'history') onHistoryOver(state, out, purpose)
  }
  endIfDone(state, out, catchUp)
}

/** A peer has answered. The proofs of what it sent have to be verified. */
export function onHistoryOver(state: State, out: Effects, { subscription, peer, values }: PurposeOf<'history'>): void {
  const catchUp = state.catchUps.get(subscription)
  if (catchUp === undefined) return
  catchUp.open.delete(peer)
  const read = values
    .slice(-catchUp.count)
    .map(decodeHistoryValue)
    .filter((value) => value !== undefined)
    // A peer without large messages remembers announcements, which are no messages to us.
    .filter(({ data }) => state.settings.maxLargeMessage === 0 || !isAnnouncement(data))
  if (read.length === 0) return onPeerDone(state, out, catchUp, peer, false)
  const messages = read.map((value) => toMessage(state, value, peer))
  const ask = openOwnAsk(state, { kind: 'verify', subscription, peer, messages })
  const { topic } = catchUp
  out.push({ type: 'verify', ask, messages: messages.map(({ data, from, proof }) => ({ topic, data, from, proof })) })
}

function toMessage(state: State, { age, from, proof, data }: HistoryValue, via: string): RememberedBroadcast {
  // Copies, because the values are views of a larger buffer, and are kept.
  return { id: '', data: data.slice(), from, via, proof: proof.slice(), at: state.now - Math.min(age, MAX_AGE) }
}

export function onVerified(state: State, out: Effects, { ask, ids }: EventOf<'verified'>): void {
  const purpose = takeOwnAsk(state, ask, 'verify')
  if (purpose === undefined) return
  const { subscription, messages, peer } = purpose
  const catchUp = state.catchUps.get(subscription)
  if (catchUp === undefined) return
  let forged = 0
  messages.forEach((message, i) => {
    const id = ids[i] ?? ''
    if (id === '') forged++
    else if (!isSilenced(state, message.from)) addVerified(state, out, catchUp, { ...message, id })
  })
  if (forged > 0) out.push({ type: 'penalize', peer, count: forged })
  onPeerDone(state, out, catchUp, peer, forged < messages.length)
}

/** The proof of the message is right. It is validated once, even if several peers send it. */
function addVerified(state: State, out: Effects, catchUp: CatchUp, message: RememberedBroadcast): void {
  const { topic, subscription, judged } = catchUp
  const { id, data, from, via, proof, at } = message
  // As in the live stream, a node does not hear what it has published itself since its start.
  if (from === state.self && outcomeOf(state, id)?.kind === 'published') return
  const known = catchUp.found.get(id)
  if (known !== undefined) known.at = Math.min(known.at, at)
  if (judged.has(id)) return
  judged.add(id)
  catchUp.undecided++
  const heard: Heard = { topic, data, from, via, id }
  const origin: Replayed = { kind: 'replay', subscription, at }
  // What we remember was validated when it came.
  const isKnown = state.topics.joined.get(topic)?.remembered.has(id) === true
  if (isKnown || !state.topics.guarded.has(topic)) return onReplayJudged(state, out, origin, heard, proof, true)
  if (!startValidation(state, out, heard, proof, origin)) onReplayJudged(state, out, origin, heard, proof, false)
}

/** The verdict on a message of the past. */
export function onReplayJudged(
  state: State,
  out: Effects,
  { subscription, at }: Replayed,
  heard: Heard,
  proof: Uint8Array,
  isTaken: boolean,
): void {
  const { topic, id, data, from, via } = heard
  if (isTaken) remember(state, topic, { id, data, from, via, proof, at })
  const catchUp = state.catchUps.get(subscription)
  if (catchUp === undefined) return
  catchUp.undecided--
  if (isTaken) catchUp.found.set(id, { heard, at })
  endIfDone(state, out, catchUp)
}

/** A new broadcast: subscribers that catch up get it after the old ones. */
export function deferLive(state: State, out: Effects, heard: Heard): void {
  for (const catchUp of state.catchUps.values()) {
    if (catchUp.topic !== heard.topic) continue
    catchUp.live.push(heard)
    catchUp.liveBytes += heard.data.length + OVERHEAD
    // Too much waits, so the catch-up ends with the old ones that have arrived.
    if (catchUp.liveBytes > MAX_LIVE) endCatchUp(state, out, catchUp)
  }
}

/** A stranger that has nothing (`gave`: it had something) does not count, and another one is asked in its place. */
function onPeerDone(state: State, out: Effects, catchUp: CatchUp, peer: string, gave: boolean): void {
  catchUp.unanswered--
  if (gave || standingOf(state, peer) !== 'stranger') {
    catchUp.answered++
    const grace = isForStanding(state, catchUp) ? 2 * GRACE : GRACE
    catchUp.endAt = Math.min(catchUp.endAt, state.now + grace)
    dueAt(state, 'catchUps', catchUp.endAt)
  } else if (catchUp.stage === 'asking') askMore(state, out, catchUp, 1, true)
  endIfDone(state, out, catchUp)
}

function endIfDone(state: State, out: Effects, catchUp: CatchUp): void {
  const { subscription, stage, unanswered, undecided } = catchUp
  if (!state.catchUps.has(subscription)) return
  if (stage !== 'joining' && unanswered === 0 && undecided === 0) endCatchUp(state, out, catchUp)
}

function endCatchUp(state: State, out: Effects, catchUp: CatchUp): void {
  const { subscription, topic, count, found, live } = catchUp
  state.catchUps.delete(subscription)
  for (const { id, data, from, via, at } of state.topics.joined.get(topic)?.history ?? []) {
    const known = found.get(id)
    if (via === state.self) continue
    if (known === undefined) found.set(id, { heard: { topic, data, from, via, id }, at })
    else known.at = Math.min(known.at, at)
  }
  for (const { id } of live) found.delete(id)
  const old = [...found.values()].sort((a, b) => a.at - b.at).slice(-count)
  countReplayed(state, topic, old.length)
  // Copies: a subscriber may write into what it gets, and the history goes to others.
  const told = old.map(({ heard }) => ({ ...heard, data: heard.data.slice() }))
  out.push({ type: 'replayed', subscription, broadcasts: [...told, ...live] })
}
