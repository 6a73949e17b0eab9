/** The public names of tinyp2p/testing. */
import '../platform/polyfill.js'

export { Counterexample, explore, shortest, type Property } from './explore.js'
export { marbles, type Expectation, type MarbleHelpers, type MarbleOptions } from './marbles.js'
export type { SimulateOptions, Skew } from './options.js'
export { simulate, type SimulatedNetwork } from './simulate.js'
export type { Datagram } from './network/wire.js'
export { readRecording, type HandledRequest, type RecordedBatch, type RecordedNode } from './recorded/read.js'
export type { RecordedBroadcast, RecordedRequest } from './recorded/stories.js'
export { replay, type Replay, type ReplayedStep, type ReplayOptions } from './replay.js'
export { RecordingError, type RecordingErrorCode, type RecordingHeader } from '../recording/format.js'
