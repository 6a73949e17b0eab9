import { asapScheduler, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from '@jest/globals'
import { readConfig, type NodeConfig } from '../../src/config/config.js'
import { defaultSettings, type Settings } from '../../src/core/settings.js'

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const OTHER = '12D3KooWKwVK6mTHm9PZQvTtJAyEZqGDFcEtgFiLQF9bqpZAuVSp'

function settingsOf(config: NodeConfig): Settings {
  return readConfig(config).settings
}

/** What is wrong with a config that no types have seen. */
function fault(config: unknown): { code: string; message: string } | undefined {
  try {
    settingsOf(config as NodeConfig)
    return undefined
  } catch (error) {
    return error as { code: string; message: string }
  }
}

describe('a config', () => {
  it('that says nothing means the defaults', () => {
    expect(settingsOf({})).toEqual(defaultSettings)
    expect(settingsOf({ reqResp: {}, bootNodes: [], topics: [] })).toEqual(defaultSettings)
    const nothing = {
      listen: undefined,
      secret: undefined,
      bootNodes: undefined,
      topics: undefined,
      reqResp: undefined,
    }
    expect(settingsOf(nothing as unknown as NodeConfig)).toEqual(defaultSettings)
  })

  it('has the defaults that the contract names', () => {
    expect(settingsOf({})).toMatchObject({
      listen: ['/ip4/0.0.0.0/tcp/0'],
      discoveryInterval: 30_000,
      firstTick: 5_000,
      connectionKeepAlive: 10_000,
      stayConnected: 30,
      pingInterval: 15_000,
      pingTimeout: 20_000,
      pingTest: 1_000,
      requestTimeout: 10_000,
      maxRequestSize: 1_048_576,
      maxResponseSize: 1_048_576,
    })
  })

  it('takes one text where it takes several', () => {
    const boot = `/ip4/192.0.2.1/tcp/9000/p2p/${PEER}`
    const one = settingsOf({ listen: '/ip4/127.0.0.1/tcp/0', bootNodes: boot })
    expect(one).toEqual(settingsOf({ listen: ['/ip4/127.0.0.1/tcp/0'], bootNodes: [boot] }))
  })

  it('gathers the addresses of a boot node', () => {
    const [a, b] = [`/ip4/192.0.2.1/tcp/9000/p2p/${PEER}`, `/dns/boot.example/tcp/9000/p2p/${PEER}`]
    const c = `/ip6/2001:db8::1/tcp/9000/p2p/${OTHER}`
    expect(settingsOf({ bootNodes: [a, c, b] }).bootNodes).toEqual({ [PEER]: [a, b], [OTHER]: [c] })
  })

  it('changes the numbers that it names, and no others', () => {
    const reqResp = { connectionKeepAlive: 1, requestTimeout: 2, maxRequestSize: 3, maxResponseSize: 4 }
    const settings = settingsOf({ discoveryInterval: 60_000, topics: ['block', 'tx'], reqResp })
    expect(settings).toEqual({ ...defaultSettings, ...reqResp, discoveryInterval: 60_000, topics: ['block', 'tx'] })
  })

  it('never tests a connection for longer than it pings it', () => {
    const ping = { interval: 5, timeout: 600 }
    expect(settingsOf({ ping })).toMatchObject({ pingInterval: 5, pingTimeout: 600, pingTest: 600 })
    expect(settingsOf({ ping: { ...ping, test: 20 } }).pingTest).toBe(20)
  })

  it('may say that no network is small', () => {
    expect(settingsOf({ stayConnected: 0 }).stayConnected).toBe(0)
    for (const stayConnected of [-1, 0.5, NaN, '30', 1_000_001]) {
      expect(fault({ stayConnected })).toMatchObject({
        code: 'InvalidConfig',
        message: expect.stringContaining('stayConnected') as unknown,
      })
    }
  })

  it('with a discovery interval below 5 s has its first tick after that', () => {
    expect(settingsOf({ discoveryInterval: 200 })).toMatchObject({ discoveryInterval: 200, firstTick: 200 })
    expect(settingsOf({ discoveryInterval: 5_001 }).firstTick).toBe(5_000)
  })

  it('takes any scheduler of RxJS', () => {
    for (const scheduler of [asapScheduler, new VirtualTimeScheduler()]) {
      expect(settingsOf({ scheduler })).toEqual(defaultSettings)
    }
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'config'],
    ['an array', []],
    ['a number', 5],
  ])('cannot be %s', (_, config) => {
    expect(fault(config)).toMatchObject({ code: 'InvalidConfig', message: expect.stringMatching(/^the config must be an object/) }) // prettier-ignore
  })

  it('has once what a list names twice, also in another spelling', () => {
    const [a, b] = ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/0']
    expect(settingsOf({ listen: [a, b, a, `${a}/`, '/ip6/0:0:0:0:0:0:0:0/tcp/0'] }).listen).toEqual([a, b])
    const announce = '/ip4/192.0.2.1/tcp/4001'
    expect(settingsOf({ announce: [announce, announce] }).announce).toEqual([announce])
    expect(settingsOf({ topics: ['x', 'y', 'x'] }).topics).toEqual(['x', 'y'])
    const peer = `${announce}/p2p/${PEER}`
    expect(settingsOf({ bootNodes: [peer, peer] }).bootNodes).toEqual({ [PEER]: [peer] })
    expect(settingsOf({ keep: [peer, PEER, peer] }).keep).toEqual({ [PEER]: [peer] })
  })

  it('gathers the peers to be kept by their ids, with or without addresses', () => {
    const address = `/ip4/192.0.2.1/tcp/9000/p2p/${PEER}`
    expect(settingsOf({ keep: [PEER, address, OTHER] }).keep).toEqual({ [PEER]: [address], [OTHER]: [] })
    expect(settingsOf({ keep: PEER }).keep).toEqual({ [PEER]: [] })
  })

  it.each<[unknown, string, RegExp]>([
    [{ port: 3000 }, 'InvalidConfig', /"port".*listen/],
    [{ bootnodes: [] }, 'InvalidConfig', /"bootnodes" \(did you mean bootNodes\?\)/],
    [{ reqResp: { timeout: 1 } }, 'InvalidConfig', /"timeout".*requestTimeout/],
    [{ reqResp: 5 }, 'InvalidConfig', /reqResp.*5/],
    [{ reqResp: [] }, 'InvalidConfig', /reqResp/],

    [{ listen: [] }, 'InvalidConfig', /listen/],
    [{ listen: 3000 }, 'InvalidConfig', /listen.*3000/],
    [{ listen: ['/ip4/127.0.0.1/tcp/0', null] }, 'InvalidConfig', /listen.*null/],
    [{ listen: '' }, 'InvalidAddress', /listen: ""/],
    [
      { listen: '127.0.0.1:3000' },
      'InvalidAddress',
      /listen: "127\.0\.0\.1:3000".* write \/ip4\/127\.0\.0\.1\/tcp\/3000$/,
    ],
    [{ listen: ':3000' }, 'InvalidAddress', /write \/ip4\/0\.0\.0\.0\/tcp\/3000$/],
    [{ listen: 'ip4/127.0.0.1/tcp/0' }, 'InvalidAddress', /write \/ip4\/127\.0\.0\.1\/tcp\/0$/],
    // Advice, and examples, that would be taken.
    [{ listen: 'localhost:0' }, 'InvalidAddress', /write \/dns\/localhost\/tcp\/0$/],
    [{ listen: 'localhost:99999' }, 'InvalidAddress', /multiaddr \(such as \/ip4\/192\.0\.2\.1\/tcp\/9000\)$/],
    [{ listen: `ip4/127.0.0.1/tcp/0/p2p/${PEER}` }, 'InvalidAddress', /tcp\/9000\)$/],
    [{ announce: ':4001' }, 'InvalidAddress', /^announce: .* \(such as \/ip4\/192\.0\.2\.1\/tcp\/9000\)$/],
    [{ announce: 'example.org:0' }, 'InvalidAddress', /tcp\/9000\)$/],
    [{ bootNodes: 'localhost:0' }, 'InvalidAddress', /^bootNodes: .* \(such as .*\/p2p\/<peer id>\)$/],
    [{ listen: '/ip4/127.0.0.1' }, 'InvalidAddress', /TCP/],
    [{ listen: '/ip4/256.0.0.1/tcp/0' }, 'InvalidAddress', /256/],
    [{ listen: '/ip4/127.0.0.1/tcp/65536' }, 'InvalidAddress', /65536/],
    [{ listen: '/ip4/127.0.0.1/udp/0/quic-v1' }, 'InvalidAddress', /quic/],
    [{ listen: '/ip4/127.0.0.1/tcp/0/ws' }, 'InvalidAddress', /ws/],
    [{ listen: `/ip4/127.0.0.1/tcp/0/p2p/${PEER}` }, 'InvalidAddress', /listen.*leave out its \/p2p part/],

    [{ announce: 4001 }, 'InvalidConfig', /announce.*4001/],
    [{ announce: '192.0.2.1:4001' }, 'InvalidAddress', /announce: "192\.0\.2\.1:4001"/],
    [{ announce: `/ip4/192.0.2.1/tcp/4001/p2p/${PEER}` }, 'InvalidAddress', /announce.*leave out its \/p2p part/],
    [{ announce: '/ip4/0.0.0.0/tcp/4001' }, 'InvalidAddress', /announce.*not every interface/],
    [{ announce: ['/dns4/example.org/tcp/0'] }, 'InvalidAddress', /announce.*port/],

    [{ bootNodes: PEER }, 'InvalidAddress', /bootNodes.*ends in \/p2p/],
    [{ bootNodes: `/p2p/${PEER}` }, 'InvalidAddress', /ends in \/p2p/],
    [{ bootNodes: '/ip4/192.0.2.1/tcp/9000' }, 'InvalidAddress', /ends in \/p2p/],
    [{ bootNodes: 'foo' }, 'InvalidAddress', /^bootNodes: "foo" must be a multiaddr that ends in/],
    [{ bootNodes: '' }, 'InvalidAddress', /bootNodes.*"".*left out/],
    [
      { bootNodes: 'localhost:4001' },
      'InvalidAddress',
      /^bootNodes: "localhost:4001" .* write \/dns\/localhost\/tcp\/4001\/p2p\/<peer id>$/,
    ],
    [{ bootNodes: `/ip4/192.0.2.1/tcp/0/p2p/${PEER}` }, 'InvalidAddress', /^bootNodes: .*\/tcp\/0.* 0 is no port/],
    [{ bootNodes: [5] }, 'InvalidConfig', /bootNodes.*5/],
    [{ bootNodes: '/ip4/192.0.2.1/tcp/9000/p2p/nobody' }, 'InvalidPeerId', /bootNodes.*"nobody"/],
    [{ bootNodes: `/ip4/192.0.2.1/udp/9000/p2p/${PEER}` }, 'InvalidAddress', /TCP/],

    [{ keep: '/ip4/192.0.2.1/tcp/9000' }, 'InvalidAddress', /keep.*ends in \/p2p/],
    [{ keep: 'nonsense' }, 'InvalidPeerId', /keep.*"nonsense"/],
    [{ keep: '192.0.2.1:4001' }, 'InvalidAddress', /keep.* write \/ip4\/192\.0\.2\.1\/tcp\/4001\/p2p\/<peer id>$/],
    [{ keep: `/ip4/192.0.2.1/tcp/0/p2p/${PEER}` }, 'InvalidAddress', /keep: .* 0 is no port/],
    [{ keep: '' }, 'InvalidPeerId', /keep.*""/],
    [{ keep: [5] }, 'InvalidConfig', /keep.*5/],

    [{ dataDir: '' }, 'InvalidConfig', /dataDir.*""/],
    [{ dataDir: 5 }, 'InvalidConfig', /dataDir.*5/],
    [{ dataDir: 'a\0b' }, 'InvalidConfig', /dataDir/],
    [{ dataDir: '~/node' }, 'InvalidConfig', /dataDir.*"~\/node".*homedir\(\)/],
    [{ dataDir: '$HOME/node' }, 'InvalidConfig', /dataDir.*homedir\(\)/],
    [{ dataDir: 'file:///var/node' }, 'InvalidConfig', /dataDir.*pass "\/var\/node"$/],
    [{ dataDir: 'file:' }, 'InvalidConfig', /dataDir.* is a URL$/],
    [{ dataDir: 'file://~/node' }, 'InvalidConfig', /dataDir.* is a URL$/],
    [{ dataDir: new URL('file:///var/node') }, 'InvalidConfig', /dataDir.*fileURLToPath/],
    [{ record: '~/a.t2pr' }, 'InvalidConfig', /record.*homedir\(\)/],
    [{ record: { to: 'file:///a.t2pr' } }, 'InvalidConfig', /record.*pass "\/a\.t2pr"$/],
    [{ ping: { timeout: 600, test: 601 } }, 'InvalidConfig', /ping\.test.*at most ping\.timeout \(600 ms\)/],

    [{ topics: [''] }, 'InvalidConfig', /^topics: .*""/],
    [{ topics: ['x'.repeat(257)] }, 'InvalidConfig', /topic/],
    [{ topics: [7] }, 'InvalidConfig', /topics.*7/],
    [{ topics: { block: true } }, 'InvalidConfig', /topics.*block/],

    [{ scheduler: {} }, 'InvalidConfig', /scheduler/],
    [{ scheduler: null }, 'InvalidConfig', /scheduler/],
    [{ scheduler: 'asap' }, 'InvalidConfig', /scheduler.*asap/],
    [{ logger: 'console' }, 'InvalidConfig', /logger.*console/],
  ])('%j is wrong, and the message names the option and the value', (config, code, message) => {
    expect(fault(config)).toMatchObject({ name: 'P2pError', code, message: expect.stringMatching(message) })
  })

  const numbers: [string, (value: unknown) => unknown][] = [
    ['discoveryInterval', (discoveryInterval) => ({ discoveryInterval })],
    ['reqResp.connectionKeepAlive', (connectionKeepAlive) => ({ reqResp: { connectionKeepAlive } })],
    ['ping.interval', (interval) => ({ ping: { interval } })],
    ['ping.timeout', (timeout) => ({ ping: { timeout } })],
    ['ping.test', (test) => ({ ping: { timeout: 2 ** 31 - 1, test } })],
    ['reqResp.requestTimeout', (requestTimeout) => ({ reqResp: { requestTimeout } })],
    ['reqResp.maxRequestSize', (maxRequestSize) => ({ reqResp: { maxRequestSize } })],
    ['reqResp.maxResponseSize', (maxResponseSize) => ({ reqResp: { maxResponseSize } })],
  ]
  it.each(numbers)('has a whole positive number for %s, in a range that the platform can hold', (name, config) => {
    for (const value of [1, 1_000, 2 ** 31 - 1]) expect(fault(config(value))).toBeUndefined()
    for (const value of [0, -1, 0.5, NaN, Infinity, -Infinity, 2 ** 31, '1000', null, {}, [], true]) {
      const message = expect.stringContaining(name) as unknown
      expect(fault(config(value))).toMatchObject({ code: 'InvalidConfig', message })
    }
  })

  it('never shows its secret in a message', () => {
    const secret = 'XZYk2USPCmrRp7mCu5pT8XuQKprUf58qESu4QcQv9rJ'
    expect(fault({ secret, discoveryInterval: -1 })?.message).not.toContain(secret)
    expect(fault({ sceret: secret })?.message).not.toContain(secret)
    expect(fault(secret)?.code).toBe('InvalidConfig')
  })

  it('is read once for all that need it', () => {
    const accept = (): 'accept' => 'accept'
    const read = readConfig({ pubsub: { maxMessageSize: 2_000, validators: { block: accept } }, record: 'a.t2pr' })
    expect(read).toMatchObject({
      settings: { maxMessageSize: 2_000, guardedTopics: ['block'] },
      pubsub: { maxMessageSize: 2_000 },
      validators: { block: accept },
      record: { to: 'a.t2pr', redact: false },
    })
    expect(readConfig({}).record).toBeUndefined()
    expect(fault({ record: 7 })?.message).toContain('record must be')
  })

  it('is not changed by being read, and what was read does not change with it', () => {
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const topics = ['block']
    const bootNodes = [`/ip4/192.0.2.1/tcp/9000/p2p/${PEER}`]
    const config = Object.freeze({ listen: Object.freeze(listen) as string[], topics, bootNodes })
    const settings = settingsOf(config)
    topics.push('tx')
    bootNodes.pop()
    expect(settings.topics).toEqual(['block'])
    expect(settings.bootNodes[PEER]).toHaveLength(1)
    settingsOf({}).listen.push('/ip4/127.0.0.1/tcp/1')
    expect(settingsOf({}).listen).toEqual(['/ip4/0.0.0.0/tcp/0'])
  })
})
