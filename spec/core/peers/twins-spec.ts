import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import { Core, KAD, shorts, V1 } from '../../support/core.js'
import { frame, hello, join, SESSION } from '../../support/session.js'
import { snapshot } from '../../../src/core/explain/status.js'
import type { Settings } from '../../../src/core/settings.js'
import { onTwinTold, twinsThere } from '../../../src/core/peers/twins.js'

const HERE = '/ip4/51.1.0.1/tcp/4001'
const THERE = '/ip4/51.2.0.1/tcp/4001'

/** Bob is connected, and says where he is. */
function connected(core: Core, connection: number, addresses: string[]): Effect[] {
  core.connect('bob', connection)
  return core.in({ type: 'identified', connection, peer: 'bob', protocols: [KAD], addresses, agent: 'x' })
}

function pong(core: Core, ...connections: number[]): Effect[] {
  return core.in(...connections.map((connection) => ({ type: 'pinged', connection, rtt: 1 }) as const))
}

const silence = (connection: number) =>
  ({ type: 'pingFailed', connection, failure: { message: 'no answer' }, heard: false }) as const

/** Bob is there twice, at these addresses, and the older connection has answered the ping that the newer one led to. */
function twice(one: string[], other: string[], settings: Partial<Settings> = {}): Core {
  const core = new Core({ stayConnected: 30, ...settings })
  connected(core, 1, one)
  pong(core, 1)
  core.now = 10
  connected(core, 2, other)
  pong(core, 1, 2)
  return core
}

describe('two nodes with one secret', () => {
  it('are noticed when both answer for five seconds', () => {
    const core = twice([HERE], [THERE])
    expect(core.at(5_009)).toEqual([])
    expect(shorts(core.at(5_010))).toEqual(['ping 1', 'ping 2'])
    pong(core, 1, 2)
    core.now = 6_010
    const warnings = core.all({ type: 'woken' }).filter((effect) => effect.type === 'log' && effect.level === 'warn')
    expect(warnings).toMatchObject([{ message: expect.stringContaining(`at ${HERE} and at ${THERE}`) as unknown }])
    expect(core.state.twins.found.get('bob')!.places).toEqual([HERE, THERE])
  })

  it('are noticed once', () => {
    const core = twice([HERE], [THERE])
    core.at(5_010)
    pong(core, 1, 2)
    core.at(6_010)
    core.in({ type: 'identified', connection: 2, peer: 'bob', protocols: [KAD], addresses: [THERE], agent: 'x' })
    expect(core.state.twins.suspects.size).toBe(0)
    expect(core.state.twins.nextLook).toBe(6_010 + 1_800_000)
  })

  it('hear it from a peer: once, and not of an address of their own', () => {
    const core = new Core()
    core.in({ type: 'listening', addresses: [HERE] })
    const out: Effect[] = []
    for (const address of [HERE, THERE, THERE]) onTwinTold(core.state, out, 'carol', address)
    expect(out.filter(({ type }) => type === 'log')).toHaveLength(1)
    expect(snapshot(core.state).twins).toEqual([THERE])
  })

  it('hear one address of each site, the last one, for an hour', () => {
    const core = new Core()
    const out: Effect[] = []
    const warnings = (): number => out.filter(({ type }) => type === 'log').length
    ;['liar', 'its friend'].forEach((peer, i) => {
      core.in({ type: 'connectionOpened', connection: i + 1, peer, address: `/ip4/66.1.0.${i}/tcp/1`, inbound: true })
      for (let port = 0; port < 100; port++) onTwinTold(core.state, out, peer, `/ip4/51.3.0.${i}/tcp/${port}`)
    })
    onTwinTold(core.state, out, 'honest', THERE)
    expect(snapshot(core.state).twins).toEqual(['/ip4/51.3.0.1/tcp/99', THERE])
    expect(warnings()).toBe(2)
    for (let i = 0; i < 20; i++) onTwinTold(core.state, out, `peer ${i}`, `/ip4/51.4.0.${i}/tcp/1`)
    expect(snapshot(core.state).twins).toHaveLength(8)
    expect(snapshot(core.state).twins).toContain('/ip4/51.4.0.19/tcp/1')
    core.at(3_600_000)
    expect(snapshot(core.state).twins).toBeUndefined()
    onTwinTold(core.state, out, 'honest', THERE)
    expect(snapshot(core.state).twins).toEqual([THERE])
  })

  /** These answer: over which connections the two were told of each other last. */
  function toldOver(core: Core, ...connections: number[]): number[] | undefined {
    pong(core, ...connections)
    core.at(core.now + 1_000)
    return core.state.twins.found.get('bob')?.links
  }

  it('are told again after half an hour while they are there, and one that was restarted at once', () => {
    const core = twice([HERE], [THERE], { pingInterval: 1e9 })
    expect(shorts(core.at(5_010))).toEqual(['ping 1', 'ping 2'])
    expect(toldOver(core, 1, 2)).toEqual([1, 2])
    // The one is restarted.
    core.in({ type: 'connectionClosed', connection: 2 })
    connected(core, 3, [THERE])
    pong(core, 1, 3)
    expect(shorts(core.at(core.now + 5_000))).toEqual(['ping 1', 'ping 3'])
    expect(toldOver(core, 1, 3)).toEqual([1, 3])
    const until = core.state.twins.found.get('bob')!.until
    expect(shorts(core.at(core.now + 1_800_000)).filter((line) => line.startsWith('ping'))).toEqual([
      'ping 1',
      'ping 3',
    ])
    expect(toldOver(core, 1, 3)).toEqual([1, 3])
    expect(core.state.twins.found.get('bob')!.until).toBeGreaterThan(until)
    // And once it is not so any more, it is forgotten.
    core.in({ type: 'connectionClosed', connection: 3 })
    core.at(core.now + 1_800_000)
    expect(core.state.twins.found.size).toBe(0)
    expect(core.state.twins.nextLook).toBe(Infinity)
  })
})

