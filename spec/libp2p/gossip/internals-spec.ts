/** Whether a gossipsub is the one that we know: also in what it keeps of each peer, of which there is nothing at the start. */
import { expect, it } from '@jest/globals'
import { internalsOf } from '../../../src/libp2p/gossip/internals.js'
import { PINNED } from '../../../src/libp2p/patches/supported.js'

const nothing = (): undefined => undefined
const VERSION = PINNED['@libp2p/gossipsub']

/** A gossipsub with all that we reach, which keeps `stats` of a peer. */
function gossipsub(stats: object, score: object = {}) {
  const peerStats = new Map<string, object>()
  const addPeer = (peer: string): unknown => peerStats.set(peer, stats)
  const own = { params: { topics: {} }, peerStats, scoreCache: new Map(), score: nothing, addPenalty: nothing, addPeer }
  return {
    seenCache: { has: nothing, put: nothing },
    streamsOutbound: new Map(),
    score: Object.defineProperties(own, Object.getOwnPropertyDescriptors(score)),
    mesh: new Map(),
    backoff: new Map(),
    makePrune: nothing,
    addToMesh: nothing,
    sendGraft: nothing,
    handleGraft: nothing,
    getMeshPeers: nothing,
    handleReceivedRpc: nothing,
    handleReceivedMessage: nothing,
    reportMessageValidationResult: nothing,
    sendRpc: nothing,
    validateReceivedMessage: nothing,
  }
}

it('the gossipsub that we know is taken, and knows no peer more than before', () => {
  const pubsub = gossipsub({ connected: true, topics: {} })
  expect(internalsOf(pubsub as never)).toBe(pubsub)
  expect(pubsub.score.peerStats.size).toBe(0)
})

it.each([
  [{ connected: true, byTopic: {} }, {}, 'topics is undefined and not object'],
  [{ isConnected: true, topics: {} }, {}, 'connected is undefined and not writable boolean'],
  [
    {
      topics: {},
      get connected() {
        return true
      },
    },
    {},
    'connected is computed boolean and not writable boolean',
  ],
  [
    {},
    {
      get addPeer() {
        return nothing
      },
    },
    'score.addPeer is computed function and not writable function',
  ],
])('another one is refused: %#', (stats, score, found) => {
  expect(() => internalsOf(gossipsub(stats, score) as never)).toThrow(
    `this version of @libp2p/gossipsub is not supported, tinyp2p needs ${VERSION}: ${found}`,
  )
})
