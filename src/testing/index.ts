/** The public names of tinyp2p/testing. */
import '../platform/polyfill.js'

export { Counterexample, explore, shortest, type Property } from './explore.js'
export { marbles, type Expectation, type MarbleHelpers, type MarbleOptions } from './marbles.js'
export { simulate, type SimulatedNetwork, type SimulateOptions, type Skew } from './simulate.js'
export type { Datagram } from './network/wire.js'
export { replay, type Replay, type ReplayedStep, type ReplayOptions } from './replay.js'
export { RecordingError, type RecordingErrorCode, type RecordingHeader } from '../recording/format.js'
