import { describe, expect, it, jest } from '@jest/globals'
import { bar } from '../../../src/core/access/changing.js'
import type { Entry } from '../../../src/core/access/lists.js'
import { prefixOf } from '../../../src/core/access/ranges.js'
import { whyBarred } from '../../../src/core/access/rules.js'
import type { Effect } from '../../../src/core/effects.js'
import { defaultSettings } from '../../../src/core/settings.js'
import { bytes, Core, refusalOf, shorts } from '../../support/core.js'
import { BOB, BOOT, dialFailed, identified } from '../../support/peers.js'

const open = defaultSettings.access
const bob: Entry = { peer: 'bob' }
const loopback: Entry = { range: prefixOf('127.0.0.0/8')! }

const deny = (core: Core, entry: Entry, options: { duration?: number; reason?: string } = {}): Effect[] =>
  core.in({ type: 'deny', ask: 99, entries: [entry], ...options })
const allow = (core: Core, entry: Entry): Effect[] => core.in({ type: 'allow', ask: 98, entries: [entry] })
const changesIn = (effects: Effect[]) => effects.flatMap((effect) => (effect.type === 'access' ? effect.changes : []))

describe('deny', () => {
  it.each([
    ['a peer', bob, 'denied by this node: spam'],
    ['its address', loopback, 'denied by this node (127.0.0.0/8): spam'],
  ])('of %s hangs up, and ends what is under way with Denied', (_, entry, why) => {
    const core = new Core()
    core.connect('bob')
    core.request(1, 'bob')
    core.in({ type: 'streamOpened', stream: 1, protocol: '/tinyp2p/req-resp/1.0.0' })
    core.in({ type: 'dialPeer', ask: 2, target: 'bob', addresses: [] })
    const effects = deny(core, entry, { reason: 'spam' })
    expect(shorts(effects)).toEqual(
      expect.arrayContaining(['access', 'fail 1 Denied', 'closeConnection 1', 'settle 99']),
    )
    expect(refusalOf(effects)).toBe(`Denied: bob is ${why}`)
    expect(core.state.connections.all.size).toBe(0)
    expect(core.state.asks.open.size).toBe(0)
  })

  it('keeps its reason, for all who ask or are told later', () => {
    const core = new Core()
    deny(core, bob, { reason: 'spam', duration: 60_000 })
    deny(core, loopback, { reason: 'scans' })
    deny(core, bob, { duration: 1 })
    const ofRange = 'denied by this node (127.0.0.0/8): scans'
    expect(refusalOf(core.request(1, 'bob'))).toBe('Denied: bob is denied by this node: spam')
    const address = '/ip4/127.0.0.1/tcp/5'
    const dial = core.in({ type: 'dialPeer', ask: 2, target: address, addresses: [address] })
    expect(refusalOf(dial)).toBe(`Denied: ${address} is ${ofRange}`)
    // The network says less.
    core.request(3, 'carol')
    const failure = { message: 'x' }
    const tried = [{ address, reason: 'denied by this node' }]
    const failed = core.in({ type: 'dialFailed', target: 'carol', failure, tried })
    expect(refusalOf(failed)).toBe(`Denied: cannot reach carol: ${ofRange}`)
  })

  it('is listed with what is banned, with reasons and the time that is left', () => {
    const core = new Core()
    deny(core, bob, { reason: 'spam', duration: 60_000 })
    deny(core, loopback)
    bar(core.state, [], 'bans', { peer: 'eve' }, 2_000, 'it broke the protocol')
    core.now = 500
    const [settled] = core.in({ type: 'status', ask: 5 })
    expect(settled).toMatchObject({
      value: {
        access: {
          deny: [{ entry: 'bob', reason: 'spam', for: 59_500 }, { entry: '127.0.0.0/8' }],
          bans: [{ entry: 'eve', reason: 'it broke the protocol', for: 1_500 }],
        },
      },
    })
    const closed = new Core({ access: { ...open, closed: true } })
    closed.state.lifecycle.phase = 'starting'
    closed.in({ type: 'start' }, { type: 'listening', addresses: [BOB] })
    allow(closed, bob)
    expect(closed.in({ type: 'status', ask: 5 })).toMatchObject([{ value: { access: { allow: [{ entry: 'bob' }] } } }])
  })

  it('of the range in which a peer is shows in what explain tells of the peer', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob', ['/ip4/127.0.0.1/tcp/5']))
    deny(core, loopback, { reason: 'scans', duration: 900 })
    core.in({ type: 'explain', ask: 5, about: { peer: 'bob' } })
    const [explained] = core.in({ type: 'inspected', ask: 5, peers: {} })
    expect(explained).toMatchObject({
      value: { barred: { why: 'denied by this node (127.0.0.0/8): scans', for: 900 } },
    })
  })

  it('leaves a line in the log, and so does allow', () => {
    const core = new Core()
    const said = (entries: Entry[], rest: { duration?: number; reason?: string } = {}): (string | undefined)[] =>
      core
        .all({ type: 'deny', ask: 9, entries, ...rest }, { type: 'allow', ask: 8, entries })
        .flatMap((one) => (one.type === 'log' ? [`${one.level} ${one.message}`] : []))
    expect(said([bob, loopback], { duration: 5, reason: 'spam' })).toEqual([
      'info 🚪 deny bob, 127.0.0.0/8 for 5 ms: spam',
      'info 🚪 allow bob, 127.0.0.0/8',
    ])
    expect(said([{ range: prefixOf('::/0')! }])[0]).toBe('warn 🚪 deny ::/0: that is every address of its kind')
    expect(said(Array.from({ length: 9 }, (_, i) => ({ peer: `p${i}` })))[0]).toBe(
      'info 🚪 deny p0, p1, p2, p3, p4 and 4 more',
    )
  })

  it('says in the log which entries stay longer than that, and allow which are in a range that stays denied', () => {
    const core = new Core({ access: { ...open, deny: [bob, loopback] } })
    core.state.lifecycle.phase = 'starting'
    core.in({ type: 'start' }, { type: 'listening', addresses: [BOB] })
    const said = (...events: Parameters<Core['all']>): string[] =>
      core.all(...events).flatMap((one) => (one.type === 'log' ? [one.message] : []))
    const carol: Entry = { peer: 'carol' }
    const host: Entry = { range: prefixOf('127.0.0.1')! }
    expect(said({ type: 'deny', ask: 9, entries: [bob, carol], duration: 300, reason: 'short' })).toEqual([
      '🚪 deny bob, carol for 300 ms: short (bob stays denied for longer)',
    ])
    expect(said({ type: 'allow', ask: 9, entries: [host, carol] })).toEqual([
      '🚪 allow 127.0.0.1/32, carol (127.0.0.1/32 stays denied: a range around it is)',
    ])
    expect(said({ type: 'allow', ask: 9, entries: [loopback] })).toEqual(['🚪 allow 127.0.0.0/8'])
    expect(said({ type: 'deny', ask: 9, entries: [bob] })).toEqual(['🚪 deny bob'])
  })

  it('leaves others alone', () => {
    const core = new Core()
    core.connect('carol')
    core.request(1, 'carol')
    expect(shorts(deny(core, bob))).toEqual(['access', 'settle 99'])
    expect(core.state.connections.all.size).toBe(1)
  })

  it('cancels the handlers of the peer', () => {
    const core = new Core()
    core.connect('bob')
    core.inbound(2)
    core.in({ type: 'data', stream: 2, chunks: [bytes('\x01?')] }, { type: 'streamEnded', stream: 2 })
    expect(shorts(deny(core, bob))).toContain('cancelHandler 2')
  })

  it('while a dial is under way ends the wait at once, and closes what comes of it', () => {
    const core = new Core()
    core.request(1, 'bob')
    core.in({ type: 'dialPeer', ask: 2, target: 'bob', addresses: [] })
    expect(shorts(deny(core, bob))).toEqual(['access', 'fail 1 Denied', 'fail 2 Denied', 'settle 99'])
    expect(shorts(core.connect('bob', 7))).toEqual(['closeConnection 7'])
    expect(core.state.connections.all.size).toBe(0)
    core.in({ type: 'dialled', target: 'bob', peer: 'bob', connection: 7 })
    expect(core.state.dials.size).toBe(0)
    // And later it may come in.
    allow(core, bob)
    expect(shorts(core.request(3, 'bob'))).toEqual(['dial bob'])
  })

  it('ends a dial to a bare address', () => {
    const core = new Core()
    core.in({ type: 'dialPeer', ask: 2, target: '/ip4/127.0.0.1/tcp/5', addresses: ['/ip4/127.0.0.1/tcp/5'] })
    expect(shorts(deny(core, loopback))).toContain('fail 2 Denied')
  })

  it('refuses later requests and dials without a dial', () => {
    const core = new Core()
    deny(core, bob)
    expect(shorts(core.request(1, 'bob'))).toEqual(['fail 1 Denied'])
    expect(shorts(core.in({ type: 'dialPeer', ask: 2, target: 'bob', addresses: [] }))).toEqual(['fail 2 Denied'])
    deny(core, loopback)
    const target = '/ip4/127.0.0.1/tcp/5'
    const somewhere = { addresses: [`${target}/p2p/carol`] }
    expect(shorts(core.in({ type: 'dialPeer', ask: 3, target: 'carol', ...somewhere }))).toEqual(['fail 3 Denied'])
    // By its peer id it may be reached elsewhere.
    expect(shorts(core.in({ type: 'dialPeer', ask: 4, target: 'dave', addresses: [] }))).toEqual(['dial dave'])
  })

  it('takes the peer out of the table and out of memory, and does not dial it again', () => {
    const core = new Core()
    core.connect('bob')
    core.in(identified('bob'), { type: 'tableChanged', peer: 'bob', addresses: [BOB] })
    expect(shorts(deny(core, bob))).toContain('tableRemove bob')
    expect(core.state.memory.peers.has('bob')).toBe(false)
    expect(shorts(core.in({ type: 'tableChanged', peer: 'bob', addresses: [BOB] }))).toEqual(['tableRemove bob'])
    for (const time of [1_000, 10_000, 100_000]) expect(shorts(core.at(time))).not.toContain('dial bob')
  })

  it('holds for a boot node too, which is dialled again when it is allowed', () => {
    const core = new Core({ bootNodes: { boot: [BOOT] } })
    core.in({ type: 'tick' }, dialFailed('boot'))
    deny(core, { peer: 'boot' })
    for (let tick = 1; tick < 5; tick++) {
      core.now = tick * 30_000
      expect(shorts(core.in({ type: 'tick' }))).not.toContain('dial boot')
    }
    allow(core, { peer: 'boot' })
    core.now += 30_000
    expect(shorts(core.in({ type: 'tick' }))).toContain('dial boot')
  })

  it('with a time ends by itself, and the network is told', () => {
    const core = new Core()
    const until = 5_000
    expect(changesIn(deny(core, bob, { duration: until }))).toEqual([{ list: 'deny', entry: bob, until }])
    expect(changesIn(core.at(4_999))).toEqual([])
    expect(changesIn(core.at(5_000))).toEqual([{ list: 'deny', entry: bob, until: undefined }])
    expect(shorts(core.request(1, 'bob'))).toEqual(['dial bob'])
  })

  it('again makes it longer, and never shorter', () => {
    const core = new Core()
    deny(core, bob, { duration: 10 })
    deny(core, bob, { duration: 5_000 })
    deny(core, bob, { duration: 10 })
    core.at(4_999)
    expect(shorts(core.request(1, 'bob'))).toEqual(['fail 1 Denied'])
    core.at(5_000)
    expect(shorts(core.request(2, 'bob'))).toEqual(['dial bob'])
  })

  it('with a time ends without a look at the others, in the order of their times', () => {
    const core = new Core()
    deny(core, { peer: 'eve' })
    const times = [30, 10, 20, 10]
    for (const [i, duration] of times.entries()) deny(core, { peer: `p${i}` }, { duration })
    const look = jest.spyOn(core.state.access.lists.deny.peers, Symbol.iterator)
    const ended = [10, 20, 30].map((time) => changesIn(core.at(time)).map(({ entry }) => entry))
    expect(ended).toEqual([[{ peer: 'p1' }, { peer: 'p3' }], [{ peer: 'p2' }], [{ peer: 'p0' }]])
    expect(look).not.toHaveBeenCalled()
  })

  it('again and again is remembered once', () => {
    const core = new Core()
    for (let i = 0; i < 1_000; i++) deny(core, bob, { duration: 1_000 + i })
    expect(core.state.access.ends.length).toBeLessThan(5)
    expect(changesIn(core.at(1_998))).toEqual([])
    expect(changesIn(core.at(1_999))).toEqual([{ list: 'deny', entry: bob, until: undefined }])
  })

  it.each([
    ['a peer', bob],
    ['a range', loopback],
  ])('of %s for a time does not end a denial without an end, that of the config included', (_, entry) => {
    const core = new Core({ access: { ...open, deny: [entry] } })
    core.state.lifecycle.phase = 'starting'
    core.in({ type: 'start' }, { type: 'listening', addresses: [BOB] })
    deny(core, entry, { duration: 300 })
    core.at(400)
    expect(whyBarred(core.state, 'bob', '/ip4/127.0.0.1/tcp/1')?.why).toBe('denied')
    allow(core, entry)
    deny(core, entry)
    deny(core, entry, { duration: 300 })
    core.at(800)
    expect(whyBarred(core.state, 'bob', '/ip4/127.0.0.1/tcp/1')?.why).toBe('denied')
    allow(core, entry)
    deny(core, entry, { duration: 300 })
    core.at(1_100)
    expect(whyBarred(core.state, 'bob', '/ip4/127.0.0.1/tcp/1')?.why).toBeUndefined()
  })

  it('and a ban each have their own end', () => {
    const core = new Core()
    core.at(0)
    bar(core.state, [], 'bans', bob, 1_000)
    deny(core, bob, { duration: 500 })
    bar(core.state, [], 'bans', bob, 100)
    core.at(500)
    expect(whyBarred(core.state, 'bob')?.why).toBe('banned')
    core.at(1_000)
    expect(whyBarred(core.state, 'bob')?.why).toBeUndefined()
  })

  it('drops what such a peer has signed, whoever hands it on', () => {
    const core = new Core()
    core.connect('carol')
    core.in({ type: 'subscribe', topic: 'news' })
    deny(core, bob)
    const message = { topic: 'news', data: bytes('hi'), proof: bytes('') }
    const from = (signer: string, id: string): Effect[] =>
      core.in({ type: 'message', ...message, from: signer, id, via: 'carol', held: true })
    expect(from('bob', 'a')).toEqual([{ type: 'verdict', id: 'a', via: 'carol', verdict: 'ignore' }])
    expect(shorts(from('carol', 'b'))).toContain('deliver news 2')
  })
})

