/** The public names of tinyp2p. */
import './polyfill.js'

export { createNode } from './create-node.js'
export type { NodeConfig } from './config.js'
export type { NodeStatus } from './core/status.js'
export type { Broadcast } from './edge/broadcasts.js'
export type { EventHandler, InboundRequest, RequestContext } from './edge/inbound.js'
export type { LogEntry } from './edge/log.js'
export { isP2pError, P2pError, type ErrorCode } from './errors.js'
export type { RecordOptions, RecordingSink } from './recording/options.js'
export { newSecret } from './identity.js'
export type { P2pNode, RequestOptions } from './node.js'
