/** Hashes that somebody of ours has asked for are here. */
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import { onFetchedHash } from './large-fetching.js'
import { announce } from './large-sending.js'
import { ready } from './publishing.js'

export function onDigested(state: State, out: Effects, digest: number, hash: Uint8Array): void {
  const { digesting } = state.broadcasts
  const what = digesting.get(digest)
  if (what === undefined) return
  digesting.delete(digest)
  if (what.kind === 'fetch') return onFetchedHash(state, out, what, hash)
  const ask = state.asks.get(what.ask)
  if (ask?.kind !== 'broadcast') return
  announce(ask, hash)
  ready(state, out, ask)
}
