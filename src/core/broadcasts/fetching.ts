/**
 * Large messages of others. They are announced by gossip and fetched by requests: from peers that have handed the announcement on (which they
 * do only after they have the message), and from the signer. Whoever hands on an announcement first may have nothing, so others that hand it
 * on are sources too, and one that hands over nothing for a moment is not waited for. A message is accepted only if its hash is right. What
 * happens to it then, deciding.ts knows.
 */
import type { AskId, Heard } from '../terms.js'
import type { Purpose, PurposeOf } from '../services/state.js'
import { fromHex, toHex, type Announcement } from '../../wire/gossip/announcement.js'
import { dueAt } from '../due.js'
import type { Effects } from '../effects.js'
import type { EventOf } from '../events.js'
import { giveBack, hold, mayHold } from '../limits/shares.js'
import { isTrusted } from '../peers/trust.js'
import { askNode, cancelOwnAsk } from '../services/own-requests.js'
import type { State } from '../state.js'
import { blobOf, keepBlob, startDigest } from './large.js'
import { onWholeMessage, dropMessage } from './deciding.js'
import { addSource, distrustOf, isKnownSigner, noteKept, noteUnkept, takeBest } from './sources.js'
import type { AskedSource, Digesting, Fetch, Source } from './state.js'

const NO_PROOF = new Uint8Array()

/** Fetches of one holder, and all, that wait for room or for a source. */
const [WAITING_OF_ONE, WAITING] = [32, 256]
/** A message is fetched from so many at once. */
const AT_ONCE = 2
/** A source is looked at so often, ms. */
const MOMENT = 1_000
/** Whoever hands over less than this part of what is needed to be in time hands over nothing. */
const NOTHING = 1 / 4

/** Fetches the message of an announcement, when there is room for it. False: too many wait for that already. */
export function fetchLarge(
  state: State,
  out: Effects,
  heard: Heard,
  held: boolean,
  { hash, size }: Announcement,
): boolean {
  const { fetching, settings, now } = state
  const name = toHex(hash)
  const known = blobOf(state, name)
  if (known !== undefined) {
    // An announcement with a wrong size is rejected, or the same message could be announced without end.
    if (known.length !== size) dropMessage(state, out, heard, held, 'rejected')
    else takeLarge(state, out, heard, held, known)
    return true
  }
  if (fetching.open.has(heard.id) || fetching.waiting.has(heard.id)) return false
  const fetch: Fetch = {
    ...{ hash: name, size, heard, held },
    ...{ since: now, until: now + settings.fetchTimeout },
    ...{ sources: [], asked: [], named: new Set(), askedRanges: [] },
  }
  for (const peer of [heard.via, heard.from]) addSource(state, fetch, peer)
  return proceed(state, out, fetch)
}

/** Another peer has the message, by its word. It may have needed its time to get it, so it has its own, though not for ever. */
export function onAnnouncedAgain(state: State, out: Effects, { id, via }: EventOf<'announcedAgain'>): void {
  const { fetching, settings, now } = state
  const fetch = fetching.open.get(id) ?? fetching.waiting.get(id)
  if (fetch === undefined || !addSource(state, fetch, via)) return
  const { fetchTimeout } = settings
  fetch.until = Math.min(now + fetchTimeout, fetch.since + 2 * fetchTimeout)
  if (!proceed(state, out, fetch)) giveUp(state, out, fetch)
}

/** Asks whom there is to ask. If that is nobody, the fetch waits. False: it may not. */
function proceed(state: State, out: Effects, fetch: Fetch): boolean {
  const { open, waiting } = state.fetching
  const { id } = fetch.heard
  if (fetch.until > state.now) askSources(state, out, fetch)
  if (fetch.asked.length > 0) {
    waiting.delete(id)
    open.set(id, fetch)
    dueAt(state, 'fetching', state.now + MOMENT)
    return true
  }
  open.delete(id)
  if (!waiting.has(id) && !findPlace(state, out, fetch)) return false
  waiting.set(id, fetch)
  dueAt(state, 'fetching', fetch.until)
  return true
}

/** Another one, when nobody of those that are asked does what it should. If those are enough, others have their places. */
function askSources(state: State, out: Effects, fetch: Fetch): void {
  const isStuck = (): boolean => fetch.asked.every(({ isSlow }) => isSlow)
  while (isStuck() && fetch.asked.length < AT_ONCE) if (!askNext(state, out, fetch)) return
  if (!isStuck()) return
  for (const asked of fetch.asked.filter((one) => mayLosePlace(state, fetch, one))) {
    if (fetch.sources.length === 0) return
    cancelOwnAsk(state, out, asked.ask)
    noteUnkept(state, asked)
    dropSource(state, fetch, asked)
    if (!askNext(state, out, fetch)) return
  }
}

