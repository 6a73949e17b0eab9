/** Numbers that the model shares with libp2p and that libp2p has no option for: the stock value is ours, or this fails. */
import { describe, expect, it } from '@jest/globals'
import * as gossipsub from '../../node_modules/@chainsafe/libp2p-gossipsub/dist/src/constants.js'
import * as yamux from '../../node_modules/@chainsafe/libp2p-yamux/dist/src/constants.js'
import { MESH, STREAMS } from '../../src/core/parameters.js'

describe('a stock value that we cannot set', () => {
  it('is the one that the model goes by', () => {
    expect(gossipsub.BACKOFF_SLACK).toBe(MESH.backoffSlack)
    expect(gossipsub.GossipsubPruneBackoffTicks).toBe(MESH.backoffClearing)
    // It is an option, and a smaller one breaks Yamux's specification.
    expect(yamux.INITIAL_STREAM_WINDOW).toBe(STREAMS.window)
  })
})
