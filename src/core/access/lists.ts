/**
 * Who may come in, as lists of peers and of address ranges. The lane keeps them with the times at which entries end; a network has a
 * copy, because it refuses an address before a handshake costs anything.
 */
import { bitsOf, textOf, type Prefix } from './ranges.js'

/** A peer id, or a range of addresses as a prefix in text. */
export type Entry = { readonly peer: string } | { readonly range: Prefix }

/** Entries, each with the time at which it ends, ms; `Infinity`: it does not. Ranges are by the length of the prefix. */
export interface Entries {
  readonly peers: Map<string, number>
  readonly ranges: Map<number, Map<Prefix, number>>
}

export type ListName = 'allow' | 'deny' | 'bans' | 'spared'

export interface AccessLists {
  /** Nobody but those in `allow` may come in. */
  closed: boolean
  readonly allow: Entries
  readonly deny: Entries
  readonly bans: Entries
  /** Peers whom no ban bars: not even that of the place where they are. */
  readonly spared: Entries
}

/** An entry comes into a list, or leaves it. */
export interface AccessChange {
  readonly list: ListName
  readonly entry: Entry
  /** When it ends; `undefined`: it leaves now. */
  readonly until: number | undefined
}

/** When an entry leaves a list. */
export interface AccessEnd extends AccessChange {
  readonly until: number
}

/** Why somebody may not come in. */
export type Barred = 'denied' | 'banned' | 'notAllowed'

/** Who it is, as far as it is known: before a handshake there is only an address, and before a dial perhaps only a peer. */
export interface Visitor {
  readonly peer?: string | undefined
  /** A multiaddr. */
  readonly address?: string | undefined
}

export function createLists(): AccessLists {
  return {
    closed: false,
    allow: createEntries(),
    deny: createEntries(),
    bans: createEntries(),
    spared: createEntries(),
  }
}

function createEntries(): Entries {
  return { peers: new Map(), ranges: new Map() }
}

/** Is the list `allow` in force? */
export function closeTo(lists: AccessLists, closed: boolean): void {
  lists.closed = closed
}

export function change(lists: AccessLists, { list, entry, until }: AccessChange): void {
  const { peers, ranges } = lists[list]
  if ('peer' in entry) {
    if (until === undefined) peers.delete(entry.peer)
    else peers.set(entry.peer, until)
    return
  }
  const { range } = entry
  const same = ranges.get(range.length)
  if (until !== undefined) {
    if (same === undefined) ranges.set(range.length, new Map([[range, until]]))
    else same.set(range, until)
  } else if (same?.delete(range) === true && same.size === 0) ranges.delete(range.length)
}

/** When the entry ends; `undefined`: it is not there. */
export function endOf(lists: AccessLists, list: ListName, entry: Entry): number | undefined {
  const { peers, ranges } = lists[list]
  return 'peer' in entry ? peers.get(entry.peer) : ranges.get(entry.range.length)?.get(entry.range)
}

export function sizeOf({ peers, ranges }: Entries): number {
  let size = peers.size
  for (const same of ranges.values()) size += same.size
  return size
}

/** Why this visitor may not come in; `undefined`: it may, or what is not known of it yet decides. Who is denied is, also where it is allowed. */
export function barred(lists: AccessLists, { peer, address }: Visitor): Barred | undefined {
  const { closed, allow, deny, bans, spared } = lists
  if (!closed && isEmpty(deny) && isEmpty(bans)) return undefined
  const bits = address === undefined ? [] : bitsOf(address)
  if (has(deny, peer, bits)) return 'denied'
  // As long as nobody is known, it may be one of them.
  const isSpared = peer === undefined ? spared.peers.size > 0 : spared.peers.has(peer)
  if (!isSpared && has(bans, peer, bits)) return 'banned'
  // What an address of IPv6 is translated to says nothing good of it.
  if (!closed || has(allow, peer, bits.slice(0, 1))) return undefined
  const mayBeKnown = (peer === undefined && allow.peers.size > 0) || (bits.length === 0 && allow.ranges.size > 0)
  return mayBeKnown ? undefined : 'notAllowed'
}

function isEmpty({ peers, ranges }: Entries): boolean {
  return peers.size + ranges.size === 0
}

function has({ peers, ranges }: Entries, peer: string | undefined, bits: string[]): boolean {
  if (peer !== undefined && peers.has(peer)) return true
  if (bits.length === 0) return false
  for (const [length, same] of ranges) {
    for (const all of bits) if (all.length >= length && same.has(all.slice(0, length))) return true
  }
  return false
}

/** As people write it. */
export function textOfEntry(entry: Entry): string {
  return 'peer' in entry ? entry.peer : textOf(entry.range)
}

const WHY: Readonly<Record<Barred, string>> = {
  denied: 'denied by this node',
  banned: 'banned by this node for a while',
  notAllowed: 'not in the allow list of this node',
}

export function textOfBarred(why: Barred): string {
  return WHY[why]
}

/** Is this the reason of an attempt that `access` has refused? Of a name it has one for each of its addresses: `<IP>: <why>, <IP>: <why>`. */
export function isBarred(reason: string): boolean {
  return reason.split(', ').every((part) => TEXTS.has(part.slice(/^[\da-f.:]+: /i.exec(part)?.[0].length ?? 0)))
}

/** Why a dial fails between networks. */
export const OTHER_NETWORK = 'the other side has another network key, or none, or does not let us in'

/** Why a dial fails whose peer `authorize` does not admit. */
export const NOT_AUTHORIZED = 'not admitted by authorize of this node'

const TEXTS: ReadonlySet<string> = new Set([...Object.values(WHY), NOT_AUTHORIZED])
