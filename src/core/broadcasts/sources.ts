/**
 * Peers that say that they have a large message: which one is asked first. Anybody can say so, and to hand the announcement on at once is
 * quicker than to fetch the message before. So a peer that said it and did not keep it is asked last for a while, and so is its range of
 * addresses.
 */
import { rangeOfPeer } from '../peers/connections.js'
import { isTrusted } from '../peers/trust.js'
import type { State } from '../state.js'
import type { Fetch, Source } from './state.js'

/** Of one message that can be asked next. */
const MOST = 8
/** For so long whoever has not kept its word is asked last, ms: for each time, and at most. */
const DISTRUST = { each: 30_000, most: 600_000 }
/** The signer of a message that could be had is known for so long, ms. */
const KNOWN = 600_000
/** Names in each of both memories. */
const REMEMBERED = 1_024

/** The peer has the message, by its word. False: that says nothing new, or others of its range have said so before. */
export function addSource(state: State, fetch: Fetch, peer: string): boolean {
  const { sources, named } = fetch
  if (named.has(peer) || peer === state.self || !state.connections.byPeer.has(peer)) return false
  const source = { peer, range: rangeOfPeer(state, peer) }
  if (sources.length >= MOST && !makeRoom(fetch, source)) return false
  named.add(peer)
  sources.push(source)
  return true
}

/** The last one of the range that has most gives its place to one of a range that has fewer. */
function makeRoom(fetch: Fetch, { range }: Source): boolean {
  const of = (one: string): number => fetch.sources.filter((source) => source.range === one).length
  const crowd = fetch.sources.reduce((most, source) => (of(source.range) >= of(most.range) ? source : most))
  if (of(range) + 1 >= of(crowd.range)) return false
  fetch.sources.splice(fetch.sources.lastIndexOf(crowd), 1)
  return true
}

/** Takes the best of those that fit: who keeps its word, is trusted, comes from where nobody was asked yet, and has said so first. */
export function takeBest(state: State, fetch: Fetch, fits: (source: Source) => boolean): Source | undefined {
  fetch.sources = fetch.sources.filter(({ peer }) => state.connections.byPeer.has(peer))
  const orderOf = (source: Source): number => {
    const near = fetch.askedRanges.filter((range) => range === source.range).length
    return 100 * distrustOf(state, source) + (isTrusted(state, source.peer) ? 0 : 10) + Math.min(near, 9)
  }
  const best = fetch.sources
    .filter(fits)
    .map((source) => ({ source, order: orderOf(source) }))
    .reduce<{ source: Source; order: number } | undefined>(
      (least, one) => (least === undefined || one.order < least.order ? one : least),
      undefined,
    )?.source
  if (best === undefined) return undefined
  fetch.sources.splice(fetch.sources.indexOf(best), 1)
  fetch.askedRanges.push(best.range)
  return best
}

/** 0: it may well keep its word. 1: others of its range have not; 2: it has not itself. */
export function distrustOf({ fetching, now }: State, { peer, range }: Source): number {
  const isOn = (name: string): boolean => (fetching.distrusted.get(name) ?? -Infinity) > now
  return isOn(peer) ? 2 : isOn(range) ? 1 : 0
}

/** It has not handed over what it said that it has, or others were much quicker. */
export function noteUnkept({ fetching, now }: State, { peer, range }: Source): void {
  for (const name of new Set([peer, range])) {
    const since = Math.max(now, fetching.distrusted.get(name) ?? now)
    put(fetching.distrusted, name, Math.min(since + DISTRUST.each, now + DISTRUST.most))
  }
}

/** The peer has handed over what `signer` has signed. */
export function noteKept({ fetching, now }: State, peer: string, signer: string): void {
  fetching.distrusted.delete(peer)
  put(fetching.signers, signer, now + KNOWN)
}

/** Could a message of this signer be had lately? */
export function isKnownSigner({ fetching, now }: State, signer: string): boolean {
  return (fetching.signers.get(signer) ?? -Infinity) > now
}

function put(memory: Map<string, number>, name: string, until: number): void {
  memory.delete(name)
  memory.set(name, until)
  if (memory.size <= REMEMBERED) return
  const [oldest] = memory.keys()
  memory.delete(oldest!)
}
