/** The accounts of peers that ask: who shares what with whom, and what is kept of whom. */
import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { addServed, noteServed, owes } from '../../../src/core/requests/served.js'
import { accountOf } from '../../../src/core/requests/accounts.js'
import { openAccount } from '../../../src/core/requests/budget.js'
import { Core } from '../../support/core.js'

/** Peers of these addresses, connected. */
function connected(core: Core, ...hosts: string[]): string[] {
  return hosts.map((host) => {
    const connection = core.state.connections.all.size + 1
    const [peer, address] = [`of ${host} ${connection}`, `/ip4/${host}/tcp/1`]
    core.in({ type: 'connectionOpened', connection, peer, address, inbound: true })
    return peer
  })
}

/** Requests that they may have open together. */
function fill({ state }: Core, peers: string[]): number {
  let open = 0
  for (const peer of peers) while (openAccount(state, peer)) open++
  return open
}

const times = (amount: number, host: (index: number) => string): string[] => Array.from({ length: amount }, (_, i) => host(i)) // prettier-ignore

describe('requests', () => {
  const LIMITS = { limits: limitsOf({ requests: 160, requestsPerPeer: 1_000 }) }

  it('of many identities in one range of addresses have the share of one peer, and another range has its own', () => {
    const core = new Core(LIMITS)
    expect(fill(core, connected(core, ...times(20, (i) => `203.0.113.${i}`)))).toBe(65)
    expect(fill(core, connected(core, '198.51.100.1'))).toBe(33)
  })

  it.each([
    ['on this machine', '127.0.0.1'],
    ['in a private network', '10.0.0.1'],
  ])('of peers %s are each for themselves', (_, host) => {
    const core = new Core(LIMITS)
    expect(fill(core, connected(core, host, host))).toBe(98)
  })

  it('leave nothing of a range when its peers are gone', () => {
    const core = new Core(LIMITS)
    for (const peer of connected(core, '203.0.113.1', '203.0.113.2')) accountOf(core.state, peer)
    expect(core.state.budget.ranges.size).toBe(1)
    core.in({ type: 'connectionClosed', connection: 1 })
    expect([...core.state.budget.ranges.values()]).toMatchObject([{ accounts: 1 }])
    core.in({ type: 'connectionClosed', connection: 2 })
    expect([core.state.budget.ranges.size, core.state.budget.accounts.size]).toEqual([0, 0])
  })
})

describe('a peer whose handlers took long', () => {
  it('does not begin anew when it connects anew, and is forgotten in the end', () => {
    const core = new Core()
    const [peer] = connected(core, '203.0.113.1')
    accountOf(core.state, peer!)
    core.in({ type: 'handlerTook', peer: peer!, ms: 50 })
    core.in({ type: 'connectionClosed', connection: 1 })
    const { dearUntil } = accountOf(core.state, peer!)
    expect(dearUntil).toBeGreaterThan(core.now)
    core.connect(peer!, 7)
    expect(accountOf(core.state, peer!).dearUntil).toBe(dearUntil)
    core.in({ type: 'connectionClosed', connection: 7 })
    core.at(9_999)
    expect(core.state.budget.accounts.has(peer!)).toBe(true)
    core.at(20_000)
    core.in({ type: 'connectionClosed', connection: 7 })
    expect([core.state.budget.accounts.size, core.state.budget.gone.size]).toEqual([0, 0])
  })

  it('is remembered though they were not dear, if others of its range have had less', () => {
    const core = new Core()
    const [first, second] = connected(core, '203.0.113.1', '203.0.113.1')
    serve(core, first!, 3)
    serve(core, second!, 4)
    core.in({ type: 'connectionClosed', connection: 2 })
    expect(core.state.budget.accounts.has(second!)).toBe(true)
  })

  it('alone in its range owes what that has had, until as much time has passed in which nobody waited', () => {
    const core = new Core()
    const [peer] = connected(core, '203.0.113.1')
    serve(core, peer!, 3)
    serve(core, peer!, 0)
    expect(owes(core.state, accountOf(core.state, peer!))).toBe(true)
    core.at(5)
    expect(owes(core.state, accountOf(core.state, peer!))).toBe(false)
  })
})

function serve({ state }: Core, peer: string, ms: number): void {
  noteServed(state, accountOf(state, peer))
  addServed(state, accountOf(state, peer), ms)
}
