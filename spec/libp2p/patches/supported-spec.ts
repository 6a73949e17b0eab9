/** What happens when a package is not the one that its patch knows: an error that says so, or a node without the patch. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Connection, MultiaddrConnection, Stream } from '@libp2p/interface'
import { isBroken } from '../../../src/libp2p/patches/broken-connection.js'
import { skipIdleEvents } from '../../../src/libp2p/patches/idle-events.js'
import { bytesReceived, localAddress } from '../../../src/libp2p/patches/socket.js'
import { hasMembers, PINNED, requireMembers } from '../../../src/libp2p/patches/supported.js'
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
        expect(tunedYamux({})().createStreamMuxer({} as never)).toBe(stock)
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
