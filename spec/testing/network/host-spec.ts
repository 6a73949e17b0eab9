/** One host: where it listens, its connections, identify, and pings. */
import { describe, expect, it, jest } from '@jest/globals'
import { dial, pair, Lab, type Member } from './lab.js'

describe('a host', () => {
  it('has an address of its own, and the ports that it is told', () => {
    const lab = new Lab()
    const a = lab.member()
    expect(a.address).toBe('/ip4/10.0.0.1/tcp/4001')
    const listen = (...addresses: string[]) => a.run({ type: 'listen', addresses })
    listen('/ip4/0.0.0.0/tcp/9000', '/ip4/127.0.0.1/tcp/0', '/ip4/192.0.2.1/tcp/80')
    expect(a.last('listening').addresses).toEqual(['/ip4/10.0.0.1/tcp/9000', '/ip4/127.0.0.1/tcp/10001', '/ip4/192.0.2.1/tcp/80']) // prettier-ignore
    listen('/ip4/192.0.2.1/tcp/80')
    expect(a.last('listenFailed').failure.message).toMatch(/192.0.2.1\/tcp\/80 \(address in use\)/)
  })

  it('tells of what it announces in place of what it listens on, and is reached at both', () => {
    const [lab, a, b] = pair()
    const announce = ['/ip4/203.0.113.7/tcp/1']
    b.run({ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/5000'], announce })
    expect(b.last('listening').addresses).toEqual(announce)
    for (const [index, address] of [...announce, '/ip4/10.0.0.2/tcp/5000'].entries()) {
      dial(a, b.peerId, address)
      lab.run(1_000)
      expect(a.last('identified').addresses).toEqual(announce)
      a.run({ type: 'closeConnection', connection: index + 1, reason: 'enough' })
      lab.run(1_000)
    }
    expect(a.heard('dialled')).toHaveLength(2)
  })

  it('reaches another in four legs; the other one has the connection after five', () => {
    const [lab, a, b] = pair({ latency: 25 })
    dial(a, b.peerId, b.address)
    lab.run(1_000)
    expect(b.last('connectionOpened')).toMatchObject({ peer: 'peer1', inbound: true, at: 125 })
    expect(a.last('connectionOpened')).toMatchObject({ peer: 'peer2', address: b.address, inbound: false, at: 100 })
    expect(a.last('dialled')).toMatchObject({ target: 'peer2', peer: 'peer2', connection: 1, at: 100 })
    expect([a.last('identified').at, b.last('identified').at]).toEqual([100, 125])
    expect(a.last('identified')).toMatchObject({ peer: 'peer2', addresses: [b.address] })
    expect(a.last('identified').protocols).toContain('/spec/1')
  })

  it('makes one connection of several dials of one peer, and finds it there later', () => {
    const [lab, a, b] = pair()
    for (let i = 0; i < 3; i++) dial(a, b.peerId, b.address)
    lab.run(1_000)
    dial(a, b.peerId)
    lab.run(1_000)
    expect(a.heard('connectionOpened')).toHaveLength(1)
    expect(a.heard('dialled')).toHaveLength(4)
  })

  it('does not wait for a lookup when somebody has an address', () => {
    const lab = new Lab({ latency: 10 })
    const [a, b, c] = lab.membersOf(3) as [Member, Member, Member]
    lab.connect(a, c)
    a.run({ type: 'tableAdd', peer: c.peerId, addresses: [c.address] })
    lab.wire.slow(a.peerId, c.peerId, 4_000)
    const started = lab.now
    dial(a, b.peerId)
    lab.run(100)
    dial(a, b.peerId, b.address)
    lab.run(20_000)
    expect(a.heard('dialled').slice(1).map(({ at }) => at - started)).toEqual([140, 140]) // prettier-ignore
    expect(b.heard('connectionOpened')).toHaveLength(1)
  })

  it('makes two when both dial at once, as real ones do', () => {
    const [lab, a, b] = pair()
    dial(a, b.peerId, b.address)
    dial(b, a.peerId, a.address)
    lab.run(1_000)
    expect([a, b].map((member) => member.heard('connectionOpened').length)).toEqual([2, 2])
  })

  it('closes a connection on both sides', () => {
    const [lab, a, b] = pair()
    lab.connect(a, b)
    const started = lab.now
    b.run({ type: 'closeConnection', connection: 1, reason: '' })
    b.run({ type: 'closeConnection', connection: 1, reason: '' })
    b.run({ type: 'closeConnection', connection: 9, reason: '' })
    lab.run(1_000)
    const [there, here] = [a, b].map((member) => member.heard('connectionClosed').map(({ at }) => at - started))
    expect(here).toEqual([0])
    expect(there).toHaveLength(1)
    // Its streams end first.
    expect(there![0]).toBeGreaterThanOrEqual(10)
    expect(there![0]).toBeLessThan(15)
  })

  it('is told of no more once it is stopped or has crashed; its peers hear the end', () => {
    for (const end of ['stop', 'crash'] as const) {
      const [lab, a, b] = pair()
      lab.connect(a, b)
      if (end === 'stop') b.run({ type: 'stop' })
      else b.host.crash()
      const before = b.events.length
      lab.run(60_000)
      expect(b.events.length).toBe(before)
      expect(b.events.at(-1)!.type === 'stopped').toBe(end === 'stop')
      expect(a.heard('connectionClosed')).toHaveLength(1)
      dial(a, 'peer2', '/ip4/10.0.0.2/tcp/4001')
      lab.run(1_000)
      expect(a.last('dialFailed').failure.message).toMatch(/connection refused/)
    }
  })

  it('takes loopback addresses of others when they come over loopback only', () => {
    const lab = new Lab()
    const [a, b] = [lab.member(), lab.member()]
    b.run({ type: 'listen', addresses: ['/ip4/127.0.0.1/tcp/5000', '/ip4/10.0.0.2/tcp/5001'] })
    dial(a, b.peerId, '/ip4/10.0.0.2/tcp/5001')
    lab.run(1_000)
    expect(a.last('identified').addresses).toEqual(['/ip4/10.0.0.2/tcp/5001'])
    a.run({ type: 'closeConnection', connection: 1, reason: '' })
    lab.run(1_000)
    dial(a, b.peerId, '/ip4/127.0.0.1/tcp/5000')
    lab.run(1_000)
    expect(a.last('identified').addresses).toEqual(['/ip4/127.0.0.1/tcp/5000', '/ip4/10.0.0.2/tcp/5001'])
  })
})

describe('a ping', () => {
  it('measures the round trip, over a slow link too', () => {
    const [lab, a, b] = pair({ latency: 20 })
    lab.connect(a, b)
    const ping = () => a.run({ type: 'ping', connection: 1, timeout: 5_000, longest: 5_000 })
    ping()
    lab.run(10_000)
    lab.wire.slow('peer1', 'peer2', 100)
    ping()
    lab.run(10_000)
    expect(a.heard('pinged').map(({ rtt }) => rtt)).toEqual([40, 240])
    expect(a.heard('pingFailed')).toEqual([])
  })

  it('has more time while our own bytes are ahead of it, and hears a large packet before it is whole', () => {
    const [lab, a, b] = pair()
    lab.connect(a, b)
    lab.wire.limit('peer1', 'peer2', 25_000)
    const [ours] = lab.stream(a, b, 1)
    const started = lab.now
    a.run({ type: 'write', stream: ours, chunks: [new Uint8Array(100_000)], end: false })
    for (const member of [a, b]) member.run({ type: 'ping', connection: 1, timeout: 1_000, longest: 20_000 })
    lab.run(30_000)
    expect(a.heard('pingFailed')).toEqual([])
    expect(a.last('pinged').at).toBeGreaterThan(started + 4_000)
    // Its answer waits behind all that, of which something comes all the time.
    expect(b.last('pingFailed').heard).toBe(true)
    expect(b.last('pingFailed').at).toBeLessThan(started + 1_100)
  })

  it('fails when no answer comes in time, and the answer that comes later is none', () => {
    const [lab, a, b] = pair()
    lab.connect(a, b)
    lab.wire.partition([['peer1']])
    const started = lab.now
    a.run({ type: 'ping', connection: 1, timeout: 5_000, longest: 5_000 })
    a.run({ type: 'ping', connection: 9, timeout: 5_000, longest: 5_000 })
    lab.run(6_000)
    expect(a.last('pingFailed')).toMatchObject({ connection: 1, at: started + 5_000 })
    lab.wire.heal()
    lab.run(6_000)
    expect(a.heard('pinged')).toEqual([])
  })

  /** When gossip leaves the connection of this test, if it does, when the test is over, and how long it was to be: in tenths of a second. */
  function tested(
    times: { timeout: number; longest: number; avoidAfter?: number },
    frozen = 0,
  ): (number | undefined)[] {
    const [lab, a, b] = pair()
    lab.connect(a, b)
    const { pubsub } = a.host as unknown as { pubsub: { onMoved(peer: string): void } }
    let left: number | undefined
    jest.spyOn(pubsub, 'onMoved').mockImplementation(() => void (left = lab.now - started))
    lab.wire.partition([['peer1']])
    const started = lab.now
    a.run({ type: 'ping', connection: 1, ...times })
    if (frozen > 0) a.host.freeze()
    lab.run(frozen)
    if (frozen > 0) a.host.thaw(0)
    lab.run(30_000)
    const failed = a.last('pingFailed')
    const within = Number(/^no answer within (\d+) ms$/.exec(failed.failure.message)?.[1])
    // What was sent just before has some milliseconds too.
    return [left, failed.at - started, within].map((time) => time && Math.floor(time / 100))
  }

  it('that is a test lets gossip leave first, also where it may last as long as any', () => {
    expect(tested({ timeout: 2_000, longest: 20_000, avoidAfter: 1_000 })).toEqual([10, 20, 20])
    expect(tested({ timeout: 1_500, longest: 1_500, avoidAfter: 1_000 })).toEqual([10, 15, 15])
    expect(tested({ timeout: 1_000, longest: 20_000 })).toEqual([undefined, 10, 10])
  })

  it('is over a moment after a freeze, and says how long it was to be', () => {
    expect(tested({ timeout: 2_000, longest: 20_000, avoidAfter: 1_000 }, 5_100)).toEqual([52, 52, 20])
  })
})
