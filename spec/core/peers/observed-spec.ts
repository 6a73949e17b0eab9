import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { Core, KAD, shorts } from '../../support/core.js'

const OURS = '/ip4/51.9.0.1/tcp/4001'
const HOUR = 3_600_000

let connections = 0

/** The peer, from this address, says that it has reached us at `observed`. */
function sees(core: Core, peer: string, from: string, observed: string | undefined): Effect[] {
  const connection = ++connections
  core.in({ type: 'connectionOpened', connection, peer, address: from, inbound: true })
  const effects = core.in({
    type: 'identified',
    connection,
    peer,
    protocols: [KAD],
    addresses: [],
    agent: 'x',
    ...(observed !== undefined && { observed }),
  })
  return effects.filter(({ type }) => type === 'announceObserved')
}

function leave(core: Core): void {
  for (const connection of core.state.connections.all.keys()) core.in({ type: 'connectionClosed', connection })
}

function confirmed(core: Core): Effect[] {
  sees(core, 'bob', '/ip4/51.1.0.1/tcp/5', OURS)
  sees(core, 'carol', '/ip4/51.2.0.1/tcp/5', OURS)
  return sees(core, 'dave', '/ip6/2a00:1::1/tcp/5', OURS)
}

const HERE = '/ip4/192.168.1.2/tcp/4001'

/** The port reports these addresses. */
function listening(core: Core, ...addresses: string[]): Effect[] {
  return core.in({ type: 'listening', addresses }).filter(({ type }) => type === 'announceObserved')
}

/** It listens there, others have confirmed our address, and the port has it too. */
function announcing(core: Core, ...addresses: string[]): Core {
  listening(core, ...addresses)
  confirmed(core)
  listening(core, ...addresses, OURS)
  return core
}

const announced = (...addresses: string[]): Effect[] => [{ type: 'announceObserved', addresses }]