describe('allow', () => {
  it('takes back a denial, and closes nothing', () => {
    const core = new Core()
    deny(core, bob)
    expect(changesIn(allow(core, bob))).toEqual([{ list: 'deny', entry: bob, until: undefined }])
    expect(shorts(core.request(1, 'bob'))).toEqual(['dial bob'])
    expect(shorts(core.request(2, 'carol'))).toEqual(['dial carol'])
  })

  it('does not take a peer out of a range that is denied', () => {
    const core = new Core()
    deny(core, loopback)
    allow(core, bob)
    expect(shorts(core.connect('bob'))).toEqual(['closeConnection 1'])
  })

  it('adds to the list of a node that has one', () => {
    const access = { ...open, closed: true, allow: [{ peer: 'carol' }] }
    const core = new Core({ access })
    core.state.lifecycle.phase = 'starting'
    const begun = core.in({ type: 'start' })
    expect(shorts(begun)).toEqual(['access', 'listen'])
    expect(begun[0]).toMatchObject({
      closed: true,
      asks: false,
      changes: [{ list: 'allow', entry: { peer: 'carol' } }],
    })
    core.in({ type: 'listening', addresses: [BOB] })
    expect(refusalOf(core.request(1, 'bob'))).toBe('Denied: bob is not in the allow list of this node')
    expect(shorts(core.request(2, 'carol'))).toEqual(['dial carol'])
    expect(changesIn(allow(core, bob))).toEqual([{ list: 'allow', entry: bob, until: Infinity }])
    expect(shorts(core.request(3, 'bob'))).toEqual(['dial bob'])
  })
})

describe('a config without access', () => {
  it('tells the network nothing', () => {
    const core = new Core()
    core.state.lifecycle.phase = 'starting'
    expect(shorts(core.in({ type: 'start' }))).toEqual(['listen'])
  })
})

describe('an attempt that the network has refused by its lists', () => {
  it('is Denied for the caller', () => {
    const core = new Core()
    core.request(1, 'bob')
    const tried = [{ address: BOB, reason: 'denied by this node' }]
    expect(shorts(core.in({ type: 'dialFailed', target: 'bob', failure: { message: 'x' }, tried }))).toContain(
      'fail 1 Denied',
    )
  })
})
