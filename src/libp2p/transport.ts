/** How bytes get from node to node: TCP, encrypted by Noise, in Yamux streams. */
import type { Libp2pInit } from 'libp2p'
import { corkedTcp } from './corked.js'
import { NOISE, TCP, YAMUX } from './defaults.js'
import { tunedNoise } from './noise.js'
import { tunedYamux } from './yamux.js'

export function transport(): Pick<Libp2pInit, 'transports' | 'connectionEncrypters' | 'streamMuxers'> {
  return {
    transports: [corkedTcp(TCP)],
    connectionEncrypters: [tunedNoise(NOISE)],
    streamMuxers: [tunedYamux(YAMUX)],
  }
}
