/** Tells what happens at the door, at a bounded rate for each kind: a flood of strangers is no flood of events or of log lines. */
import { log, type Effects, type LogLevel } from '../effects.js'
import { take } from '../limits/rate.js'
import type { State } from '../state.js'
import type { AuditEvent, AuditKind } from './audit-event.js'

/** Events of one kind in a second. */
const RATE = 100

/** The line of the log for each kind, where it has one. */
const LINES: Partial<Record<AuditKind, LogLevel>> = {
  unauthorized: 'info',
  denied: 'info',
  refused: 'debug',
  banned: 'warn',
}

export function tell(state: State, out: Effects, event: Omit<AuditEvent, 'at' | 'count'> & { count?: number }): void {
  const { audit, now } = state
  const { kind } = event
  const bucket = { emptyAt: audit.emptyAt.get(kind) ?? -Infinity }
  const missed = audit.missed.get(kind) ?? 0
  if (take(bucket, RATE, now) > 0) return void audit.missed.set(kind, missed + 1)
  audit.emptyAt.set(kind, bucket.emptyAt)
  audit.missed.delete(kind)
  const told: AuditEvent = { count: 1, ...event, at: now, ...(missed > 0 && { missed }) }
  out.push({ type: 'audited', event: told })
  const level = LINES[kind]
  if (level !== undefined) log(out, level, { kind: `🚪 ${kind}`, text: `🚪 ${textOf(told)}` })
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
