/** Members of the table that a lookup of ourselves does not ask: they are asked for our neighbours all the same. */
import { afterEach, expect, it } from '@jest/globals'
import type { PortEvent } from '../../../src/core/port.js'
import { RoutingTable } from '../../../src/libp2p/routing-table.js'
import { connect, startHost, stopHosts } from '../../support/hosts.js'

afterEach(stopHosts)

it('names a peer of which our lookups never hear, and it enters the table', async () => {
  const [{ host, gater }, { host: member }, { host: hidden }] = [
    await startHost(),
    await startHost(),
    await startHost(),
  ]
  const members = new Set<string>()
  const failures: string[] = []
  const emit = (event: PortEvent): void => {
    if (event.type === 'tableChanged' && event.addresses !== undefined) members.add(event.peer)
  }
  const table = new RoutingTable(host, gater, emit, (line) => failures.push(line))
  const knows = async (id: { toString(): string }, within: number): Promise<boolean> => {
    const deadline = performance.now() + within
    while (!members.has(id.toString()) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return members.has(id.toString())
  }
  // Every lookup ends in a clique of which neither of them is.
  host.services.kad.getClosestPeers = async function* () {}

  await connect(hidden, member)
  const [connection] = await connect(host, member)
  gater.connected(member.peerId.toString(), connection.remoteAddr.toString())
  expect(await knows(member.peerId, 5_000)).toBe(true)
  // The member has to have it in its own table first.
  for (let i = 0; i < 40 && !members.has(hidden.peerId.toString()); i++) {
    table.query()
    await knows(hidden.peerId, 100)
  }
  expect({ isKnown: members.has(hidden.peerId.toString()), failures }).toEqual({ isKnown: true, failures: [] })
}, 20_000)
