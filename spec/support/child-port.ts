/** The program of another-port.ts: a port that tells its id and address, and ends by itself once it is told to stop. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createLibp2pPort } from '../../src/libp2p/index.js'
import { LOOPBACK, PROTOCOL } from './port-peer.js'
import { PUBSUB } from './pubsub.js'

const topics = process.argv.slice(2)
const privateKey = await generateKeyPair('Ed25519')
const port = createLibp2pPort({ privateKey, protocols: [PROTOCOL], pubsub: PUBSUB })((event) => {
  if (event.type === 'stopped') process.disconnect()
  if (event.type !== 'listening') return
  for (const topic of topics) port.run({ type: 'join', topic, guarded: false })
  process.send!({ id: peerIdFromPrivateKey(privateKey).toString(), address: event.addresses[0] })
})
process.once('message', () => port.run({ type: 'stop' }))
port.run({ type: 'listen', addresses: [LOOPBACK] })
