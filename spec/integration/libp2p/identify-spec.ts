/** What a stock libp2p node hears of ours by identify. */
import { afterEach, expect, it } from '@jest/globals'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Peer, stopPeers } from '../../support/port-peer.js'

let stock: Libp2p | undefined

afterEach(async () => {
  await stock?.stop()
  await stopPeers()
})

it('tells the protocol version of the origin, and who made it', async () => {
  const peer = await Peer.listening()
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  stock = node
  const heard = new Promise<{ protocolVersion?: string; agentVersion?: string }>((resolve) => {
    node.addEventListener('peer:identify', ({ detail }) => resolve(detail))
  })
  await node.dial(multiaddr(`${peer.address}/p2p/${peer.id}`))
  expect(await heard).toMatchObject({ protocolVersion: '/tinychain/identify/1.0.0', agentVersion: 'tinyp2p' })
})
