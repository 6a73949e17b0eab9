/**
 * Bans for a while: of a peer that breaks our protocols, or exceeds its budgets, again and again. A new identity costs nothing, so a place
 * (a host of IPv4, a /64 of IPv6) from which several banned peers have connected to us is banned too; on loopback, where all are of this
 * machine, no place ever is.
 */
import type { Effects } from '../effects.js'
import { isLoopback } from '../peers/addresses.js'
import { connectionsOf } from '../peers/connections.js'
import type { State } from '../state.js'
import { tell } from './audit.js'
import { bar } from './changing.js'
import { hangUp } from './hang-up.js'
import { textOfBarred, textOfEntry, type Entry } from './lists.js'
import { noteBan, offendAt, takeOffenders } from './offences.js'
import { hostPrefix } from './ranges.js'

/** The first ban, and the longest, ms: each is twice as long as the one before. */
const FIRST = 60_000
const LONGEST = 86_400_000

/** At the end of a step: whoever has offended too often in it is banned. */
export function banOffenders(state: State, out: Effects): void {
  for (const [peer, what] of takeOffenders(state)) {
    const places = new Set(connectionsOf(state, peer).flatMap((connection) => placeOf(connection) ?? []))
    ban(state, out, { peer }, what)
    for (const range of places) {
      if (offendAt(state, range)) ban(state, out, { range }, 'several peers there were banned')
    }
    hangUp(state, out, `${textOfBarred('banned')}: ${what}`)
  }
}

/** Where the other side is. Whom we have dialled is where we wanted to be. */
function placeOf({ inbound, place }: { inbound: boolean; place: string }): string | undefined {
  return inbound && !isLoopback(place) ? hostPrefix(place) : undefined
}

function ban(state: State, out: Effects, entry: Entry, reason: string): void {
  const name = 'peer' in entry ? entry.peer : entry.range
  const duration = Math.min(FIRST * 2 ** noteBan(state, name), LONGEST)
  bar(state, out, 'bans', entry, duration)
  const who = 'peer' in entry ? { peer: entry.peer } : { address: textOfEntry(entry) }
  tell(state, out, { kind: 'banned', ...who, reason, duration })
}