/** It had its moment, or is expected to keep its word less than another one that waits. */
function mayLosePlace(state: State, { sources }: Fetch, asked: AskedSource): boolean {
  const isOver = state.now - asked.since >= MOMENT
  return sources.some((next) => isOver || distrustOf(state, next) < distrustOf(state, asked))
}

/** False: there is nobody, or no room. */
function askNext(state: State, out: Effects, fetch: Fetch): boolean {
  const { size, hash, heard, asked, until } = fetch
  const source = takeBest(state, fetch, (one) => hasRoom(state, one, size))
  if (source === undefined) return false
  const { now, fetching } = state
  const { peer, range } = source
  hold(fetching.byPeer, peer, size)
  hold(fetching.byRange, range, size)
  const purpose: Purpose = { kind: 'fetch', message: heard.id, peer, chunks: [], received: 0 }
  const ask = askNode(state, out, peer, { kind: 'blob', hash: fromHex(hash) }, until - now, purpose)
  const isSlow = distrustOf(state, source) > 0
  asked.push({ ...source, ask, since: now, lookAt: now + MOMENT, received: 0, isSlow, isDone: false })
  return true
}

/** Who is asked, and its range of addresses, have a share. What is alone has room, however large. */
function hasRoom(state: State, { peer, range }: Source, size: number): boolean {
  const { byPeer, byRange } = state.fetching
  const total = state.settings.limits.largeBytes
  const bounds = { total, each: total, trusted: isTrusted(state, peer) }
  return byPeer.used === 0 || (mayHold(byPeer, peer, size, bounds) && mayHold(byRange, range, size, bounds))
}

/**
 * What a signer announces whose messages could be had lately is counted for it, whoever hands it on: a peer that hands on everything, and
 * much of its own, does not take the places of that.
 */
function holderOf(state: State, { heard: { from, via } }: Fetch): string {
  return isKnownSigner(state, from) ? from : via
}

/** May it wait? When all places are taken, the newest one of whoever has most of them loses its place, if those are more. */
function findPlace(state: State, out: Effects, fetch: Fetch): boolean {
  const { waiting } = state.fetching
  const places = new Map<string, Fetch[]>()
  for (const other of waiting.values()) {
    const holder = holderOf(state, other)
    const its = places.get(holder) ?? []
    places.set(holder, its)
    its.push(other)
  }
  const own = places.get(holderOf(state, fetch))?.length ?? 0
  if (own >= WAITING_OF_ONE) return false
  if (waiting.size < WAITING) return true
  const most = [...places.values()].reduce((one, other) => (other.length > one.length ? other : one))
  if (most.length <= own + 1) return false
  giveUp(state, out, most.at(-1)!)
  return true
}

/** There is room again. */
function serveWaiting(state: State, out: Effects): void {
  for (const fetch of [...state.fetching.waiting.values()]) proceed(state, out, fetch)
}

/** When a source is looked at, or a fetch that waits is given up. */
export function nextFetch({ fetching }: State): number {
  let next = Infinity
  for (const { asked } of fetching.open.values()) for (const { lookAt } of asked) next = Math.min(next, lookAt)
  for (const { until } of fetching.waiting.values()) next = Math.min(next, until)
  return next
}

export function expireFetches(state: State, out: Effects): void {
  const { now, fetching } = state
  for (const fetch of [...fetching.open.values()]) {
    const due = fetch.asked.filter(({ lookAt }) => lookAt <= now)
    for (const asked of due) lookAtSource(state, fetch, asked)
    if (due.length > 0 && !proceed(state, out, fetch)) giveUp(state, out, fetch)
  }
  for (const fetch of [...fetching.waiting.values()]) if (fetch.until <= now) giveUp(state, out, fetch)
}

/** Does it hand over what it should? One that is only too slow to be in time has half of the time to become faster. */
function lookAtSource(state: State, { size, until }: Fetch, asked: AskedSource): void {
  const { now, settings } = state
  const received = receivedOf(state, asked)
  const needed = (size * MOMENT) / settings.fetchTimeout
  const [spent, left] = [now - asked.since, until - now]
  const isLate = spent >= left && received * (spent + left) < size * spent
  asked.isSlow = received - asked.received < needed * NOTHING || isLate
  asked.received = received
  asked.lookAt = now + MOMENT
}

