/** How bytes get from node to node: TCP, encrypted by Noise, in Yamux streams. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { NOISE, TCP, YAMUX } from './defaults.js'

export function transport() {
  return {
    transports: [tcp(TCP)],
    connectionEncrypters: [noise(NOISE)],
    streamMuxers: [yamux(YAMUX)],
  }
}