describe('the explanation of two nodes with one secret', () => {
  it('names them while both are connected', () => {
    const core = twice([HERE], [THERE])
    core.at(5_010)
    pong(core, 1, 2)
    core.at(6_010)
    expect(twinsThere(core.state, 'bob')?.places).toEqual([HERE, THERE])
    core.in({ type: 'connectionClosed', connection: 2 })
    expect(twinsThere(core.state, 'bob')).toBeUndefined()
    expect(twinsThere(core.state, 'carol')).toBeUndefined()
  })
})

describe('two nodes with one secret that say the same address of themselves', () => {
  const CONTAINER = '/ip4/172.17.0.2/tcp/4001'
  const FROM = ['/ip4/51.1.0.1/tcp/50001', '/ip4/51.2.0.1/tcp/50002'] as const
  const warnings = (effects: Effect[]): string[] =>
    effects.flatMap((effect) => (effect.type === 'log' && effect.level === 'warn' ? [effect.message] : []))

  /** Bob has come twice. */
  function arrived(protocols = [KAD, SESSION], addresses = [CONTAINER, CONTAINER]): Core {
    const core = new Core({ stayConnected: 30, protocols: [SESSION, V1], pingInterval: 1e9 })
    for (const [i, address] of FROM.entries()) {
      const connection = i + 1
      core.in(
        { type: 'connectionOpened', connection, peer: 'bob', address, inbound: true },
        { type: 'identified', connection, peer: 'bob', protocols, addresses: [addresses[i]!], agent: 'x' },
      )
      pong(core, ...new Set([1, connection]))
    }
    return core
  }

  /** Both answer the pings, and their HELLOs say this. */
  function answer(core: Core, ...hellos: Record<number, number>[]): string[] {
    pong(core, 1, 2)
    for (const [i, pairs] of hellos.entries()) {
      const stream = 2 * i + 1
      core.in({ type: 'streamOpened', stream, protocol: SESSION })
      core.in({ type: 'data', stream, chunks: [hello({ 0: 1, ...pairs })] })
    }
    core.now = 6_000
    return warnings(core.all({ type: 'woken' }))
  }

  const ASKED = ['ping 1', 'ping 2', 'open 1 on 1', 'open 3 on 2']

  it('are noticed by the number of their start, and told where the other one comes from', () => {
    const core = arrived()
    expect(shorts(core.at(5_000))).toEqual(ASKED)
    expect(answer(core, { 4: 7 }, { 4: 8 })).toEqual([
      expect.stringContaining(`as bob, at ${FROM[0]} and at ${FROM[1]}`) as unknown,
    ])
    expect(core.state.twins.found.get('bob')!.places).toEqual(FROM)
    // Again, from other ports.
    core.in({ type: 'connectionClosed', connection: 2 })
    core.in(
      { type: 'connectionOpened', connection: 3, peer: 'bob', address: '/ip4/51.2.0.1/tcp/50003', inbound: true },
      { type: 'identified', connection: 3, peer: 'bob', protocols: [KAD, SESSION], addresses: [CONTAINER], agent: 'x' },
    )
    const [opened] = core.at(11_000).filter((effect) => effect.type === 'open')
    pong(core, 1, 3)
    core.in({ type: 'streamOpened', stream: opened!.stream, protocol: SESSION })
    core.in({ type: 'data', stream: opened!.stream, chunks: [hello({ 4: 9 })] })
    core.now = 12_000
    expect(warnings(core.all({ type: 'woken' }))).toEqual([])
    expect(core.state.twins.found.get('bob')!.links).toEqual([1, 3])
  })

  it('are noticed too among more connections, of which two are asked at a time', () => {
    const core = arrived()
    core.in(
      { type: 'connectionOpened', connection: 3, peer: 'bob', address: FROM[1], inbound: true },
      { type: 'identified', connection: 3, peer: 'bob', protocols: [KAD, SESSION], addresses: [CONTAINER], agent: 'x' },
    )
    const opened = (time: number): string[] => shorts(core.at(time)).filter((line) => line.startsWith('open'))
    expect(opened(5_000)).toEqual(['open 1 on 1', 'open 3 on 2'])
    expect(answer(core, { 4: 7 }, { 4: 7 })).toEqual([])
    expect(core.state.connections.all.get(3)!.asking).toMatchObject({ stream: 5 })
    pong(core, 3)
    core.in({ type: 'streamOpened', stream: 5, protocol: SESSION })
    core.in({ type: 'data', stream: 5, chunks: [hello({ 4: 8 })] })
    core.now = 7_000
    expect(warnings(core.all({ type: 'woken' }))).toHaveLength(1)
  })

  it('are noticed too when one of them is too old to say a number', () => {
    const core = arrived()
    core.at(5_000)
    expect(answer(core, { 4: 7 }, {})).toHaveLength(1)
  })

  it('are not noticed when both are too old', () => {
    const core = arrived()
    core.at(5_000)
    expect(answer(core, {}, {})).toEqual([])
    expect(core.state.twins.suspects.size).toBe(0)
    const older = arrived([KAD])
    expect(older.at(5_000)).toEqual([])
    expect(older.state.twins.suspects.size).toBe(0)
  })

  it('are one if they say the same number, also at different addresses', () => {
    const core = arrived()
    core.at(5_000)
    expect(answer(core, { 4: 7 }, { 4: 7 })).toEqual([])
    const moved = arrived(undefined, [HERE, THERE])
    expect(shorts(moved.at(5_000))).toEqual(ASKED)
    expect(answer(moved, { 4: 7 }, { 4: 7 })).toEqual([])
    expect(moved.state.twins.suspects.size).toBe(0)
  })

  it('are two at different addresses if neither says a number, or no HELLO comes', () => {
    const core = arrived(undefined, [HERE, THERE])
    core.at(5_000)
    expect(answer(core, {}, {})).toHaveLength(1)
    const silent = arrived(undefined, [HERE, THERE])
    silent.at(5_000)
    expect(answer(silent)).toEqual([])
    silent.at(7_000)
    silent.now = 8_000
    expect(warnings(silent.all({ type: 'woken' }))).toHaveLength(1)
  })

  it('are not waited for when no HELLO comes', () => {
    const core = arrived()
    core.at(5_000)
    pong(core, 1, 2)
    for (const time of [6_000, 7_000, 8_000]) expect(shorts(core.at(time))).toEqual([])
    expect(core.state.twins.suspects.size).toBe(0)
    expect(core.state.twins.found.size).toBe(0)
  })

  it('are none while one of them stops, and the other takes its place', () => {
    const core = arrived()
    core.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
    const stopping = 4
    core.in({ type: 'data', stream: 2, chunks: [join(hello({ 0: 7, 4: 7 }), frame(0x88, 1, stopping))] })
    expect(shorts(core.at(5_000)).filter((line) => /ping|open/.test(line))).toEqual([])
    expect(core.state.twins.suspects.size).toBe(0)
  })
})

