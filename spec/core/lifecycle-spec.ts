/** The beginning and the end of a node. */
import { describe, expect, it } from '@jest/globals'
import { createState } from '../../src/core/state.js'
import type { Event } from '../../src/core/events.js'
import { broadcast, published } from '../support/broadcasts.js'
import { bytes, Core, refusalOf, shorts } from '../support/core.js'
import { digested, HASH, large, LARGE } from '../support/large-core.js'
import type { ServiceCore } from '../support/service-core.js'
import { answering } from '../support/session-cores.js'
import { credit, request } from '../support/session.js'

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

  it('says where it listens, also when others are told something else, and where it cannot', () => {
    const core = fresh()
    core.in({ type: 'start' })
    const bound = ['/ip4/10.0.0.1/tcp/1']
    const failures = ['cannot listen on B (in use)']
    const effects = core.all({ type: 'listening', addresses: ['/dns4/a.example/tcp/9'], bound, failures })
    expect(effects.filter(({ type }) => type === 'log').slice(0, 3)).toMatchObject([
      { type: 'log', level: 'info', message: '📣 listening on /ip4/10.0.0.1/tcp/1' },
      { type: 'log', level: 'info', message: expect.stringMatching('^📣 others are told /dns4/a.example/tcp/9/p2p/') },
      { type: 'log', level: 'warn', message: 'cannot listen on B (in use), and the node goes on with the others' },
    ])
  })

  it('refuses requests until it is over', () => {
    expect(shorts(fresh().request(1, 'bob'))).toEqual(['fail 1 NodeStopped'])
  })
})

