/** Dials that fail, and why: refused, unanswered, another peer than expected. */
import { describe, expect, it } from '@jest/globals'
import { dial, know, pair, Lab, type Member } from './lab.js'

describe('a dial that fails', () => {
  it('is refused after a round trip where nobody listens', () => {
    const [lab, a] = pair({ latency: 30 })
    dial(a, 'somebody', '/ip4/10.9.9.9/tcp/1')
    lab.run(10_000)
    expect(a.last('dialFailed')).toMatchObject({
      target: 'somebody',
      tried: [{ address: '/ip4/10.9.9.9/tcp/1', reason: 'connection refused' }],
      failure: { message: '/ip4/10.9.9.9/tcp/1: connection refused' },
      at: 60,
    })
  })

  it('has no answer within six seconds where the network is cut, or the dial vanishes', () => {
    const [lab, a, b] = pair()
    lab.wire.partition([['peer1']])
    dial(a, b.peerId, b.address)
    lab.run(20_000)
    expect(a.last('dialFailed')).toMatchObject({ failure: { message: `${b.address}: no answer` }, at: 6_000 })
    lab.wire.heal()
    const stop = lab.wire.drop(({ kind, from, to }) => kind === 'dial' && from === 'peer1' && to === 'peer2')
    dial(a, b.peerId, b.address)
    lab.run(20_000)
    expect(a.last('dialFailed').at).toBe(26_000)
    stop()
    lab.connect(a, b)
  })

  it('ends six seconds after the last of its addresses began, or after ten with a lookup', () => {
    const lab = new Lab()
    const [a, b, c] = lab.membersOf(3) as [Member, Member, Member]
    lab.connect(a, c)
    a.run({ type: 'tableAdd', peer: c.peerId, addresses: [c.address] })
    b.run({ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/1', '/ip4/0.0.0.0/tcp/2', '/ip4/0.0.0.0/tcp/3'] })
    lab.wire.partition([['peer1']])
    const started = lab.now
    dial(a, b.peerId, ...b.host.addresses)
    dial(a, 'nobody')
    lab.run(60_000)
    const failures = a.heard('dialFailed')
    const [first, second] = [b.peerId, 'nobody'].map((peer) => failures.find(({ target }) => target === peer))
    const [one, two, three] = b.host.addresses
    expect([first, second].map((event) => event!.at - started)).toEqual([6_500, 10_000])
    expect(first!.failure.message).toBe([one, two, three].map((address) => `${address!}: no answer`).join('; '))
    expect(second!.failure.message).toMatch(/lookup for its address took too long|nobody that we could ask/)
  })

  it('says who is there when it is somebody else', () => {
    const [lab, a, b] = pair()
    dial(a, 'peer9', b.address)
    lab.run(1_000)
    expect(a.last('dialFailed').failure.message).toBe(`${b.address}: peer2 is there`)
    dial(a, `${b.address}/p2p/peer9`)
    lab.run(1_000)
    expect(a.last('dialFailed').failure.message).toMatch(/peer2 is there/)
    expect(a.heard('connectionOpened')).toEqual([])
  })

  it('begins the next address when one fails, and tells why each did', () => {
    const [lab, a, b] = pair()
    dial(a, b.peerId, '/ip4/10.9.9.9/tcp/1', b.address)
    lab.run(1_000)
    expect(a.heard('dialled')).toHaveLength(1)
    dial(a, 'peer9', '/ip4/10.9.9.9/tcp/1', '/ip4/10.9.9.8/tcp/1')
    lab.run(1_000)
    expect(a.last('dialFailed').failure.message).toBe('/ip4/10.9.9.9/tcp/1: connection refused; /ip4/10.9.9.8/tcp/1: connection refused') // prettier-ignore
  })

  it.each([1, 2, 5])('is done 250 ms later for each of %d addresses that hang before the good one', (k) => {
    const lab = new Lab()
    const [a, b] = lab.membersOf(2) as [Member, Member]
    const stop = lab.wire.drop(({ kind, to }) => kind === 'dial' && to.startsWith('mute'))
    // As far away as the good one, so that they keep their order.
    const mute = Array.from({ length: k }, (_, index) => lab.member(`mute${index}`).address)
    const started = lab.now
    dial(a, b.peerId, ...mute, b.address)
    lab.run(20_000)
    expect(a.last('dialled').at - started).toBe(250 * k + 40)
    expect(a.heard('connectionOpened')).toHaveLength(1)
    expect(lab.wire.links.size).toBe(1)
    stop()
  })

  it('takes more addresses while it is under way, and answers each that asked', () => {
    const [lab, a, b] = pair()
    const mute = lab.member('mute')
    lab.wire.drop(({ kind, to }) => kind === 'dial' && to === 'mute')
    dial(a, b.peerId, mute.address)
    lab.run(1_000)
    dial(a, b.peerId, b.address)
    lab.run(100)
    expect(a.heard('dialled').map(({ at }) => at)).toEqual([1_040, 1_040])
  })

  it.each([
    ['fails before the lookup is over', '/ip4/10.9.9.9/tcp/1'],
    ['hangs', 'mute'],
  ])('is looked up beside an address that %s', (_, wrong) => {
    const lab = new Lab()
    const [a, b, c] = lab.membersOf(3) as [Member, Member, Member]
    const mute = lab.member('mute')
    lab.wire.drop(({ kind, to }) => kind === 'dial' && to === 'mute')
    for (const one of [a, b]) {
      lab.connect(one, c)
      know(one, c)
      know(c, one)
    }
    dial(a, b.peerId, wrong === 'mute' ? mute.address : wrong)
    dial(a, b.peerId)
    lab.run(2_000)
    expect(a.heard('dialled').filter(({ target }) => target === b.peerId)).toHaveLength(2)
    expect(a.heard('dialFailed')).toEqual([])
  })

  it('fails when neither its addresses nor a lookup lead to the peer', () => {
    const [lab, a] = pair()
    dial(a, 'nobody', '/ip4/10.9.9.9/tcp/1')
    dial(a, 'nobody')
    lab.run(10_000)
    expect(a.heard('dialFailed').map(({ tried }) => tried.length)).toEqual([1, 1])
  })

  it('finds a host that comes back while it is being tried', () => {
    const [lab, a, b] = pair()
    lab.wire.partition([['peer1']])
    dial(a, b.peerId, b.address)
    lab.run(4_900)
    lab.wire.heal()
    lab.run(1_000)
    expect(a.last('dialled').at).toBeLessThanOrEqual(5_500)
  })

  it('is one of nobody whom somebody knows, or of itself', () => {
    const [lab, a] = pair()
    dial(a, 'nobody')
    dial(a, 'peer1')
    dial(a, a.address)
    lab.run(1_000)
    const why = Object.fromEntries(a.heard('dialFailed').map(({ target, failure }) => [target, failure.message]))
    expect(why).toEqual({
      nobody: 'nobody that we could ask knows an address of it',
      peer1: 'that is this node itself',
      [a.address]: `${a.address}: that is this node itself`,
    })
    expect(a.heard('connectionOpened')).toEqual([])
  })

  it('leaves nothing behind when the dialler is switched off meanwhile', () => {
    const [lab, a, b] = pair()
    dial(a, b.peerId, b.address)
    lab.run(35)
    a.host.crash()
    lab.run(1_000)
    expect(b.heard('connectionOpened').length).toBe(b.heard('connectionClosed').length)
    expect(lab.wire.links.size).toBe(0)
  })
})
