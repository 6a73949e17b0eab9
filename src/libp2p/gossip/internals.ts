/**
 * What we reach of gossipsub's inside, and a check that it is there. gossipsub tells too little of what it does (which streams
 * are open, what it drops and why) and does some things that we may not let happen; the other files of this folder read, and
 * replace, what is listed here, and nothing else.
 */
import type { GossipSub, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** gossipsub's stream to a peer; ours are of gossip/streams.ts. */
export interface OutboundStream {
  readonly protocol: string
  push(frame: Uint8Array): void
  pushPrefixed(frame: Uint8Array | Uint8ArrayList): void
  close(): Promise<void>
}

export interface InboundStream {
  close(): Promise<void>
}

/** What gossipsub made of a message before anybody above hears of it. */
export type Validated = { code: 'valid' | 'duplicate' } | { code: 'invalid'; reason: string; error?: string }

export interface TopicStats {
  invalidMessageDeliveries: number
}

export interface PeerStats {
  connected: boolean
  expire: number
  topics: Record<string, TopicStats>
  knownIPs: Set<string>
}

export interface PeerScore {
  readonly params: { topics: Record<string, object> }
  readonly peerStats: Map<string, PeerStats>
  readonly scoreCache: Map<string, unknown>
  score(peer: string): number
  addPenalty(peer: string, count: number, label: string): void
  /** Replaced. */
  addPeer(peer: string): void
}

export interface MessageCache {
  readonly msgs: Map<string, { message: RPC.Message; validated: boolean }>
  put(id: { msgId: Uint8Array; msgIdStr: string }, message: RPC.Message, validated: boolean): boolean
  /** Replaced. */
  getWithIWantCount(id: string, peer: string): { msg: RPC.Message; count: number } | null
}

export interface Metrics {
  onRpcRecv(rpc: RPC, bytes: number): void
  onRpcSent(rpc: RPC, bytes: number): void
  onRpcDataError(): void
}

export interface Internals {
  readonly metrics: Metrics | null
  readonly protocols: string[]
  /** Those that the router knows, topic → subscribers, topic → mesh. */
  readonly peers: Map<string, PeerId>
  readonly topics: Map<string, Set<string>>
  readonly mesh: Map<string, Set<string>>
  /** Our own topics. */
  readonly subscriptions: Set<string>
  readonly streamsInbound: Map<string, InboundStream>
  readonly streamsOutbound: Map<string, OutboundStream>
  /** What is to go to a peer with the next frame. */
  readonly control: Map<string, RPC.ControlMessage>
  readonly gossip: Map<string, RPC.ControlIHave[]>
  readonly seenCache: { readonly entries: Map<string, unknown>; has(id: string): boolean; put(id: string): unknown }
  readonly mcache: MessageCache
  readonly score: PeerScore
  /** Peers whose score was good up to a second ago: so many of their frames are read without a look at it. */
  readonly acceptFromWhitelist: Map<string, unknown>
  readonly gossipTracer: { readonly size: number; deliverMessage(id: string, duplicate?: boolean): void }

  isStarted(): boolean
  decodeRpc(frame: Uint8Array): RPC
  handleReceivedRpc(from: PeerId, rpc: RPC): Promise<void>
  reportMessageValidationResult(id: string, via: string, result: TopicValidatorResult): void
  selectPeersToPublish(topic: string): { tosend: Set<string> }
  piggybackControl(peer: string, rpc: RPC, control: RPC.ControlMessage): void
  onPeerConnected(peer: PeerId, connection: Connection): void
  onPeerDisconnected(peer: PeerId): void
  safeDispatchEvent(type: string, detail: { detail: object }): void

  /** Replaced, from here on. */
  onIncomingStream(stream: Stream, connection: Connection): void
  createInboundStream(peer: PeerId, stream: Stream): void
  createOutboundStream(peer: PeerId, connection: Connection): Promise<void>
  sendRpc(peer: string, rpc: RPC): boolean
  validateReceivedMessage(from: PeerId, message: RPC.Message): Promise<Validated>
}

const MAPS = [
  'peers',
  'topics',
  'mesh',
  'streamsInbound',
  'streamsOutbound',
  'control',
  'gossip',
  'acceptFromWhitelist',
] as const
const METHODS = [
  'isStarted',
  'decodeRpc',
  'handleReceivedRpc',
  'reportMessageValidationResult',
  'selectPeersToPublish',
  'piggybackControl',
  'onPeerConnected',
  'onPeerDisconnected',
  'safeDispatchEvent',
  'onIncomingStream',
  'createInboundStream',
  'createOutboundStream',
  'sendRpc',
  'validateReceivedMessage',
] as const

const PARTS: Partial<Record<keyof Internals, { maps?: string[]; methods: string[] }>> = {
  seenCache: { maps: ['entries'], methods: ['has', 'put'] },
  mcache: { maps: ['msgs'], methods: ['put', 'getWithIWantCount'] },
  score: { maps: ['peerStats', 'scoreCache'], methods: ['score', 'addPenalty', 'addPeer'] },
  gossipTracer: { methods: ['deliverMessage'] },
}

/** The cast, and a check that it holds. */
export function internalsOf(pubsub: GossipSub): Internals {
  const inside = pubsub as unknown as Internals
  const missing = [
    ...lacking(inside, MAPS, isMap),
    ...lacking(inside, METHODS, isFunction),
    ...lacking(inside, ['subscriptions'], (value) => value instanceof Set),
  ]
  for (const [name, { maps = [], methods }] of Object.entries(PARTS)) {
    const part: unknown = Reflect.get(inside, name) ?? {}
    const lacks = [...lacking(part as object, maps, isMap), ...lacking(part as object, methods, isFunction)]
    missing.push(...lacks.map((what) => `${name}.${what}`))
  }
  if (typeof (inside.score as Partial<PeerScore> | undefined)?.params?.topics !== 'object') missing.push('score.params')
  if (missing.length === 0) return inside
  throw new Error(`this version of @libp2p/gossipsub is not supported: ${missing.join(', ')} are not as we know them`)
}

function lacking(object: object, names: readonly string[], fits: (value: unknown) => boolean): string[] {
  return names.filter((name) => !fits(Reflect.get(object, name)))
}

function isMap(value: unknown): boolean {
  return value instanceof Map
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