describe('other addresses of our own', () => {
  it('are shown', () => {
    const core = new Core()
    const moved = core.all({ type: 'listening', addresses: ['/ip4/10.0.0.2/tcp/1'] })
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

  it('that another stop cuts short names them too', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 1, target: 'bob', addresses: [] })
    core.in({ type: 'shutdown', ask: 2, drain: 60_000 })
    const message = 'the node was stopped before all was done: 1 dial (to bob)'
    expect(refusalOf(core.in({ type: 'shutdown', ask: 3 }))).toBe(`NodeStopped: ${message}`)
    const over = core.in({ type: 'stopped' })
    expect(over).toContainEqual({ type: 'ended', refusal: { code: 'NodeStopped', message } })
    expect(shorts(over)).toEqual(['settle 2', 'settle 3', 'ended'])
  })

  it('answers who asks what hangs, and refuses what is new', () => {
    const core = new Core()
    core.request(1, 'bob', undefined, 60_000)
    core.in({ type: 'shutdown', ask: 2, drain: 60_000 })
    const asked = core.in({ type: 'explain', ask: 3, about: { peer: 'bob' } }, { type: 'status', ask: 4 })
    expect(shorts(asked)).toEqual(['inspect', 'settle 4'])
    expect(shorts(core.in({ type: 'inspected', ask: 3, peers: {} }))).toEqual(['settle 3'])
    expect(shorts(core.request(5, 'bob'))).toEqual(['fail 5 NodeStopped'])
  })

  describe('with nothing in flight', () => {
    /** Bob and Carol are connected; one ping to Bob is under way, as at any time. */
    function drained(): Core {
      const core = new Core({ pingInterval: 100, connectionKeepAlive: 1e9 })
      core.connect('bob', 1)
      core.at(100)
      core.connect('carol', 2)
      expect(shorts(core.in({ type: 'shutdown', ask: 3, drain: 60_000 }))).toEqual(['closeDoor', 'ping 1', 'ping 2'])
      return core
    }
    const pinged = (connection: number): Event => ({ type: 'pinged', connection, rtt: 1 })
    const failed = (heard: boolean): Event => ({ type: 'pingFailed', connection: 1, failure: { message: 'x' }, heard })
    const wanted = { kind: 'blob', hash: HASH } as const

    /** Bob and Carol can fetch a large broadcast. */
    function publishing(): ServiceCore {
      const core = large({ pingInterval: 1e9, connectionKeepAlive: 1e9 })
      digested(core, core.run(broadcast(1, { data: LARGE })))
      core.run(published(1))
      core.state.recipients.pending.clear()
      return core
    }

    /** Why it has ended. */
    function ended(core: Core): string | undefined {
      const end = core.all({ type: 'stopped' }).find(({ type }) => type === 'ended')
      return (end as { refusal?: { message: string } }).refusal?.message
    }

    it('is not delayed by who asks how it goes, and answers it before it ends', () => {
      const core = drained()
      expect(shorts(core.in({ type: 'explain', ask: 4, about: { peer: 'bob' } }))).toEqual(['inspect'])
      expect(shorts(core.in(pinged(1), pinged(1), pinged(2)))).toEqual([])
      expect(shorts(core.in({ type: 'inspected', ask: 4, peers: {} }))).toEqual(['settle 4', 'stop'])
    })

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
        // The ping before.
        if (heard) expect(shorts(core.in(failed(heard)))).not.toContain('stop')
        expect(shorts(core.in(failed(heard)))).toContain('stop')
        const message = 'the node was stopped before all was done: bob did not confirm what was sent'
        expect(core.all({ type: 'stopped' })).toContainEqual({
          type: 'ended',
          refusal: { code: 'NodeStopped', message },
        })
      },
    )

    it.each([
      ['before', [failed(true), pinged(1)]],
      ['after', [pinged(1), failed(true)]],
    ])('is not cut short by the end of a ping from before, %s the answer to its own: it asks again', (_, events) => {
      const core = drained()
      core.in(pinged(2))
      expect(events.flatMap((event) => shorts(core.in(event)))).toEqual(['ping 1'])
      expect(shorts(core.in(pinged(1)))).toEqual(['stop'])
      expect(ended(core)).toBeUndefined()
    })

    it('ends when a peer that sends something does not answer then either', () => {
      const core = drained()
      core.in(pinged(2), failed(true), pinged(1))
      expect(shorts(core.in(failed(true)))).toContain('stop')
      expect(ended(core)).toBe('the node was stopped before all was done: bob did not confirm what was sent')
    })

    it('waits until the word that it stops has left too, which waits for the write before', () => {
      const core = answering({ pingInterval: 1e9 }, { 0: 7 })
      core.in(core.hears(request(1, bytes('?'), { credit: 1_000 })))
      expect(shorts(core.in({ type: 'respond', exchange: -1, data: bytes('!') }))).toEqual(['write 2 4'])
      expect(shorts(core.in({ type: 'shutdown', ask: 3, drain: 60_000 }))).toEqual([])
      const writable: Event = { type: 'writable', stream: core.stream }
      expect(shorts(core.in(writable))).toEqual(['write 2 4'])
      expect(shorts(core.in(writable))).toEqual(['closeDoor', 'ping 1'])
    })

    it('ends though it refuses all the time, and when the last refusal has left', () => {
      const core = answering({ pingInterval: 1e9 }, { 0: 7 })
      core.in({ type: 'shutdown', ask: 3, drain: 60_000 })
      // What waits for the write of STOPPING: a refusal, and after it another one.
      expect(shorts(core.in(core.hears(request(1, bytes('?')))))).toEqual([])
      core.now = 5
      expect(shorts(core.in({ type: 'writable', stream: core.stream }, core.hears(request(2, bytes('?')))))).toEqual([
        'write 2 82',
        'closeDoor',
        'ping 1',
      ])
      expect(shorts(core.in(core.hears(request(3, bytes('?')))))).toEqual([])
      expect(shorts(core.in({ type: 'pinged', connection: 1, rtt: 1 }))).toEqual([])
      expect(shorts(core.in({ type: 'writable', stream: core.stream }))).toEqual(['write 2 41', 'stop'])
    })

    it('looks again by itself whether what was written has left', () => {
      const core = answering({ pingInterval: 1e9 }, { 0: 7 })
      core.in({ type: 'shutdown', ask: 3, drain: 60_000 })
      expect(core.state.lifecycle.lookAt).toBe(20)
    })

    it('says once in five seconds that it refuses, and at its end how often it has', () => {
      const core = answering({ pingInterval: 1e9 }, { 0: 7 })
      core.in({ type: 'shutdown', ask: 3, drain: 60_000 })
      const lines = [1, 2, 3].flatMap((id) => core.all(core.hears(request(id, bytes('?')))))
      core.in({ type: 'writable', stream: core.stream })
      lines.push(...core.all({ type: 'shutdown', ask: 4 }))
      expect(lines.flatMap((line) => (line.type === 'log' ? [`${line.level} ${line.message}`] : []))).toEqual([
        'info a request of bob was refused: the node is shutting down',
        'warn the node was stopped before all was done: bob did not confirm what was sent',
        'info 2 more requests were refused',
      ])
    })

    it('names who answers and does not take its refusals', () => {
      const core = answering({ pingInterval: 1e9 }, { 0: 7 })
      core.in({ type: 'shutdown', ask: 3, drain: 60_000 })
      core.in({ type: 'writable', stream: core.stream }, core.hears(request(1, bytes('?'))))
      core.in({ type: 'pinged', connection: 1, rtt: 1 }, core.hears(request(2, bytes('?'))))
      expect(shorts(core.at(59_999))).not.toContain('stop')
      core.at(60_000)
      expect(ended(core)).toBe('the node was stopped before all was done: bob did not confirm what was sent')
    })

    it('names who has not answered when its time is over', () => {
      const core = new Core()
      core.connect('bob', 1)
      core.connect('carol', 2)
      core.in({ type: 'shutdown', ask: 3, drain: 500 })
      core.in(pinged(1))
      expect(shorts(core.at(500))).toContain('stop')
      expect(ended(core)).toBe('the node was stopped before all was done: carol did not confirm what was sent')
    })

    it.each([true, false])('names who has not answered at first, unless it has at last: %p', (answers) => {
      const core = publishing()
      core.run(...core.asks('carol', wanted, { credit: 1_000 }))
      core.run({ type: 'shutdown', ask: 3, drain: 60_000 })
      core.run(failed(answers), pinged(2))
      expect(shorts(core.run(core.sends('carol', credit(1, 300_000))))).toContain('ping 2')
      if (answers) core.run(pinged(1), pinged(1))
      core.run(pinged(2))
      const message = 'the node was stopped before all was done: bob did not confirm what was sent'
      expect(ended(core)).toBe(answers ? undefined : message)
    })

    it('waits for the nodes that have asked it when its last broadcasts have arrived, however many ask on', () => {
      const core = publishing()
      core.run(...core.asks('bob', wanted, { credit: 1_000 }))
      expect(shorts(core.run({ type: 'shutdown', ask: 3, drain: 60_000 }))).toEqual(['closeDoor', 'ping 1', 'ping 2'])
      core.run(...core.asks('carol', wanted, { credit: 1_000 }))
      expect(shorts(core.run(pinged(1), pinged(2)))).toEqual([])
      for (let i = 0; i < 10; i++) core.run(...core.asks('bob', wanted, { credit: 1_000 }))
      expect(shorts(core.run(core.sends('bob', credit(1, 300_000))))).toEqual([])
      expect(shorts(core.run(core.sends('carol', credit(1, 300_000))))).toEqual(['closeDoor', 'ping 1', 'ping 2'])
      core.run(...core.asks('bob', wanted, { credit: 1_000 }))
      expect(shorts(core.run(pinged(1), pinged(2)))).toContain('stop')
      expect(ended(core)).toBeUndefined()
    })

    it('asks each peer within the time of a test', () => {
      const core = new Core()
      core.connect('bob')
      core.in({ type: 'pinged', connection: 1, rtt: 3 })
      const effects = core.in({ type: 'shutdown', ask: 3, drain: 60_000 })
      expect(effects).toEqual([{ type: 'closeDoor' }, { type: 'ping', connection: 1, timeout: 1_000, longest: 20_000 }])
    })
  })
})
