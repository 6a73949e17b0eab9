import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../src/core/events.js'
import { Core, KAD, shorts } from '../support/core.js'

const BOOT = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1/p2p/boot'] } }
const tick: Event = { type: 'tick' }

function table(peer: string, ...addresses: string[]): Event {
  return { type: 'tableChanged', peer, addresses }
}

function dialFailed(target: string): Event {
  return { type: 'dialFailed', target, failure: { message: 'refused' }, tried: [] }
}

describe('discovery', () => {
  it('is paused, and says so, when no peer is known', () => {
    const core = new Core()
    expect(core.all(tick)).toContainEqual({
      type: 'log',
      level: 'info',
      message: '☕ discovery paused: no peer is known',
    })
    expect(core.in(tick)).toEqual([])
  })

  it('asks the first peer at once, and then at each tick', () => {
    const core = new Core()
    expect(shorts(core.in(table('bob', '/ip4/10.0.0.1/tcp/1')))).toEqual(['tableQuery'])
    core.in({ type: 'tableQueried' })
    core.connect('bob')
    expect(shorts(core.in(tick))).toEqual(['tableQuery'])
  })

  it('does not begin a lookup while one is under way', () => {
    const core = new Core()
    core.in(table('bob', '/ip4/10.0.0.1/tcp/1'))
    core.connect('bob')
    expect(core.in(tick)).toEqual([])
    core.in({ type: 'tableQueried', failure: { message: 'no answer' } })
    expect(shorts(core.in(tick))).toEqual(['tableQuery'])
  })

  it('tries a boot node again at each tick until it is connected, and says that it is down', () => {
    const core = new Core(BOOT)
    expect(core.in(tick)).toEqual([{ type: 'dial', target: 'boot', addresses: BOOT.bootNodes.boot }])
    const down = core.all(dialFailed('boot')).find((effect) => effect.type === 'log')
    expect(down).toMatchObject({ level: 'warn', message: expect.stringContaining('boot node boot is down') as unknown })
    expect(shorts(core.in(tick))).toEqual(['dial boot'])
    core.connect('boot')
    expect(core.in(tick)).toEqual([])
  })

  it('does not dial ourselves when we are among the boot nodes', () => {
    expect(new Core({ bootNodes: { self: ['/ip4/10.0.0.9/tcp/1/p2p/self'] } }).in(tick)).toEqual([])
  })

  it('puts what a peer of the DHT says of itself into the table', () => {
    const core = new Core()
    core.connect('bob')
    const identified = (protocols: string[], addresses: string[]): Event => ({
      type: 'identified',
      connection: 1,
      peer: 'bob',
      protocols,
      addresses,
      agent: 'x',
    })
    expect(core.in(identified([KAD], ['/ip4/10.0.0.1/tcp/1']))).toEqual([
      { type: 'tableAdd', peer: 'bob', addresses: ['/ip4/10.0.0.1/tcp/1'] },
    ])
    expect(core.in(identified([KAD], []))).toEqual([])
    expect(core.in(identified(['/other/1.0.0'], ['/ip4/10.0.0.1/tcp/1']))).toEqual([])
  })

  it('probes members of the table that are not connected, and removes who cannot be dialled', () => {
    const core = new Core()
    core.in(table('bob', '/ip4/10.0.0.1/tcp/1'), table('carol', '/ip4/10.0.0.2/tcp/1'), { type: 'tableQueried' })
    core.connect('carol')
    expect(shorts(core.in(tick))).toEqual(['tableQuery', 'dial bob'])
    expect(shorts(core.in(dialFailed('bob')))).toEqual(['tableRemove bob'])
    core.in({ type: 'tableChanged', peer: 'bob', addresses: undefined })
    expect([...core.state.known.keys()]).toEqual(['carol'])
    expect(core.in(tick)).toEqual([])
  })

  it('probes a bounded number at each tick, and all of them in turn', () => {
    const core = new Core({ maxProbes: 3, maxParallelProbes: 3 })
    const peers = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    core.in(...peers.map((peer, i) => table(peer, `/ip4/10.0.0.${i}/tcp/1`)))
    const probed = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const dials = core.in(tick).filter((effect) => effect.type === 'dial')
      expect(dials.length).toBeLessThanOrEqual(3)
      for (const dial of dials) probed.add(dial.target)
      core.state.dials.clear()
      core.state.probing.clear()
    }
    expect([...probed].sort()).toEqual(peers)
  })

  it('has few probes under way at once, and goes on when one is over', () => {
    const core = new Core({ maxParallelProbes: 2 })
    core.in(...['a', 'b', 'c', 'd'].map((peer, i) => table(peer, `/ip4/10.0.0.${i}/tcp/1`)), { type: 'tableQueried' })
    expect(shorts(core.in(tick))).toEqual(['tableQuery', 'dial a', 'dial b'])
    expect(shorts(core.connect('a'))).toEqual(['dial c'])
    expect(shorts(core.in(dialFailed('b')))).toEqual(['tableRemove b', 'dial d'])
    expect(core.in(dialFailed('c')).filter(({ type }) => type === 'dial')).toEqual([])
  })

  it('knows nobody who has no address', () => {
    const core = new Core()
    core.in(table('bob'))
    expect(core.state.known.size).toBe(0)
  })
})
