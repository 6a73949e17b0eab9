/** How bytes get from node to node: TCP, encrypted by Noise, in Yamux streams. */
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import type { Libp2pInit } from 'libp2p'
import { NOISE, TCP, YAMUX } from './defaults.js'
import { yamuxWithEarlyStreams } from './early-streams.js'

export function transport(): Pick<Libp2pInit, 'transports' | 'connectionEncrypters' | 'streamMuxers'> {
  return {
    transports: [tcp(TCP)],
    connectionEncrypters: [noise(NOISE)],
    streamMuxers: [yamuxWithEarlyStreams(YAMUX)],
  }
}
