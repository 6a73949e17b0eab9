/**
 * Bans for a while: of a peer that breaks our protocols, or exceeds its rates, again and again. A new identity costs nothing, so a place
 * (a host of IPv4, a /64 of IPv6) from which several peers that were banned have connected to us is banned too; on loopback, where all
 * are of this machine, no place ever is. Peers that the config names are not banned, nor are they barred by the ban of a place.
 */
import type { Effects } from '../effects.js'
import type { State } from '../state.js'
import { tell } from './audit.js'
import { bar, expel, spareNamed } from './changing.js'
import { textOfEntry, type Entry } from './lists.js'
import { noteBan, offendAt, takeOffenders } from './offences.js'

/** The first ban, and the longest, ms: each is twice as long as the one before. */
const FIRST = 60_000
const LONGEST = 86_400_000

/** At the end of a step: whoever has offended too often in it is banned. */
export function banOffenders(state: State, out: Effects): void {
  for (const [peer, { what, places }] of takeOffenders(state)) {
    const isFirst = ban(state, out, { peer }, what) === 0
    // One peer that comes again and again says nothing of others who are there.
    for (const range of isFirst ? places : []) {
      if (offendAt(state, range)) banPlace(state, out, range)
    }
    expel(state, out)
  }
}

function banPlace(state: State, out: Effects, range: string): void {
  spareNamed(state, out)
  ban(state, out, { range }, 'several peers there were banned')
}

/** Returns how often it was before. */
function ban(state: State, out: Effects, entry: Entry, reason: string): number {
  const before = noteBan(state, entry)
  const duration = Math.min(FIRST * 2 ** before, LONGEST)
  bar(state, out, 'bans', entry, duration, reason)
  const who = 'peer' in entry ? { peer: entry.peer } : { address: textOfEntry(entry) }
  tell(state, out, { kind: 'banned', ...who, reason, duration })
  return before
}
