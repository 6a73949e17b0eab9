/** Hosts of libp2p as the port makes them, started, with nothing of the port around them. */
import '../../src/platform/polyfill.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Gater } from '../../src/libp2p/gater.js'
import { createHost, type Host } from '../../src/libp2p/host.js'
import { PUBSUB } from './pubsub.js'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const hosts: Host[] = []

export async function startHost(): Promise<{ host: Host; gater: Gater }> {
  const privateKey = await generateKeyPair('Ed25519')
  const gater = new Gater(peerIdFromPrivateKey(privateKey).toString())
  gater.listensOn([LOOPBACK])
  const host = await createHost({ privateKey, pubsub: PUBSUB }, [LOOPBACK], gater)
  hosts.push(host)
  await host.start()
  return { host, gater }
}

/** A connection from `a` to `b`, as both of them have it. */
export async function connect(a: Host, b: Host): Promise<[Connection, Connection]> {
  const arrival = new Promise<Connection>((resolve) => {
    b.addEventListener('connection:open', ({ detail }) => {
      if (detail.remotePeer.equals(a.peerId)) resolve(detail)
    })
  })
  return [await a.dial(b.getMultiaddrs()), await arrival]
}

/** For `afterEach`. */
export async function stopHosts(): Promise<void> {
  await Promise.all(hosts.splice(0).map(async (host) => host.stop()))
}
