/** In which order those that wait are served: of each range of addresses whoever has had least, and of those the one whose range has. */
import type { State } from '../state.js'
import { isBefore } from './served.js'
import type { Account, RangeUse } from './state.js'

/** Those of one range, and who of them is next. */
interface Group {
  accounts: Account[]
  next: Account
}

export class Order {
  private readonly groups: Group[] = []
  /** The place of the group that is next. */
  private at = 0

  constructor(
    private readonly state: State,
    accounts: Account[],
  ) {
    const byRange = new Map<RangeUse, Group>()
    for (const account of accounts) {
      const group = byRange.get(account.range)
      if (group === undefined) {
        const one = { accounts: [account], next: account }
        byRange.set(account.range, one)
        this.groups.push(one)
      } else {
        group.accounts.push(account)
        if (account.served < group.next.served) group.next = account
      }
    }
  }

  /** Who is next; `undefined`: nobody is left. */
  next(): Account | undefined {
    const { groups, state } = this
    this.at = 0
    for (let at = 1; at < groups.length; at++) {
      if (isBefore(state, groups[at]!.next, groups[this.at]!.next)) this.at = at
    }
    return groups[this.at]?.next
  }

  /** Whoever was next has had a handler. */
  served(): void {
    const group = this.groups[this.at]!
    const { accounts } = group
    if (accounts.length > 1) group.next = accounts.reduce((least, one) => (one.served < least.served ? one : least))
  }

  /** … or is left out from now on. */
  leave(): void {
    const { groups, at } = this
    const { accounts, next } = groups[at]!
    remove(accounts, accounts.indexOf(next))
    if (accounts.length === 0) remove(groups, at)
    else this.served()
  }
}

/** The last one takes its place. */
function remove(all: unknown[], at: number): void {
  const last = all.pop()
  if (at < all.length) all[at] = last
}
