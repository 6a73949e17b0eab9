/** What the protocol's numbers and the settings of a node must be to each other. */
import { describe, expect, it } from '@jest/globals'
import { DIALS, GOSSIP, MESH, SCORE, STREAMS, TABLE } from '../../src/core/parameters.js'
import { defaultSettings as settings } from '../../src/core/settings.js'

describe('the parameters', () => {
  it('leave each other room', () => {
    expect(MESH.Dout).toBeLessThanOrEqual(MESH.Dlo)
    expect(MESH.Dlo).toBeLessThanOrEqual(MESH.D)
    expect(MESH.D).toBeLessThanOrEqual(MESH.Dhi)
    expect(GOSSIP.historyTold).toBeLessThanOrEqual(GOSSIP.history)
    expect(DIALS.addressTimeout).toBeLessThan(DIALS.timeout)
    expect(STREAMS.window).toBeLessThanOrEqual(STREAMS.sessionWindow)
    // A peer may come back within the minute, and its counts with it.
    expect(SCORE.retention).toBeGreaterThanOrEqual(MESH.pruneBackoff)
  })

  it('fit the settings', () => {
    // A topic that is joined again after it was left is not refused by those that still back off.
    expect(settings.topicLinger).toBeGreaterThanOrEqual(MESH.unsubscribeBackoff)
    // A message that is judged or fetched is still there for those that ask for it afterwards.
    expect(settings.validationTimeout).toBeLessThan(GOSSIP.history * GOSSIP.heartbeat)
    expect(settings.fetchTimeout).toBeLessThan(GOSSIP.history * GOSSIP.heartbeat)
    expect(settings.fetchTimeout).toBeLessThan(GOSSIP.seenTTL)
    expect(settings.requestTimeout).toBe(DIALS.timeout)
    expect(TABLE.lookupTimeout).toBeLessThan(settings.discoveryInterval)
    expect(settings.maxStreams).toBeLessThanOrEqual(STREAMS.maxInbound)
  })
})
