/**
 * The real network behind the port: libp2p over TCP, Noise and Yamux, with identify, ping, Kademlia and gossipsub.
 * The polyfill has to be evaluated before libp2p is.
 */
import '../platform/polyfill.js'

export { createLibp2pPort, type Libp2pPortOptions } from './port.js'
