/**
 * Large messages of others. They are announced by gossip and fetched by requests: first from the peer that forwarded the
 * announcement (a peer forwards it only after it has the message), then from the signer. A message is accepted only if
 * its hash is right. What happens to it then, deciding.ts knows.
 */
import type { AskId, Heard } from '../terms.js'
import type { Purpose, PurposeOf } from '../services/state.js'
import { toHex, type Announcement } from '../../wire/gossip/announcement.js'
import type { Effects } from '../effects.js'
import { askNode, cancelOwnAsk } from '../services/own-requests.js'
import type { State } from '../state.js'
import { blobOf, keepBlob, startDigest } from './large.js'
import { onWholeMessage, dropMessage } from './deciding.js'
import type { Digesting, Fetch } from './state.js'

const NO_PROOF = new Uint8Array()

/** Fetches the message of an announcement. False: too much is being fetched already. */
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
  if (fetching.open.has(heard.id) || fetching.bytes + size > settings.maxBlobBytes) return false
  const until = state.now + settings.fetchTimeout
  const fetch: Fetch = { hash: name, size, heard, held, until, sources: [...new Set([heard.via, heard.from])] }
  fetching.open.set(heard.id, fetch)
  fetching.bytes += size
  askNextSource(state, out, fetch)
  return true
}

/** Asks the next connected source. If there is none, the message is dropped. */
function askNextSource(state: State, out: Effects, fetch: Fetch): void {
  const { heard, held, hash, sources } = fetch
  let peer = sources.shift()
  while (peer !== undefined && !state.connections.byPeer.has(peer)) peer = sources.shift()
  if (peer === undefined) {
    endFetch(state, fetch)
    return dropMessage(state, out, heard, held, 'fetchFailed')
  }
  const purpose: Purpose = { kind: 'fetch', message: heard.id, peer, chunks: [], received: 0 }
  askNode(state, out, peer, { kind: 'blob', hash: fromHex(hash) }, Math.max(1, fetch.until - state.now), purpose)
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
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
  endFetch(state, fetch)
  keepBlob(state, fetch.hash, data)
  takeLarge(state, out, fetch.heard, fetch.held, data)
}

function takeLarge(state: State, out: Effects, heard: Heard, held: boolean, data: Uint8Array): void {
  onWholeMessage(state, out, { ...heard, data: data.slice() }, NO_PROOF, { kind: 'gossip', held, large: true })
}

/** The source does not have the message, or sent another one (`isForged`): the next source is asked. */
function onSourceFailed(state: State, out: Effects, fetch: Fetch, peer: string, isForged: boolean): void {
  if (isForged) out.push({ type: 'penalize', peer, count: 1 })
  askNextSource(state, out, fetch)
}

function endFetch({ fetching }: State, fetch: Fetch): void {
  fetching.open.delete(fetch.heard.id)
  fetching.bytes -= fetch.size
}
