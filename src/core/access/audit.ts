/** Tells what happens at the door, at a bounded rate for each kind: a flood of strangers is no flood of events or of log lines. */
import { log, type Effects, type LogLevel } from '../effects.js'
import { take } from '../limits/rate.js'
import type { State } from '../state.js'
import type { AuditEvent, AuditKind } from './audit-event.js'

/** Events of one kind in a second. */
const RATE = 100
/** Peers that were turned away and are remembered. */
const MOST_TURNED_AWAY = 1_000

/** The line of the log for each kind, where it has one. */
const LINES: Partial<Record<AuditKind, LogLevel>> = {
  unauthorized: 'info',
  denied: 'info',
  refused: 'debug',
  banned: 'warn',
}

/** `ago`: when it was, ms. */
type Told = Omit<AuditEvent, 'at' | 'count'> & { count?: number; ago?: number }

export function tell(state: State, out: Effects, { ago = 0, ...event }: Told): void {
  const { audit, now } = state
  const { kind } = event
  if (kind === 'refused' || kind === 'unauthorized') noteTurnedAway(state, event, now - ago)
  const bucket = { emptyAt: audit.emptyAt.get(kind) ?? -Infinity }
  const missed = audit.missed.get(kind) ?? 0
  if (take(bucket, RATE, now) > 0) return void audit.missed.set(kind, missed + 1)
  audit.emptyAt.set(kind, bucket.emptyAt)
  audit.missed.delete(kind)
  const told: AuditEvent = { count: 1, ...event, at: now - ago, ...(missed > 0 && { missed }) }
  out.push({ type: 'audited', event: told, ago })
  const level = LINES[kind]
  if (level !== undefined) log(out, level, { kind: `🚪 ${kind}`, text: `🚪 ${textOf(told)}` })
}

/** What is not told counts too. Identities cost nothing: the peers that came last are remembered. */
function noteTurnedAway({ audit: { turnedAway } }: State, { peer, reason = '', count = 1 }: Told, at: number): void {
  if (peer === undefined) return
  const before = turnedAway.get(peer)?.count ?? 0
  turnedAway.delete(peer)
  turnedAway.set(peer, { count: before + count, at, message: reason })
  if (turnedAway.size > MOST_TURNED_AWAY) turnedAway.delete(turnedAway.keys().next().value!)
}

function textOf({ kind, peer, address, reason, duration, count, missed }: AuditEvent): string {
  const who = [peer, address].filter((part) => part !== undefined).join(' at ')
  const parts = [
    `${kind} ${who || 'somebody'}`,
    reason === undefined ? '' : `: ${reason}`,
    duration === undefined ? '' : `, for ${duration} ms`,
    count > 1 ? ` (${count} times)` : '',
    missed === undefined ? '' : `; ${missed} more were not told`,
  ]
  return parts.join('')
}
