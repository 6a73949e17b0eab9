/**
 * Shares of something of which there is only so much. Whoever holds some of it may hold as much as is free besides: the threshold
 * falls as the thing fills up, so one alone gets half, two get a third each, and whoever holds nothing gets some while any is free (dynamic
 * thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6 (2), 1998, with α = 1). A part is a reserve for those who
 * are trusted, and a part may be for whoever holds little: holders that come one after the other halve the rest until nothing is left.
 */

/** The part of all that only trusted holders get. */
const RESERVE = 1 / 8
/** The part of the rest that only those get who hold nothing, or so little of all with what they want. */
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
  /** A part is for whoever holds little. (Where room is taken from the largest holder instead, that is not needed.) */
  newcomers?: boolean
}

/** May this holder have `amount` more? Whoever holds nothing, or little, may, while all of it fits. */
export function mayHold(shares: Shares, holder: string, amount: number, bounds: Bounds): boolean {
  return fits(shares.held.get(holder) ?? 0, amount, shares.used, bounds)
}

/** The same for books that are kept elsewhere: whoever holds `held` wants `amount` more, and all together hold `used`. */
export function fits(
  held: number,
  amount: number,
  used: number,
  { total, each, trusted = false, newcomers = false }: Bounds,
): boolean {
  if (held + amount > each) return false
  const free = total - (trusted ? 0 : Math.floor(total * RESERVE)) - used
  if (amount > free) return false
  if (held === 0) return true
  const most = newcomers ? Math.max(free - Math.floor(total * NEWCOMERS), total * LITTLE) : free
  return held + amount <= most
}

/**
 * Would everybody's share have room for `amount` more, with a part for newcomers, and whoever holds the `used`? For then no more is held
 * by all than would still be free, so no more by each. It spares a look at who holds what.
 */
export function fitsAnybody(amount: number, used: number, total: number): boolean {
  return used + amount <= (total * (1 - RESERVE - NEWCOMERS)) / 2
}

/** The most that one holder may have, who is no trusted one, while it is alone. */
export function shareOf(total: number, each: number): number {
  return Math.min(each, Math.ceil((total - Math.floor(total * RESERVE) - Math.floor(total * NEWCOMERS)) / 2))
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
