/** The lists of who may come in: what the config says of them, how callers change them, and the end of entries whose time is over. */
import { settle } from '../asks.js'
import { dueAt } from '../due.js'
import { log, type Effects } from '../effects.js'
import type { CommandOf } from '../events.js'
import { namedPeers } from '../settings.js'
import type { State } from '../state.js'
import { line } from '../terms.js'
import { revokeAnswers } from './authorizing.js'
import { hangUp } from './hang-up.js'
import {
  change,
  closeTo,
  heldOf,
  isDenied,
  sizeOf,
  textOfEntry,
  type AccessChange,
  type AccessEnd,
  type Entry,
} from './lists.js'
import { forgive } from './offences.js'
import type { Access } from './state.js'

/** Entries that a line of the log names. */
const MOST_TOLD = 5

/** Before it listens: what the config says. Nothing is sent to the network where it says nothing. */
export function beginAccess(state: State, out: Effects): void {
  const { closed, authorizes, ...named } = state.settings.access
  if (!closed && named.deny.length === 0 && !authorizes) return
  closeTo(state.access.lists, closed)
  const listed = (list: AccessChange['list'], entries: Entry[]): AccessChange[] => {
    return entries.map((entry) => ({ list, entry, until: Infinity }))
  }
  const changes = [...listed('allow', named.allow), ...listed('deny', named.deny)]
  for (const one of changes) change(state.access.lists, one)
  out.push({ type: 'access', closed, asks: authorizes, changes })
}

/** Entries may come in: they are not denied or banned any more and, where there is a list of who may, they are in it. */
export function allow(state: State, out: Effects, { ask, entries }: CommandOf<'allow'>): void {
  const { lists } = state.access
  for (const entry of entries) {
    forgive(state, 'peer' in entry ? entry.peer : entry.range)
    for (const list of ['deny', 'bans'] as const) {
      if (heldOf(lists, list, entry) !== undefined) enter(state, out, { list, entry, until: undefined })
    }
    if (lists.closed) enter(state, out, { list: 'allow', entry, until: Infinity })
  }
  const stay = entries.filter((entry) => isDenied(lists, entry))
  note(out, `allow ${textOfEntries(entries)}${aside(stay, 'stays denied: a range around it is')}`, [])
  settle(state, out, ask, undefined)
}

/** Entries may not come in, for a time or for ever. Those that are here are hung up on. */
export function deny(state: State, out: Effects, command: CommandOf<'deny'>): void {
  const { ask, entries, duration = Infinity, reason } = command
  for (const entry of entries) bar(state, out, 'deny', entry, duration, reason)
  const end = duration === Infinity ? '' : ` for ${duration} ms`
  const why = reason === undefined ? '' : `: ${reason}`
  const stay = entries.filter((entry) => heldOf(state.access.lists, 'deny', entry)!.until > state.now + duration)
  note(out, `deny ${textOfEntries(entries)}${end}${why}${aside(stay, 'stays denied for longer')}`, entries)
  expel(state, out)
  settle(state, out, ask, undefined)
}

/** A change of the lists is told; it may have been meant otherwise if it shuts out all of a family of addresses. */
function note(out: Effects, what: string, barred: readonly Entry[]): void {
  const isVast = barred.some((entry) => 'range' in entry && entry.range.length === 1)
  log(out, isVast ? 'warn' : 'info', line`🚪 ${what}${isVast ? ': that is every address of its kind' : ''}`)
}

/** What the change has not done. */
function aside(entries: readonly Entry[], what: string): string {
  return entries.length === 0 ? '' : ` (${textOfEntries(entries)} ${what})`
}

function textOfEntries(entries: readonly Entry[]): string {
  const first = entries.slice(0, MOST_TOLD).map(textOfEntry).join(', ')
  return entries.length > MOST_TOLD ? `${first} and ${entries.length - MOST_TOLD} more` : first
}

/** Nobody stays whom the lists do not let in, nor is on its way. */
export function expel(state: State, out: Effects): void {
  hangUp(state, out)
  revokeAnswers(state, out)
}

/** Who is connected is not hung up on yet. What ends later stays, and its reason: only `allow` ends it early. */
export function bar(
  state: State,
  out: Effects,
  list: 'deny' | 'bans',
  entry: Entry,
  duration: number,
  reason?: string,
): void {
  const known = heldOf(state.access.lists, list, entry)
  const end = state.now + duration
  const until = Math.max(end, known?.until ?? -Infinity)
  const why = until === end ? (reason ?? known?.message) : (known?.message ?? reason)
  const barred = { list, entry, until, ...(why !== undefined && { reason: why }) }
  const isPlanned = until === Infinity || known?.until === until
  enter(state, out, barred)
  if (!isPlanned) planEnd(state, { list, entry, until })
}

function planEnd(state: State, end: AccessEnd): void {
  const { access } = state
  const { lists } = access
  // Entries may have been lifted or put off since, again and again.
  if (access.ends.length > 2 * (sizeOf(lists.deny) + sizeOf(lists.bans))) {
    access.ends = access.ends.filter((one) => isItsEnd(access, one))
  }
  const { ends } = access
  let [from, to] = [0, ends.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (ends[middle]!.until > end.until) from = middle + 1
    else to = middle
  }
  ends.splice(from, 0, end)
  dueAt(state, 'access', nextEnd(state))
}

function isItsEnd({ lists }: Access, { list, entry, until }: AccessEnd): boolean {
  return heldOf(lists, list, entry)?.until === until
}

/** When the next entry ends. */
export function nextEnd({ access: { ends } }: State): number {
  return ends[ends.length - 1]?.until ?? Infinity
}

/** Before the first ban of a place: it does not concern peers that the config names, wherever they are. */
export function spareNamed(state: State, out: Effects): void {
  if (sizeOf(state.access.lists.spared) > 0) return
  const named = [...namedPeers(state.settings)]
  enter(state, out, ...named.map((peer) => ({ list: 'spared' as const, entry: { peer }, until: Infinity })))
}

function enter(state: State, out: Effects, ...changes: AccessChange[]): void {
  if (changes.length === 0) return
  for (const one of changes) change(state.access.lists, one)
  const { closed } = state.access.lists
  out.push({ type: 'access', closed, asks: state.settings.access.authorizes, changes })
}

/** Entries whose time is over leave their lists. */
export function expireAccess(state: State, out: Effects): void {
  const { access, now } = state
  while (nextEnd(state) <= now) {
    const end = access.ends.pop()!
    if (isItsEnd(access, end)) enter(state, out, { ...end, until: undefined })
  }
}
