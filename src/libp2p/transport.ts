/** How bytes get from node to node: TCP, encrypted by Noise, in Yamux streams. */
import type { Libp2pInit } from 'libp2p'
import { corkedTcp } from './patches/tcp-writes.js'
import { NOISE, TCP, YAMUX } from './defaults.js'
import { tunedNoise } from './patches/noise-frames.js'
import { tunedYamux } from './patches/yamux-streams.js'

export function transport(): Pick<Libp2pInit, 'transports' | 'connectionEncrypters' | 'streamMuxers'> {
  return {
    transports: [corkedTcp(TCP)],
    connectionEncrypters: [tunedNoise(NOISE)],
    streamMuxers: [tunedYamux(YAMUX)],
  }
}
