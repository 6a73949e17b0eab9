/** The public names of tinyp2p/protocol: typed calls alone, for programs that get their node from elsewhere, such as a page in a browser. */
export { isP2pError, P2pError, type ErrorCode } from '../errors.js'
export type { Client, PeerMethods, TypedBroadcast, TypedValue } from './client.js'
export { bytes, json, nothing, utf8, type Codec, type CodecLike } from './codecs.js'
export { defineProtocol, type Protocol } from './define.js'
// The types of a definition are in what users export, so they must have names here.
export { stream, unary, type Method, type ResolvedMethods, type ResolvedTopics } from './definition.js'
export type { Handlers } from './serve.js'
export type { StandardSchemaV1 } from './standard-schema.js'
