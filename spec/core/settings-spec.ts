/** Limits that depend on the asker, and relations that the defaults must keep. */
import { describe, expect, it } from '@jest/globals'
import { MESH } from '../../src/core/parameters.js'
import { defaultSettings, maxRequestOf, maxResponseOf, type Settings } from '../../src/core/settings.js'

const limits = (more: Partial<Settings>): Settings => ({ ...defaultSettings, ...more })

describe('the limits of requests of nodes', () => {
  it('are not below what services need, however little an application may send', () => {
    const small = limits({ maxRequestSize: 10, maxResponseSize: 10, maxMessageSize: 1_024 })
    expect([maxRequestOf(small, false), maxRequestOf(small, true)]).toEqual([10, 4_096])
    expect([maxResponseOf(small, false), maxResponseOf(small, true)]).toEqual([10, 131_072])
  })

  it('have room for a remembered broadcast of any size that is allowed', () => {
    const large = limits({ maxMessageSize: 1_000_000, maxResponseSize: 10 })
    expect(maxResponseOf(large, true)).toBe(1_000_000)
    expect(maxRequestOf(limits({ maxRequestSize: 5_000 }), true)).toBe(5_000)
  })
})

describe('the defaults', () => {
  it('keep within what other implementations allow', () => {
    // js-libp2p closes a connection with more than 10 early streams, and gossipsub waits 3 s for what an IWANT asked for.
    expect(defaultSettings.maxEarlyStreams).toBeLessThanOrEqual(10)
    expect(defaultSettings.validationTimeout).toBeLessThan(3_000)
    expect(defaultSettings.topicLinger).toBeGreaterThanOrEqual(MESH.unsubscribeBackoff)
  })

  it('give one peer less than all peers together', () => {
    const { limits: shared } = defaultSettings
    for (const name of ['requests', 'requestBytes', 'answerBytes', 'responseBytes', 'handlers'] as const)
      expect(shared[`${name}PerPeer`]).toBeLessThan(shared[name])
    expect(defaultSettings.maxValidatingPerPeer).toBeLessThan(defaultSettings.maxValidating)
    expect(defaultSettings.maxQueuedValues).toBeLessThan(defaultSettings.maxQueuedValuesPerPeer)
  })
})
