/** The public names of tinyp2p/testing. */
import '../polyfill.js'

export { simulate, type SimulatedNetwork, type SimulateOptions, type Skew } from './simulate.js'
export type { Datagram } from '../network/simulated/wire.js'
