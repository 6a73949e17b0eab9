/** What happens when a package is not the one that its patch knows: an error that says so, or a node without the patch. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Connection, MultiaddrConnection, Stream } from '@libp2p/interface'
import { isBroken } from '../../../src/libp2p/patches/broken-connection.js'
import { skipIdleEvents } from '../../../src/libp2p/patches/idle-events.js'
import { bytesReceived, localAddress } from '../../../src/libp2p/patches/socket.js'
import { checkVersions, hasMembers, PINNED, requireMembers } from '../../../src/libp2p/patches/supported.js'
import { endWithDataFrame } from '../../../src/libp2p/patches/yamux-fin.js'
import { widen } from '../../../src/libp2p/patches/yamux-streams.js'

let warning: jest.SpiedFunction<typeof process.emitWarning>

beforeEach(() => {
  warning = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
})
afterEach(() => {
  jest.restoreAllMocks()
})

describe('a private member that is not as expected', () => {
  it('fails with the package, the version that is needed, and what was found', () => {
    const kad = { table: { add: 1 }, kb: null }
    expect(() => requireMembers('@libp2p/kad-dht', kad, { 'table.add': 'function', 'kb.root': 'object' })).toThrow(
      `this version of @libp2p/kad-dht is not supported, tinyp2p needs ${PINNED['@libp2p/kad-dht']}: ` +
        'table.add is number and not function, kb.root is undefined and not object.',
    )
    expect(() => requireMembers('libp2p', { a: new Map() }, { a: 'map' })).not.toThrow()
  })

  it.each([
    [
      'a getter',
      {
        get sendData() {
          return () => 0
        },
      },
      'computed',
    ],
    [
      'an accessor',
      {
        get sendData() {
          return () => 0
        },
        set sendData(_: () => number) {},
      },
      'computed',
    ],
    [
      'a getter of its class',
      new (class {
        get sendData() {
          return () => 0
        }
      })(),
      'computed',
    ],
    ['frozen', Object.freeze({ sendData: () => 0 }), 'read-only'],
    [
      'of its class, and nothing can be added',
      Object.preventExtensions(
        new (class {
          sendData() {
            return 0
          }
        })(),
      ),
      'read-only',
    ],
  ])('does not fit when it is to be replaced and is %s', (_, connection, kind) => {
    expect(() => requireMembers('@libp2p/tcp', connection, { sendData: 'function' })).not.toThrow()
    expect(() => requireMembers('@libp2p/tcp', connection, { sendData: 'writable function' })).toThrow(
      `sendData is ${kind} function and not writable function.`,
    )
  })

  it('fits when it is to be replaced and can be', () => {
    class Stock {
      count = 1
      inner = { send: () => 0 }
      send() {
        return 0
      }
    }
    const members = { send: 'writable function', count: 'writable number', 'inner.send': 'writable function' } as const
    expect(() => requireMembers('@libp2p/tcp', new Stock(), members)).not.toThrow()
    expect(() => requireMembers('@libp2p/tcp', {}, { send: 'writable function' })).toThrow(
      'send is undefined and not writable function',
    )
  })

  it('does not fit when it cannot be read', () => {
    const broken = {
      get socket() {
        throw new Error('not yet')
      },
    }
    expect(() => requireMembers('@libp2p/tcp', broken, { 'socket.cork': 'function' })).toThrow(
      'socket.cork is unreadable (Error: not yet) and not function.',
    )
  })

  it('is one warning when the node can do without', () => {
    for (let i = 0; i < 3; i++) expect(hasMembers('@libp2p/tcp', {}, { sendData: 'function' })).toBe(false)
    expect(warning.mock.calls).toEqual([
      [expect.stringContaining('sendData is undefined and not function. The node runs'), { code: 'TINYP2P_UNPATCHED' }],
    ])
  })

  it.each(['tcp', 'noise', 'yamux'])('leaves the connection of %s as it is', async (layer) => {
    const stock = { stock: true, connection: { stock: true } }
    const factory = () => ({
      dial: (_: unknown, { upgrader }: { upgrader: { upgradeOutbound(one: unknown): unknown } }) =>
        upgrader.upgradeOutbound(stock),
      createListener: () => undefined,
      secureInbound: () => Promise.resolve(stock),
      secureOutbound: () => Promise.resolve(stock),
      createStreamMuxer: () => stock,
    })
    await jest.isolateModulesAsync(async () => {
      if (layer === 'tcp') {
        jest.unstable_mockModule('@libp2p/tcp', () => ({ tcp: () => factory }))
        const { corkedTcp } = await import('../../../src/libp2p/patches/tcp-writes.js')
        const upgrader = { upgradeOutbound: (connection: MultiaddrConnection) => connection }
        expect(await corkedTcp({})({} as never).dial({} as never, { upgrader } as never)).toBe(stock)
      } else if (layer === 'noise') {
        jest.unstable_mockModule('@chainsafe/libp2p-noise', () => ({ noise: () => factory }))
        const { tunedNoise } = await import('../../../src/libp2p/patches/noise-frames.js')
        expect(await tunedNoise({})({} as never).secureOutbound({} as never)).toBe(stock)
      } else {
        jest.unstable_mockModule('@chainsafe/libp2p-yamux', () => ({ yamux: () => factory }))
        const { tunedYamux } = await import('../../../src/libp2p/patches/yamux-streams.js')
        expect(tunedYamux({})().createStreamMuxer({ status: 'open' } as never)).toBe(stock)
      }
    })
    expect(warning.mock.calls.length).toBe(1)
  })
})

describe('what looks for a private member that is not there', () => {
  it('takes a connection for what its public status says, and knows nothing of its socket', () => {
    for (let i = 0; i < 2; i++) {
      expect(['open', 'closed'].map((status) => isBroken({ status } as Connection))).toEqual([false, true])
      expect(localAddress({} as Connection)).toBeUndefined()
      expect(bytesReceived({} as Connection)).toBe(0)
    }
    expect(warning.mock.calls.map(([text]) => text)).toEqual([
      expect.stringContaining('muxer is undefined and not object. The node runs'),
      expect.stringContaining('maConn.socket is undefined and not object. The node runs'),
    ])
  })

  it('leaves a stream as it is', () => {
    const stream = { direction: 'outbound' }
    endWithDataFrame(stream as Stream)
    widen(stream as Stream, 1_024)
    skipIdleEvents(stream)
    expect(stream).toEqual({ direction: 'outbound' })
    expect(warning).toHaveBeenCalledTimes(3)
  })
})

describe('the versions that are installed', () => {
  it('are those that this release knows, so nothing is said', () => {
    checkVersions()
    checkVersions(new Map())
    expect(warning).not.toHaveBeenCalled()
  })

  it('are one warning for all of them when they are others', () => {
    const others = new Map([
      ...Object.entries(PINNED),
      ['@libp2p/kad-dht', '99.0.0'],
      ['@libp2p/gossipsub', '17.1.2-rc.1'],
    ] as [string, string][])
    for (let i = 0; i < 2; i++) checkVersions(others)
    expect(warning.mock.calls).toEqual([
      [
        `@libp2p/gossipsub 17.1.2-rc.1 is installed, and this release of tinyp2p knows ${PINNED['@libp2p/gossipsub']}; ` +
          `@libp2p/kad-dht 99.0.0 is installed, and this release of tinyp2p knows ${PINNED['@libp2p/kad-dht']}. ` +
          'If something fails, install what it knows.',
        { code: 'TINYP2P_VERSIONS' },
      ],
    ])
  })
})