function receivedOf({ services }: State, { ask }: AskedSource): number {
  const purpose = services.purposes.get(ask)
  return purpose?.kind === 'fetch' ? purpose.received : 0
}

function giveUp(state: State, out: Effects, { heard, held, askedRanges, sources }: Fetch): void {
  state.fetching.waiting.delete(heard.id)
  const hadNoRoom = askedRanges.length === 0 && sources.length > 0
  dropMessage(state, out, heard, held, hadNoRoom ? 'busy' : 'fetchFailed')
}

/** A piece of the message. If it makes the message longer than announced, the source has failed. */
export function onPiece(state: State, out: Effects, ask: AskId, purpose: PurposeOf<'fetch'>, piece: Uint8Array): void {
  const fetch = state.fetching.open.get(purpose.message)
  if (fetch === undefined) return cancelOwnAsk(state, out, ask)
  purpose.chunks.push(piece)
  purpose.received += piece.length
  // Empty pieces are refused, because there could be endlessly many.
  if (piece.length > 0 && purpose.received <= fetch.size) return
  cancelOwnAsk(state, out, ask)
  onSourceFailed(state, out, fetch, purpose.peer, true)
}

/** The source has answered. */
export function onPiecesOver(
  state: State,
  out: Effects,
  { message, peer, chunks, received }: PurposeOf<'fetch'>,
): void {
  const fetch = state.fetching.open.get(message)
  const asked = fetch?.asked.find((source) => source.peer === peer)
  if (fetch === undefined || asked === undefined) return
  if (received !== fetch.size) return onSourceFailed(state, out, fetch, peer, false)
  asked.isSlow = false
  asked.isDone = true
  asked.lookAt = Infinity
  const data = new Uint8Array(fetch.size)
  let at = 0
  for (const chunk of chunks) {
    data.set(chunk, at)
    at += chunk.length
  }
  startDigest(state, out, { kind: 'fetch', message, data, peer }, data)
}

export function onFetchedHash(
  state: State,
  out: Effects,
  { message, data, peer }: Extract<Digesting, { kind: 'fetch' }>,
  hash: Uint8Array,
): void {
  const fetch = state.fetching.open.get(message)
  const asked = fetch?.asked.find((source) => source.peer === peer)
  if (fetch === undefined || asked === undefined) return
  if (toHex(hash) !== fetch.hash) return onSourceFailed(state, out, fetch, peer, true)
  keepBlob(state, fetch.hash, data, peer)
  noteKept(state, peer, fetch.heard.from)
  takeLarge(state, out, fetch.heard, fetch.held, data)
  endFetch(state, out, fetch)
}

function takeLarge(state: State, out: Effects, heard: Heard, held: boolean, data: Uint8Array): void {
  onWholeMessage(state, out, { ...heard, data: data.slice() }, NO_PROOF, { kind: 'gossip', held, large: true })
}

/** The source does not have the message, or sent another one (`isForged`): others are asked, or waited for. */
function onSourceFailed(state: State, out: Effects, fetch: Fetch, peer: string, isForged: boolean): void {
  if (isForged) out.push({ type: 'penalize', peer, count: 1 })
  const asked = fetch.asked.find((source) => source.peer === peer)
  if (asked === undefined) return
  noteUnkept(state, asked)
  dropSource(state, fetch, asked)
  if (!proceed(state, out, fetch)) giveUp(state, out, fetch)
  else if (fetch.asked.length === 0 && fetch.until <= state.now) giveUp(state, out, fetch)
  serveWaiting(state, out)
}

function dropSource({ fetching: { byPeer, byRange } }: State, fetch: Fetch, asked: AskedSource): void {
  fetch.asked = fetch.asked.filter((source) => source !== asked)
  giveBack(byPeer, asked.peer, fetch.size)
  giveBack(byRange, asked.range, fetch.size)
}

/** The message is here. Those that have handed over nothing of it meanwhile have not kept their word. */
function endFetch(state: State, out: Effects, fetch: Fetch): void {
  state.fetching.open.delete(fetch.heard.id)
  for (const asked of fetch.asked) {
    const hadItsMoment = state.now - asked.since >= MOMENT || receivedOf(state, asked) === 0
    if (asked.isSlow && hadItsMoment) noteUnkept(state, asked)
    if (!asked.isDone) cancelOwnAsk(state, out, asked.ask)
    dropSource(state, fetch, asked)
  }
  serveWaiting(state, out)
}
