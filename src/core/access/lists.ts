/**
 * Who may come in, as lists of peers and of address ranges. The lane keeps them with the times at which entries end; a network has a
 * copy, because it refuses an address before a handshake costs anything.
 */
import { bitsOf, textOf, type Prefix } from './ranges.js'

/** A peer id, or a range of addresses as a prefix in text. */
export type Entry = { readonly peer: string } | { readonly range: Prefix }

/** What is known of an entry: when it ends, ms (`Infinity`: it does not), and why it is there. (A redacted recording has no `message`.) */
export interface Held {
  readonly until: number
  readonly message?: string
}

/** Ranges are by the length of the prefix. */
export interface Entries {
  readonly peers: Map<string, Held>
  readonly ranges: Map<number, Map<Prefix, Held>>
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
  /** Why, for those who are told; the network need not know it. */
  readonly reason?: string
}

/** When an entry leaves a list. */
export interface AccessEnd extends AccessChange {
  readonly until: number
}

/** Why somebody may not come in. */
export type Barred = 'denied' | 'banned' | 'notAllowed'

/** … and the entry that says so, unless it is for want of one. */
export interface Bar {
  readonly why: Barred
  readonly entry?: Entry
  readonly held?: Held
}

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

export function change(lists: AccessLists, { list, entry, until, reason }: AccessChange): void {
  const { peers, ranges } = lists[list]
  const held = until !== undefined && { until, ...(reason !== undefined && { message: reason }) }
  if ('peer' in entry) {
    if (held === false) peers.delete(entry.peer)
    else peers.set(entry.peer, held)
    return
  }
  const { range } = entry
  const same = ranges.get(range.length)
  if (held !== false) {
    if (same === undefined) ranges.set(range.length, new Map([[range, held]]))
    else same.set(range, held)
  } else if (same?.delete(range) === true && same.size === 0) ranges.delete(range.length)
}

/** `undefined`: the entry is not there. */
export function heldOf(lists: AccessLists, list: ListName, entry: Entry): Held | undefined {
  const { peers, ranges } = lists[list]
  return 'peer' in entry ? peers.get(entry.peer) : ranges.get(entry.range.length)?.get(entry.range)
}

/** All entries of a list. */
export function* entriesOf(lists: AccessLists, list: ListName): Iterable<Held & { entry: Entry }> {
  const { peers, ranges } = lists[list]
  for (const [peer, held] of peers) yield { entry: { peer }, ...held }
  for (const same of ranges.values()) for (const [range, held] of same) yield { entry: { range }, ...held }
}

export function sizeOf({ peers, ranges }: Entries): number {
  let size = peers.size
  for (const same of ranges.values()) size += same.size
  return size
}

/** Why this visitor may not come in; `undefined`: it may, or what is not known of it yet decides. Who is denied is, also where it is allowed. */
export function barOf(lists: AccessLists, { peer, address }: Visitor): Bar | undefined {
  const { closed, allow, deny, bans, spared } = lists
  if (!closed && isEmpty(deny) && isEmpty(bans)) return undefined
  const bits = address === undefined ? [] : bitsOf(address)
  const denial = find(deny, peer, bits)
  if (denial !== undefined) return { why: 'denied', ...denial }
  // As long as nobody is known, it may be one of them.
  const isSpared = peer === undefined ? spared.peers.size > 0 : spared.peers.has(peer)
  const ban = isSpared ? undefined : find(bans, peer, bits)
  if (ban !== undefined) return { why: 'banned', ...ban }
  // What an address of IPv6 is translated to says nothing good of it.
  if (!closed || find(allow, peer, bits.slice(0, 1)) !== undefined) return undefined
  const mayBeKnown = (peer === undefined && allow.peers.size > 0) || (bits.length === 0 && allow.ranges.size > 0)
  return mayBeKnown ? undefined : { why: 'notAllowed' }
}

/** Is the entry denied, or all that is in it? */
export function isDenied({ deny }: AccessLists, entry: Entry): boolean {
  return ('peer' in entry ? find(deny, entry.peer, []) : find(deny, undefined, [entry.range])) !== undefined
}

export function barred(lists: AccessLists, visitor: Visitor): Barred | undefined {
  return barOf(lists, visitor)?.why
}

function isEmpty({ peers, ranges }: Entries): boolean {
  return peers.size + ranges.size === 0
}

function find(
  { peers, ranges }: Entries,
  peer: string | undefined,
  bits: string[],
): { entry: Entry; held: Held } | undefined {
  const ofPeer = peer === undefined ? undefined : peers.get(peer)
  if (ofPeer !== undefined) return { entry: { peer: peer! }, held: ofPeer }
  if (bits.length === 0) return undefined
  for (const [length, same] of ranges) {
    for (const all of bits) {
      const range = all.slice(0, length)
      const held = same.get(range)
      if (held !== undefined) return { entry: { range }, held }
    }
  }
  return undefined
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

/** All that a network says: it compares what it said by `isBarred`. */
export function textOfBarred(why: Barred): string {
  return WHY[why]
}

/** With the range, where it is one, and the reason of the entry. */
export function textOfBar({ why, entry, held }: Bar): string {
  const range = entry === undefined || 'peer' in entry ? '' : ` (${textOf(entry.range)})`
  return `${WHY[why]}${range}${held?.message === undefined ? '' : `: ${held.message}`}`
}

/** Is this the reason of an attempt that `access` has refused? Of a name it has one for each of its addresses: `<IP>: <why>, <IP>: <why>`. */
export function isBarred(reason: string): boolean {
  return reason.split(', ').every((part) => TEXTS.has(part.slice(/^[\da-f.:]+: /i.exec(part)?.[0].length ?? 0)))
}

/** (Whoever does not let somebody in does not say so.) */
export const NOT_LET_IN = 'it may not let us in, or is full'

/** Why a dial fails whose other side is gone before it has shown who it is. */
export const NO_HANDSHAKE = `the other side hung up, or said what no libp2p node says: ${NOT_LET_IN}, or has another network key, or is another service`

/** Why a dial fails whose connection is gone at once. */
export const HUNG_UP = `the other side closed the connection at once: ${NOT_LET_IN}`

/** Why a dial fails between networks. */
export const OTHER_NETWORK = 'the other side has another network key, or none, or does not let us in'

/** Why a dial fails whose peer `authorize` does not admit. */
export const NOT_AUTHORIZED = 'not admitted by authorize of this node'

const TEXTS: ReadonlySet<string> = new Set([...Object.values(WHY), NOT_AUTHORIZED])
