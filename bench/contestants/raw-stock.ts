/** js-libp2p as one would write it today: raw.ts over the transport as libp2p's own documentation puts it together. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import type { Contestant } from './contestant.js'
import { rawOver } from './raw.js'

export const contestant: Contestant = rawOver(() => ({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  // The one limit that fails requests: streams that come while the upgrade is not over.
  streamMuxers: [yamux({ maxEarlyStreams: 1_000 })],
}))
