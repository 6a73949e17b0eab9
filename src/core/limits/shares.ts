/**
 * Shares of something of which there is only so much. Whoever holds some of it may hold as much as is free besides: the threshold
 * falls as the thing fills up, so of what is not set aside one alone gets half, two get a third each, and whoever holds nothing gets some
 * while any is free (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6 (2), 1998, with α = 1).
 *
 * Two parts are set aside. A reserve is for those who are trusted. A part is for newcomers, which are those that hold little: or holders that
 * come one after the other would halve the rest until nothing is left for the next one. What a holder has is counted there, up to the size of
 * the part, until it has more than little, and then no longer.
 */

/** The part of all that only trusted holders get. */
const RESERVE = 1 / 8
/** The part for newcomers, and what is little, of all. */
const NEWCOMERS = 1 / 16
const LITTLE = 1 / 512

/** What is held, by whom. Records that hold nothing are not kept. */
export interface Shares {
  /** Holder → what it holds. */
  readonly held: Map<string, number>
  used: number
}

export function createShares(): Shares {
  return { held: new Map(), used: 0 }
}

/** What bounds a share. */
interface Bounds {
  /** Of all together. */
  total: number
  /** Of one holder, however much is free. */
  each: number
  /** It may use the reserve. */
  trusted?: boolean
  /** Another reserve than an eighth of all. */
  reserve?: number
  /** What is little at the least. Default: one. */
  little?: number
}

/** May this holder have `amount` more? Whoever holds nothing may, while all of it fits. `newcomers`: they have a part. */
export function mayHold(
  { held, used }: Shares,
  holder: string,
  amount: number,
  { newcomers = false, ...bounds }: Bounds & { newcomers?: boolean },
): boolean {
  return fits(held.get(holder) ?? 0, amount, used, bounds, newcomers ? () => held.values() : undefined)
}

/**
 * The same for books that are kept elsewhere: whoever holds `held` wants `amount` more, and all together hold `used`. `holdings`: what each
 * one holds, if newcomers have a part.
 */
export function fits(
  held: number,
  amount: number,
  used: number,
  bounds: Bounds,
  holdings?: () => Iterable<number>,
): boolean {
  const { total, each, trusted = false, reserve = Math.floor(total * RESERVE) } = bounds
  const little = Math.max(bounds.little ?? 1, Math.floor(total * LITTLE))
  if (held + amount > each) return false
  const part = holdings === undefined ? 0 : partOf(total)
  const most = total - part - (trusted ? 0 : reserve)
  const fitsBeside = (outside: number): boolean => {
    const free = most - outside
    return amount <= free && (held === 0 || held + amount <= free)
  }
  if (fitsBeside(used)) return true
  // A look at all holders would be dear each time.
  const isNewcomer = held + amount <= little
  if (holdings === undefined || (!isNewcomer && !fitsBeside(used - part))) return false
  const inside = Math.min(part, heldByNewcomers(holdings(), little))
  if (isNewcomer && inside + amount <= part) return true
  return fitsBeside(used - inside + (held <= little ? held : 0))
}

function partOf(total: number): number {
  return Math.floor(total * NEWCOMERS)
}

function heldByNewcomers(holdings: Iterable<number>, little: number): number {
  let sum = 0
  for (const held of holdings) if (held <= little) sum += held
  return sum
}

/**
 * Would everybody's share have room for `amount` more, with a part for newcomers, and whoever holds the `used`? For then no more is held
 * by all than would still be free, so no more by each. It spares a look at who holds what.
 */
export function fitsAnybody(amount: number, used: number, total: number): boolean {
  return used + amount <= (total * (1 - RESERVE - NEWCOMERS)) / 2
}

/** The most that one holder may have, who is no trusted one, while it is alone, of something with a part for newcomers. */
export function shareOf(total: number, each: number): number {
  return Math.min(each, Math.ceil((total - Math.floor(total * RESERVE) - partOf(total)) / 2))
}

export function hold(shares: Shares, holder: string, amount: number): void {
  if (amount === 0) return
  shares.used += amount
  shares.held.set(holder, (shares.held.get(holder) ?? 0) + amount)
}

/** No more than the holder holds: a book that is wrong must not become no number, which would bar everybody. */
export function giveBack(shares: Shares, holder: string, amount: number): void {
  const held = shares.held.get(holder) ?? 0
  const left = Math.max(0, held - amount)
  shares.used -= held - left
  if (left === 0) shares.held.delete(holder)
  else shares.held.set(holder, left)
}

/** Who holds most; `undefined`: nobody holds any. */
export function largestHolder({ held }: Shares): string | undefined {
  let largest: string | undefined
  let most = 0
  for (const [holder, amount] of held) {
    if (amount <= most) continue
    largest = holder
    most = amount
  }
  return largest
}
