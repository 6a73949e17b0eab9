/** What the network has refused by itself: it is told, and counted against those who have brought it about themselves. */
import { countRefusal, noteHungUp } from '../broadcasts/counts.js'
import { log, type Effects } from '../effects.js'
import type { EventOf } from '../events.js'
import type { RefusedKind } from '../port.js'
import type { State } from '../state.js'
import { line } from '../terms.js'
import { tell } from './audit.js'
import { textOfBarred } from './lists.js'
import { offend, OFFENCES } from './offences.js'

/**
 * Those that nobody who keeps to a protocol can come to. The others are rates. (`frameWaste` is one: when we reset a thousand streams,
 * an honest peer has frames of all of them under way.)
 */
const VIOLATIONS: ReadonlySet<RefusedKind> = new Set<RefusedKind>(['kadMalformed', 'kadAnswer', 'frameMalformed'])

/** Something was refused to a peer, some times in a second. It is no offence where others have brought that about. */
export function onRefused(state: State, out: Effects, { peer, what, count, own, hungUp }: EventOf<'refused'>): void {
  countRefusal(state, peer, what, count)
  if (hungUp === true) {
    noteHungUp(state, peer, `it went on with what was refused (${what})`)
    log(out, 'info', line`🔌 hung up on ${peer}, which went on with what was refused (${what})`)
  } else log(out, 'debug', { kind: `${what} was refused`, text: `${what} was refused to ${peer} (${count} times)` })
  if (own !== true) return
  const points = VIOLATIONS.has(what) ? OFFENCES.violation : OFFENCES.excess
  offend(state, peer, points, `it was refused too often (${what})`)
}

/** Somebody was not let in. */
export function onTurnedAway(state: State, out: Effects, event: EventOf<'turnedAway'>): void {
  const { peer, address, inbound, count, ago } = event
  tell(state, out, {
    kind: 'refused',
    ...(peer !== undefined && { peer }),
    address,
    inbound,
    reason: whyOf(event),
    count,
    ago,
  })
}

function whyOf({ why, reason }: EventOf<'turnedAway'>): string {
  switch (why) {
    case 'networkKey':
      return 'it has another network key, or none'
    case 'handshakes':
      return 'there were too many handshakes'
    case 'lateHandshake':
      return 'its handshake was not over in time'
    default:
      return reason ?? textOfBarred(why)
  }
}
