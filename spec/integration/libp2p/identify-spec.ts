/** What a stock libp2p node hears of ours by identify, and ours of it. */
import { afterEach, expect, it } from '@jest/globals'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { StreamHandler } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Peer, stopPeers } from '../../support/port-peer.js'

let stock: Libp2p | undefined

afterEach(async () => {
  await stock?.stop()
  await stopPeers()
})

function stockNode(): Promise<Libp2p> {
  return createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
}

it('tells the protocol version of the origin, and who made it', async () => {
  const peer = await Peer.listening()
  const node = await stockNode()
  stock = node
  const heard = new Promise<{ protocolVersion?: string; agentVersion?: string }>((resolve) => {
    node.addEventListener('peer:identify', ({ detail }) => resolve(detail))
  })
  await node.dial(multiaddr(`${peer.address}/p2p/${peer.id}`))
  expect(await heard).toMatchObject({ protocolVersion: '/tinychain/identify/1.0.0', agentVersion: 'tinyp2p' })
})

it('asks a peer again that has not answered in time what it is', async () => {
  const peer = await Peer.listening()
  const node = await stockNode()
  stock = node
  const name = '/ipfs/id/1.0.0'
  const { identify: service } = node.services as unknown as { identify: { handleProtocol: StreamHandler } }
  await node.unhandle(name)
  let asked = 0
  await node.handle(name, (stream, connection) => {
    if (++asked > 1) return service.handleProtocol(stream, connection)
  })
  await node.dial(multiaddr(`${peer.address}/p2p/${peer.id}`))
  const identified = await peer.next('identified', () => true, 20_000)
  expect(identified).toMatchObject({ peer: node.peerId.toString() })
  expect(asked).toBe(2)
}, 30_000)
