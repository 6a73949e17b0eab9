/** The beginning and the end of a node. */
import { describe, expect, it } from '@jest/globals'
import { createState } from '../../src/core/state.js'
import type { Event } from '../../src/core/events.js'
import { bytes, Core, refusalOf, shorts } from '../support/core.js'

const BOOT = { bootNodes: { boot: ['/ip4/10.0.0.9/tcp/1/p2p/boot'] } }

/** A node that has just been made. */
function fresh(settings = {}): Core {
  const core = new Core(settings)
  core.state.lifecycle.phase = 'starting'
  return core
}

describe('the start', () => {
  it('listens, is ready when that has worked, and dials the boot nodes at once', () => {
    const core = fresh(BOOT)
    expect(core.in({ type: 'start' })).toEqual([{ type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/0'] }])
    expect(shorts(core.in({ type: 'listening', addresses: ['/ip4/10.0.0.1/tcp/1'] }))).toEqual(['ready', 'dial boot'])
  })

  it('says what is to be announced in place of what we listen on', () => {
    const announce = ['/dns4/example.org/tcp/1']
    const listen = { type: 'listen', addresses: ['/ip4/0.0.0.0/tcp/0'], announce }
    expect(fresh({ announce }).in({ type: 'start' })).toEqual([listen])
  })

  it('fails when an address cannot be listened on', () => {
    const core = fresh()
    core.in({ type: 'start' })
    const failed: Event = { type: 'listenFailed', failure: { message: 'in use' } }
    expect(core.in(failed)).toEqual([{ type: 'ended', refusal: { code: 'ListenError', message: 'in use' } }])
  })

  it('refuses requests until it is over', () => {
    expect(shorts(fresh().request(1, 'bob'))).toEqual(['fail 1 NodeStopped'])
  })
})

describe('other addresses of our own', () => {
  it('are shown, and told to the boot nodes and the peers that are known by dialling them', () => {
    const core = new Core(BOOT)
    core.connect('bob')
    for (const peer of ['bob', 'carol']) core.in({ type: 'tableChanged', peer, addresses: ['/ip4/10.0.0.9/tcp/1'] })
    const moved = core.all({ type: 'listening', addresses: ['/ip4/10.0.0.2/tcp/1'] })
    const dialled = moved.flatMap((effect) => (effect.type === 'dial' ? [effect.target] : []))
    expect(dialled.sort()).toEqual(['boot', 'carol'])
    expect(moved.map(({ type }) => type)).toContain('statusChanged')
    expect(core.state.lifecycle.addresses).toEqual(['/ip4/10.0.0.2/tcp/1'])
  })
})

describe('the stop', () => {
  it('refuses all that waits, cancels the handlers, and ends when the network has closed', () => {
    const core = new Core()
    core.connect('bob')
    core.request(1, 'bob')
    core.request(2, 'carol')
    core.in({ type: 'broadcast', ask: 3, topic: 'block', data: bytes('b') })
    core.inbound(2)
    core.in({ type: 'data', stream: 2, chunks: [new Uint8Array([0])] })
    expect(shorts(core.in({ type: 'shutdown', ask: 9 }))).toEqual([
      'fail 1 NodeStopped',
      'fail 2 NodeStopped',
      'fail 3 NodeStopped',
      'cancelHandler 2',
      'stop',
    ])
    expect(shorts(core.in({ type: 'stopped' }))).toEqual(['settle 9', 'ended'])
    expect(core.state.lifecycle.phase).toBe('ended')
  })

  it('ends after its time when the network does not', () => {
    const core = new Core({ stopTimeout: 100 })
    core.in({ type: 'shutdown', ask: 9 })
    expect(core.at(99)).toEqual([])
    expect(shorts(core.at(100))).toEqual(['settle 9', 'ended'])
  })

  it('leaves nothing that could happen', () => {
    const core = new Core({ ...BOOT, topics: ['block'] })
    core.connect('bob')
    core.request(1, 'bob')
    core.in({ type: 'subscribe', topic: 'tx' }, { type: 'unsubscribe', topic: 'tx' })
    core.in({ type: 'shutdown', ask: 9 }, { type: 'stopped' })
    expect(core.at(10_000_000)).toEqual([])
    expect(
      core.in({ type: 'tick' }, { type: 'connectionOpened', connection: 2, peer: 'eve', address: 'x', inbound: true }),
    ).toEqual([])
    const { now, lifecycle, due, changes, ...concerns } = createState(core.state.self, core.state.settings)
    expect(core.state).toMatchObject({ ...concerns, lifecycle: { phase: 'ended' } })
    void [now, lifecycle, due, changes]
  })

  it('refuses what is asked after it', () => {
    const core = new Core()
    core.in({ type: 'shutdown', ask: 9 })
    const asked: Event[] = [
      { type: 'status', ask: 1 },
      { type: 'knownPeers', ask: 2 },
      { type: 'dialPeer', ask: 3, target: 'bob', addresses: [] },
    ]
    expect(shorts(core.in(...asked))).toEqual(['fail 1 NodeStopped', 'fail 2 NodeStopped', 'fail 3 NodeStopped'])
    expect(shorts(core.request(4, 'bob'))).toEqual(['fail 4 NodeStopped'])
  })

  it('while the node is still starting ends it', () => {
    const core = fresh()
    core.in({ type: 'start' })
    expect(shorts(core.in({ type: 'shutdown', ask: 9 }))).toEqual(['stop'])
    expect(shorts(core.in({ type: 'stopped' }))).toEqual(['settle 9', 'ended'])
  })
})

describe('a drain', () => {
  it('does not wait for callers that only wait for others: for peers, or for a topic to be joined', () => {
    const core = new Core()
    core.in({ type: 'online', ask: 1, peers: 3, timeout: 60_000 })
    core.in({ type: 'subscribe', topic: 'block' }, { type: 'joined', ask: 2, topic: 'block', timeout: 60_000 })
    expect(shorts(core.in({ type: 'shutdown', ask: 3, drain: 30_000 }))).toContain('fail 1 NodeStopped')
    expect(core.state.lifecycle.phase).toBe('stopping')
  })

  it('that is cut short names all that hung', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.request(2, 'carol', undefined, 60_000)
    core.in({ type: 'shutdown', ask: 3, drain: 1_000 })
    expect(refusalOf(core.at(1_000))).toBe(
      'NodeStopped: the node was stopped before all was done: 1 dial (to bob), 1 request (to carol)',
    )
  })

  describe('with nothing in flight', () => {
    /** Bob and Carol are connected; one ping to Bob is under way, as at any time. */
    function drained(): Core {
      const core = new Core({ pingInterval: 100, connectionKeepAlive: 1e9 })
      core.connect('bob', 1)
      core.at(100)
      core.connect('carol', 2)
      expect(shorts(core.in({ type: 'shutdown', ask: 3, drain: 60_000 }))).toEqual(['ping 1', 'ping 2'])
      return core
    }
    const pinged = (connection: number): Event => ({ type: 'pinged', connection, rtt: 1 })
    const failed = (heard: boolean): Event => ({ type: 'pingFailed', connection: 1, failure: { message: 'x' }, heard })

    it('waits for one round trip over each connection', () => {
      const core = drained()
      expect(shorts(core.in(pinged(2)))).toEqual([])
      // To the ping before.
      expect(shorts(core.in(pinged(1)))).toEqual([])
      expect(shorts(core.in(pinged(1)))).toEqual(['stop'])
      expect(core.all({ type: 'stopped' })).toContainEqual({ type: 'ended' })
    })

    it.each([false, true])(
      'does not hang on a peer that does not answer, and names it (it sends something: %p)',
      (heard) => {
        const core = drained()
        core.in(pinged(2))
        expect(shorts(core.in(failed(heard)))).toContain('stop')
        const message = 'the node was stopped before all was done: bob did not confirm what was sent'
        expect(core.all({ type: 'stopped' })).toContainEqual({
          type: 'ended',
          refusal: { code: 'NodeStopped', message },
        })
      },
    )

    it('asks each peer within the time of a test', () => {
      const core = new Core()
      core.connect('bob')
      const effects = core.in({ type: 'shutdown', ask: 3, drain: 60_000 })
      expect(effects).toEqual([{ type: 'ping', connection: 1, timeout: 1_000, longest: 20_000 }])
    })
  })
})