describe('one node that is taken for nothing else', () => {
  const found = (core: Core): number => core.state.twins.found.size

  it('has two connections', () => {
    const core = twice([HERE, THERE], [THERE])
    expect(shorts(core.at(5_010))).toEqual([])
    expect(found(core)).toBe(0)
  })

  it('has another address now, and its old connection is dead', () => {
    const core = new Core({ stayConnected: 30 })
    connected(core, 1, [HERE])
    connected(core, 2, [THERE])
    core.now = 1_000
    core.in(silence(1))
    expect(shorts(core.at(5_000))).toEqual([])
    expect(found(core)).toBe(0)
    expect(core.state.twins.suspects.size).toBe(0)
  })

  it('was replaced by another process, which was late to end', () => {
    const core = twice([HERE], [THERE])
    core.now = 4_000
    core.in({ type: 'connectionClosed', connection: 1 })
    expect(shorts(core.at(5_010))).toEqual([])
    expect(found(core)).toBe(0)
  })

  it('was replaced, and its old process died without a word', () => {
    const core = twice([HERE], [THERE])
    core.at(5_010)
    pong(core, 2)
    core.at(6_010)
    expect(found(core)).toBe(0)
    core.in(silence(1))
    core.at(7_010)
    expect(found(core)).toBe(0)
    expect(core.state.twins.suspects.size).toBe(0)
  })

  it('tells over both connections that it has moved', () => {
    const core = twice([HERE], [THERE])
    core.in({ type: 'identified', connection: 1, peer: 'bob', protocols: [KAD], addresses: [THERE], agent: 'x' })
    expect(shorts(core.at(5_010))).toEqual([])
    expect(found(core)).toBe(0)
  })
})