describe('an address of ours that others have observed', () => {
  it('is announced when three peers at three sites have named it', () => {
    const core = new Core()
    expect(sees(core, 'bob', '/ip4/51.1.0.1/tcp/5', OURS)).toEqual([])
    expect(sees(core, 'carol', '/ip4/51.2.0.1/tcp/5', OURS)).toEqual([])
    expect(sees(core, 'dave', '/ip4/51.3.0.1/tcp/5', OURS)).toEqual(announced(OURS))
  })

  it('is nothing to us when one site names it, whatever peers it says it has', () => {
    const core = new Core()
    for (let i = 0; i < 300; i++) expect(sees(core, `liar ${i}`, `/ip4/51.1.0.${i % 250}/tcp/${i}`, OURS)).toEqual([])
  })

  it('is nothing to us when one customer of IPv6 names it, who has 65,536 networks', () => {
    const core = new Core()
    for (let i = 0; i < 300; i++) {
      expect(sees(core, `liar ${i}`, `/ip6/2a00:1:2:${i}::1/tcp/5`, OURS)).toEqual([])
      expect(sees(core, `neighbour ${i}`, `/ip6/fd00::${i}/tcp/5`, OURS)).toEqual([])
    }
    expect(core.state.observed.observations.size).toBe(2)
  })

  it('stays while those who have named it are connected, whatever hundreds of others name', () => {
    const core = new Core({ stayConnected: 30, limits: limitsOf({ connections: 1_000 }) })
    confirmed(core)
    for (let i = 0; i < 600; i++) {
      const from = `/ip4/${60 + (i % 100)}.${Math.floor(i / 100)}.0.1/tcp/5`
      const effects = sees(core, `liar ${i}`, from, `/ip4/51.8.0.1/tcp/${i}`)
      expect(effects.filter((effect) => effect.type === 'announceObserved')).toEqual([])
    }
    expect(core.state.observed.observations.size).toBe(256)
    // Those who come next are not heard, but for one that we have dialled.
    core.in({
      type: 'connectionOpened',
      connection: 99_999,
      peer: 'eve',
      address: '/ip4/51.6.0.1/tcp/5',
      inbound: false,
    })
    core.in({ type: 'identified', connection: 99_999, peer: 'eve', protocols: [KAD], addresses: [], agent: 'x' })
    sees(core, 'eve', '/ip4/51.6.0.1/tcp/6', OURS)
    expect([...core.state.observed.observations.values()].map(({ peer }) => peer)).toContain('eve')
  })

  it('stays when a liar comes from the network of one who has named it', () => {
    const core = new Core({ stayConnected: 30 })
    confirmed(core)
    expect(sees(core, 'liar', '/ip4/51.1.0.9/tcp/5', '/ip4/51.8.0.1/tcp/1')).toEqual([])
    for (const [id, { peer }] of core.state.connections.all)
      if (peer === 'bob') core.in({ type: 'connectionClosed', connection: id })
    expect(sees(core, 'liar', '/ip4/51.1.0.9/tcp/5', '/ip4/51.8.0.1/tcp/1')).toEqual(announced())
  })

  it('is nothing to us when one peer names it, however many sites it has', () => {
    const core = new Core()
    for (let i = 0; i < 300; i++) expect(sees(core, 'liar', `/ip4/51.${i % 250}.0.1/tcp/5`, OURS)).toEqual([])
  })

  it('stays when a liar names others, and only the last word of a site counts', () => {
    const core = new Core()
    confirmed(core)
    for (let i = 0; i < 1_000; i++) {
      expect(sees(core, `liar ${i}`, '/ip4/51.7.0.1/tcp/5', `/ip4/51.8.0.1/tcp/${i}`)).toEqual([])
    }
    expect(core.state.observed.observations.size).toBe(4)
    expect(sees(core, 'bob', '/ip4/51.1.0.1/tcp/5', '/ip4/51.8.0.1/tcp/1')).toEqual(announced())
  })

  it('counts for an hour, and while those who have named it are connected', () => {
    const core = new Core({ stayConnected: 30 })
    confirmed(core)
    expect(core.at(HOUR).filter(({ type }) => type === 'announceObserved')).toEqual([])
    leave(core)
    expect(core.at(2 * HOUR).filter(({ type }) => type === 'announceObserved')).toEqual(announced())
    expect(core.state.observed.observations.size).toBe(0)
  })

  it('counts for an hour after those who have named it have left, whenever that is', () => {
    const core = new Core({ stayConnected: 30 })
    confirmed(core)
    core.now = HOUR - 60_000
    leave(core)
    expect(core.at(2 * HOUR - 60_001).filter(({ type }) => type === 'announceObserved')).toEqual([])
    expect(core.at(2 * HOUR - 60_000).filter(({ type }) => type === 'announceObserved')).toEqual(announced())
    expect(core.state.observed.nextExpiry).toBe(Infinity)
  })

  it('says nothing of another network, when it comes and when it goes: who names it could send us there all the time', () => {
    const core = new Core({ stayConnected: 30, pingInterval: 1e9 })
    listening(core, HERE)
    core.at(1_000)
    confirmed(core)
    expect(core.in({ type: 'listening', addresses: [HERE, OURS] })).toEqual([])
    expect(core.in({ type: 'listening', addresses: [HERE] })).toEqual([])
    expect(core.state.waking.nextRound).toBe(Infinity)
    // The network has changed, whatever our addresses are.
    expect(shorts(core.in({ type: 'listening', addresses: [HERE] }))).toHaveLength(3)
  })

  it('is one that we listen on if we had it before: we are in another network when it goes', () => {
    const core = new Core({ stayConnected: 30, pingInterval: 1e9 })
    listening(core, HERE, OURS)
    confirmed(core)
    expect(shorts(core.in({ type: 'listening', addresses: [HERE] }))).toHaveLength(3)
  })

  it('is not ours any more when we are in another network', () => {
    const core = new Core()
    listening(core, HERE)
    confirmed(core)
    expect(listening(core, HERE, OURS)).toEqual([])
    // What was seen over connections that have ended before goes with the last of those that name it.
    const [first, ...others] = core.state.connections.all.keys()
    core.in({ type: 'connectionClosed', connection: first! })
    const effects = core.in(
      ...others.map((connection) => ({ type: 'connectionClosed', connection, moved: true }) as const),
    )
    expect(effects).toContainEqual(announced()[0])
    expect(core.state.observed.observations.size).toBe(0)
    expect(listening(core, '/ip4/192.168.9.2/tcp/4001', OURS)).toEqual([])
  })

  it('is not ours any more when an address has gone and nobody names it who is connected', () => {
    const core = announcing(new Core(), HERE)
    leave(core)
    expect(listening(core, '/ip4/192.168.9.2/tcp/4001', OURS)).toEqual(announced())
  })

  it('stays when another address goes and those who have named it are connected', () => {
    const bridge = '/ip4/172.17.0.1/tcp/4001'
    const core = announcing(new Core({ stayConnected: 30 }), HERE, bridge)
    expect(listening(core, HERE, OURS)).toEqual([])
    expect(core.state.observed.observations.size).toBe(3)
  })

  it('takes no other with it when it goes: it was never one that we listen on', () => {
    const core = announcing(new Core(), HERE)
    leave(core)
    // The router has another address now.
    const other = '/ip4/51.9.0.9/tcp/4001'
    expect(sees(core, 'bob', '/ip4/51.1.0.1/tcp/5', other)).toEqual(announced())
    listening(core, HERE)
    expect(core.state.observed.observations.size).toBe(3)
    sees(core, 'carol', '/ip4/51.2.0.1/tcp/5', other)
    expect(sees(core, 'dave', '/ip6/2a00:1::1/tcp/5', other)).toEqual(announced(other))
  })

  it.each([
    ['a loopback address', '/ip4/127.0.0.1/tcp/4001'],
    ['no address', '/ip4/0.0.0.0/tcp/4001'],
    ['an address of inside, from outside', '/ip4/192.168.1.1/tcp/4001'],
  ])('is not %s', (_, address) => {
    const core = new Core()
    for (let i = 0; i < 5; i++) expect(sees(core, `peer ${i}`, `/ip4/51.${i}.0.1/tcp/5`, address)).toEqual([])
  })

  it('may be one of inside when it is neighbours that name it, each a site of its own', () => {
    const core = new Core()
    const address = '/ip4/192.168.1.1/tcp/4001'
    sees(core, 'bob', '/ip4/192.168.1.2/tcp/5', address)
    sees(core, 'carol', '/ip4/192.168.1.3/tcp/5', address)
    expect(sees(core, 'dave', '/ip4/192.168.1.4/tcp/5', address)).toEqual(announced(address))
  })

  it('is not looked for when the config says what to announce', () => {
    expect(confirmed(new Core({ announce: ['/ip4/51.9.0.9/tcp/1'] }))).toEqual([])
  })
})
