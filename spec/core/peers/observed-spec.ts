import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import { Core, KAD } from '../../support/core.js'

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

const announced = (...addresses: string[]): Effect[] => [{ type: 'announceObserved', addresses }]

describe('an address of ours that others have observed', () => {
  it('is announced when three peers on three hosts have named it', () => {
    const core = new Core()
    expect(sees(core, 'bob', '/ip4/51.1.0.1/tcp/5', OURS)).toEqual([])
    expect(sees(core, 'carol', '/ip4/51.2.0.1/tcp/5', OURS)).toEqual([])
    expect(sees(core, 'dave', '/ip4/51.3.0.1/tcp/5', OURS)).toEqual(announced(OURS))
  })

  it('is nothing to us when one host names it, whatever peers it says it has', () => {
    const core = new Core()
    for (let i = 0; i < 300; i++) expect(sees(core, `liar ${i}`, `/ip4/51.1.0.${i % 250}/tcp/${i}`, OURS)).toEqual([])
  })

  it('is nothing to us when one peer names it, however many hosts it has', () => {
    const core = new Core()
    for (let i = 0; i < 300; i++) expect(sees(core, 'liar', `/ip4/51.${i % 250}.0.1/tcp/5`, OURS)).toEqual([])
  })

  it('stays when a liar names others, and only the last word of a host counts', () => {
    const core = new Core()
    confirmed(core)
    for (let i = 0; i < 1_000; i++) {
      expect(sees(core, `liar ${i}`, '/ip4/51.7.0.1/tcp/5', `/ip4/51.8.0.1/tcp/${i}`)).toEqual([])
    }
    expect(core.state.observed.words.size).toBe(4)
    expect(sees(core, 'bob', '/ip4/51.1.0.1/tcp/5', '/ip4/51.8.0.1/tcp/1')).toEqual(announced())
  })

  it('counts for an hour, and while those who have named it are connected', () => {
    const core = new Core({ stayConnected: 30 })
    confirmed(core)
    expect(core.at(HOUR).filter(({ type }) => type === 'announceObserved')).toEqual([])
    leave(core)
    expect(core.at(2 * HOUR).filter(({ type }) => type === 'announceObserved')).toEqual(announced())
    expect(core.state.observed.words.size).toBe(0)
  })

  it('is not ours any more when an address of ours has gone', () => {
    const core = new Core()
    core.in({ type: 'listening', addresses: ['/ip4/192.168.1.2/tcp/4001'] })
    confirmed(core)
    expect(core.in({ type: 'listening', addresses: ['/ip4/192.168.1.2/tcp/4001', OURS] })).not.toContainEqual(
      announced()[0],
    )
    expect(core.in({ type: 'listening', addresses: ['/ip4/192.168.9.2/tcp/4001', OURS] })).toContainEqual(
      announced()[0],
    )
  })

  it.each([
    ['a loopback address', '/ip4/127.0.0.1/tcp/4001'],
    ['no address', '/ip4/0.0.0.0/tcp/4001'],
    ['an address of inside, from outside', '/ip4/192.168.1.1/tcp/4001'],
  ])('is not %s', (_, address) => {
    const core = new Core()
    for (let i = 0; i < 5; i++) expect(sees(core, `peer ${i}`, `/ip4/51.${i}.0.1/tcp/5`, address)).toEqual([])
  })

  it('may be one of inside when it is neighbours that name it, each a host of its own', () => {
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
