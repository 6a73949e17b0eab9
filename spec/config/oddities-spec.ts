/** What a config may say, and is probably not meant: told in the log. */
import { describe, expect, it } from '@jest/globals'
import { readConfig, type NodeConfig } from '../../src/config/config.js'
import { oddities } from '../../src/config/oddities.js'

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const OTHER = '12D3KooWKwVK6mTHm9PZQvTtJAyEZqGDFcEtgFiLQF9bqpZAuVSp'

const told = (config: NodeConfig): string[] => oddities(readConfig(config).settings, PEER)
const at = (peer: string): string => `/ip4/192.0.2.1/tcp/4001/p2p/${peer}`

describe('an odd config', () => {
  it('has times that are likely to be seconds', () => {
    expect(
      told({ discoveryInterval: 30, reqResp: { requestTimeout: 10 }, ping: { interval: 15, timeout: 20 } }),
    ).toEqual([
      'discoveryInterval is 30 ms: is it meant in seconds?',
      'reqResp.requestTimeout is 10 ms: is it meant in seconds?',
      'ping.interval is 15 ms: is it meant in seconds?',
      'ping.timeout is 20 ms: is it meant in seconds?',
    ])
  })

  it('has such limits, or ones of a part that are more than those of all', () => {
    expect(told({ limits: { authorizeTimeout: 5, answerIdleTimeout: 60, handlers: 10, handlersPerPeer: 20 } })).toEqual(
      [
        'limits.authorizeTimeout is 5 ms: is it meant in seconds?',
        'limits.answerIdleTimeout is 60 ms: is it meant in seconds?',
        'limits.handlersPerPeer is 20, more than the 10 of limits.handlers: it bounds nothing',
      ],
    )
    const small = { memory: 32 * 1024 * 1024, requests: 640, handlers: 100, connections: 5 }
    expect(told({ limits: { ...small, handshakes: 64, handshakesPerRange: 64 } })).toEqual([])
  })

  it('names the node alone', () => {
    const nobody = 'names nobody but this node, so it has nobody to dial'
    expect(told({ bootNodes: at(PEER), keep: PEER })).toEqual([`bootNodes ${nobody}`, `keep ${nobody}`])
  })

  it('denies the node itself, or everybody', () => {
    expect(told({ access: { deny: [PEER, '::/0', '10.0.0.0/8', '0.0.0.0/0'] } })).toEqual([
      'access.deny names this node itself: is another peer meant?',
      'access.deny names ::/0: that is every address of its kind',
      'access.deny names 0.0.0.0/0: that is every address of its kind',
    ])
  })

  it('is told from one that is not', () => {
    expect(told({})).toEqual([])
    expect(told({ bootNodes: [at(PEER), at(OTHER)], keep: [OTHER], discoveryInterval: 100 })).toEqual([])
  })
})
