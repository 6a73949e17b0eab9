/**
 * When the connections of a peer may be dead although nothing has been noticed: it has opened another one, or a caller names a place
 * where we have not known it to be. They are tested then. What a caller says goes to that place and to the connections: it waits for
 * whichever answers first.
 */
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import type { AskId } from '../terms.js'
import { withoutPeer, withPeer } from './addresses.js'
import { connectionsOf, connectionTo, test } from './connections.js'
import { reachAnew } from './dials.js'
import type { Connection } from './state.js'

/** Connections of a peer that are tested when it opens another one. */
const MOST_TESTED = 4
/** A place that a caller has named is not news again for so long, ms, whatever came of it. */
const NEWS_LIFETIME = 60_000
/** So many such places are remembered. */
const MOST_NEWS = 256

/**
 * A peer that opens another connection may have lost the ones before: it was restarted, or has another address. They are not used
 * until they answer, and closed if they do not. Who opens many is not pinged over all of them for each: the one in use is tested,
 * and those that have not answered for longest. `newest`: the one that is not in doubt.
 */
export function testOthers(state: State, out: Effects, peer: string, newest?: Connection): void {
  const used = connectionTo(state, peer)
  const older = connectionsOf(state, peer)
  const untested = older.filter((connection) => connection !== newest && !connection.doubted)
  if (untested.length > MOST_TESTED) {
    const silentSince = (connection: Connection): number =>
      connection === used ? -1 : Math.max(0, connection.answeredAt)
    untested.sort((a, b) => silentSince(a) - silentSince(b))
  }
  for (const connection of untested.slice(0, MOST_TESTED)) {
    connection.doubted = true
    test(state, out, connection)
  }
}

/**
 * A caller wants a connected peer, and may name addresses. If these are news they are dialled, and the connections are tested. True:
 * `ask` waits for what answers first. It is not sent before, so it goes one way only.
 */
export function follow(state: State, out: Effects, peer: string, addresses: string[], ask: AskId): boolean {
  const news = addresses.length === 0 ? [] : newsOf(state, peer, addresses)
  // It is being found out already.
  const isInDoubt = state.dials.has(peer) && connectionTo(state, peer)!.doubted
  if (news.length === 0 && !isInDoubt) return false
  if (!reachAnew(state, out, peer, news, ask)) return false
  for (const address of news) note(state, peer, address)
  testOthers(state, out, peer)
  return true
}

/** Those to which no connection leads, and of which neither the peer itself nor lately a caller has said that it is there. */
function newsOf(state: State, peer: string, addresses: string[]): string[] {
  const connections = connectionsOf(state, peer)
  // What it says of itself is on its way.
  if (connections.some(({ protocols }) => protocols === undefined)) return []
  return addresses.filter((address) => {
    const place = withoutPeer(address)
    const isThere = (known: string): boolean => withoutPeer(known) === place
    const isKnown = connections.some((one) => isThere(one.address) || one.listenAddresses.some(isThere))
    return !isKnown && (state.followed.get(withPeer(address, peer)) ?? -Infinity) <= state.now
  })
}

function note({ followed, now }: State, peer: string, address: string): void {
  const key = withPeer(address, peer)
  followed.delete(key)
  followed.set(key, now + NEWS_LIFETIME)
  if (followed.size > MOST_NEWS) followed.delete(followed.keys().next().value!)
}
