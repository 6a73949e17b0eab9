/**
 * Large messages of others. They are announced by gossip and fetched by requests: first from the peer that forwarded the
 * announcement (a peer forwards it only after it has the message), then from the signer. A message is accepted only if
 * its hash is right. What happens to it then, deciding.ts knows.
 */
import type { AskId, Heard } from '../terms.js'
import type { Purpose, PurposeOf } from '../services/state.js'
import { fromHex, toHex, type Announcement } from '../../wire/gossip/announcement.js'
import type { Effects } from '../effects.js'
import { giveBack, hold, mayHold } from '../limits/shares.js'
import { rangeOfPeer } from '../peers/connections.js'
import { isTrusted } from '../peers/trust.js'
import { askNode, cancelOwnAsk } from '../services/own-requests.js'
import type { State } from '../state.js'
import { blobOf, keepBlob, startDigest } from './large.js'
import { onWholeMessage, dropMessage } from './deciding.js'
import type { Digesting, Fetch } from './state.js'

const NO_PROOF = new Uint8Array()

/** Fetches of one peer, and all, that wait for room. */
const [WAITING_OF_PEER, WAITING] = [32, 256]
/** Of its time a source has so much, if there is another one to ask. */
const OF_TIME = 5 / 8

/** Fetches the message of an announcement, when there is room for it. False: too many wait for that already. */
export function fetchLarge(
  state: State,
  out: Effects,
  heard: Heard,
  held: boolean,
  { hash, size }: Announcement,
): boolean {
  const { fetching, settings } = state
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
    ...{ hash: name, size, heard, held, range: rangeOfPeer(state, heard.via) },
    until: state.now + settings.fetchTimeout,
    sources: [...new Set([heard.via, heard.from])],
  }
  if (hasRoom(state, fetch)) begin(state, out, fetch)
  else if (!mayWait(state, heard.via)) return false
  else fetching.waiting.set(heard.id, fetch)
  return true
}

/** Who has announced it, and its range of addresses, have a share. What is alone has room, however large. */
function hasRoom(state: State, { heard: { via }, range, size }: Fetch): boolean {
  const { byPeer, byRange } = state.fetching
  const total = state.settings.limits.largeBytes
  const bounds = { total, each: total, trusted: isTrusted(state, via) }
  return byPeer.used === 0 || (mayHold(byPeer, via, size, bounds) && mayHold(byRange, range, size, bounds))
}

function mayWait({ fetching: { waiting } }: State, peer: string): boolean {
  let ofPeer = 0
  for (const { heard } of waiting.values()) if (heard.via === peer) ofPeer++
  return waiting.size < WAITING && ofPeer < WAITING_OF_PEER
}

function begin(state: State, out: Effects, fetch: Fetch): void {
  const { open, byPeer, byRange } = state.fetching
  open.set(fetch.heard.id, fetch)
  hold(byPeer, fetch.heard.via, fetch.size)
  hold(byRange, fetch.range, fetch.size)
  askNextSource(state, out, fetch)
}

/** There is room again. Something is open while others wait, so this is soon enough. */
function serveWaiting(state: State, out: Effects): void {
  const { waiting } = state.fetching
  for (const [id, fetch] of waiting) {
    const isLate = fetch.until <= state.now
    if (!isLate && !hasRoom(state, fetch)) continue
    waiting.delete(id)
    if (isLate) dropMessage(state, out, fetch.heard, fetch.held, 'busy')
    else begin(state, out, fetch)
  }
}

/** Asks the next connected source. If there is none, the message is dropped. */
function askNextSource(state: State, out: Effects, fetch: Fetch): void {
  const { heard, held, hash, sources } = fetch
  let peer = sources.shift()
  while (peer !== undefined && !state.connections.byPeer.has(peer)) peer = sources.shift()
  if (peer === undefined) {
    dropMessage(state, out, heard, held, 'fetchFailed')
    return endFetch(state, out, fetch)
  }
  const purpose: Purpose = { kind: 'fetch', message: heard.id, peer, chunks: [], received: 0 }
  const left = fetch.until - state.now
  const time = sources.length > 0 ? Math.ceil(left * OF_TIME) : left
  askNode(state, out, peer, { kind: 'blob', hash: fromHex(hash) }, Math.max(1, time), purpose)
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
  if (fetch === undefined) return
  if (received !== fetch.size) return onSourceFailed(state, out, fetch, peer, false)
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
  if (fetch === undefined) return
  if (toHex(hash) !== fetch.hash) return onSourceFailed(state, out, fetch, peer, true)
  keepBlob(state, fetch.hash, data, fetch.heard.via)
  takeLarge(state, out, fetch.heard, fetch.held, data)
  endFetch(state, out, fetch)
}

function takeLarge(state: State, out: Effects, heard: Heard, held: boolean, data: Uint8Array): void {
  onWholeMessage(state, out, { ...heard, data: data.slice() }, NO_PROOF, { kind: 'gossip', held, large: true })
}

/** The source does not have the message, or sent another one (`isForged`): the next source is asked. */
function onSourceFailed(state: State, out: Effects, fetch: Fetch, peer: string, isForged: boolean): void {
  if (isForged) out.push({ type: 'penalize', peer, count: 1 })
  askNextSource(state, out, fetch)
}

function endFetch(state: State, out: Effects, { heard, range, size }: Fetch): void {
  const { open, byPeer, byRange } = state.fetching
  open.delete(heard.id)
  giveBack(byPeer, heard.via, size)
  giveBack(byRange, range, size)
  serveWaiting(state, out)
}
