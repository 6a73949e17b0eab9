/** One attempt at one address: what libp2p is asked, and what counts as a sign of life. */
import { describe, expect, it } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { transports } from '../../src/libp2p/transports.js'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/1')

const silent = { listen: (): Promise<void> => Promise.resolve(), getListeners: () => [] }

describe('an attempt', () => {
  it('is one dial of this very address, with this signal', async () => {
    const dials: [Multiaddr, AbortSignal][] = []
    const connection = {} as Connection
    const { dial } = transports({
      transportManager: {
        dial(address, { signal }) {
          dials.push([address, signal])
          return Promise.resolve(connection)
        },
        ...silent,
      },
    })
    const { signal } = new AbortController()
    expect(await dial(ADDRESS, signal, () => undefined)).toBe(connection)
    expect(dials).toHaveLength(1)
    expect(dials[0]![0]).toBe(ADDRESS)
    expect(dials[0]![1]).toBe(signal)
  })

  it('has answered when its upgrade begins, and not when its socket does', () => {
    let answers = 0
    let progress = (_event: { type: string }): void => undefined
    const { dial } = transports({
      transportManager: {
        dial(_address, { onProgress }) {
          progress = onProgress
          return new Promise(() => undefined)
        },
        ...silent,
      },
    })
    void dial(ADDRESS, new AbortController().signal, () => answers++)
    progress({ type: 'tcp:open-connection' })
    expect(answers).toBe(0)
    progress({ type: 'upgrader:encrypt-outbound-connection' })
    expect(answers).toBe(1)
  })
})

describe('listening', () => {
  it('is asked for one address, and has those of its own listener alone', async () => {
    const listeners = [{ getAddrs: () => [multiaddr('/ip4/192.0.2.1/tcp/7')] }]
    const { listen } = transports({
      transportManager: {
        dial: () => Promise.reject(new Error('no')),
        listen(addresses) {
          listeners.push({ getAddrs: () => addresses })
          return Promise.resolve()
        },
        getListeners: () => [...listeners],
      },
    })
    expect(await listen(ADDRESS)).toEqual([ADDRESS.toString()])
  })
})
