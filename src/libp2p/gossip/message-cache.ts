/**
 * The messages of the last heartbeats, for gossipsub's option `messageCache`: what peers are offered (IHAVE), and given when
 * they ask (IWANT).
 *
 * Package: @libp2p/gossipsub 17.1.1
 * Private members: none; the option is of a class that is not exported, so its public members are written anew here
 * Changes: a message goes to nobody before its verdict.
 * Without it: the stock cache gives a message to any peer that knows its id, also before its verdict and after a bad one.
 * Missing option: an answer to IWANT that waits for the verdict, as offers do
 *   (https://github.com/ChainSafe/js-libp2p-gossipsub/pull/277).
 * Guarded by: spec/integration/libp2p/pubsub-spec.ts, spec/libp2p/gossip/message-cache-spec.ts
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'

type StockCache = GossipsubOpts['messageCache']
/** Without its private members. */
type PublicCache = Pick<StockCache, keyof StockCache>
type Id = Parameters<StockCache['put']>[0]

interface Entry {
  message: RPC.Message
  /** It was accepted, so it may be forwarded. */
  validated: boolean
  /** Peers that sent it before its verdict. */
  originatingPeers: Set<string>
  /** Peer → how often it has asked for the message. */
  iwantCounts: Map<string, number>
}

export class MessageCache implements PublicCache {
  readonly msgs = new Map<string, Entry>()
  /** Ids by heartbeat, the latest first. */
  readonly history: (Id & { topic: string })[][]
  notValidatedCount = 0

  /** `length`: heartbeats that a message is kept; `offered`: heartbeats of whose messages peers are told. */
  constructor(
    length: number,
    private readonly offered: number,
    readonly msgIdToStrFn: (id: Uint8Array) => string,
  ) {
    this.history = Array.from({ length }, () => [])
  }

  /** For gossipsub. */
  get option(): StockCache {
    return this as unknown as StockCache
  }

  get size(): number {
    return this.msgs.size
  }

  put(id: Id, message: RPC.Message, validated = false): boolean {
    if (this.msgs.has(id.msgIdStr)) return false
    this.msgs.set(id.msgIdStr, { message, validated, originatingPeers: new Set(), iwantCounts: new Map() })
    this.history[0]!.push({ ...id, topic: message.topic })
    if (!validated) this.notValidatedCount++
    return true
  }

  observeDuplicate(id: string, from: string): void {
    const entry = this.msgs.get(id)
    if (entry?.validated === false) entry.originatingPeers.add(from)
  }

  get(id: Uint8Array): RPC.Message | undefined {
    return this.msgs.get(this.msgIdToStrFn(id))?.message
  }

  getWithIWantCount(id: string, peer: string): { msg: RPC.Message; count: number } | null {
    const entry = this.msgs.get(id)
    if (entry?.validated !== true) return null
    const count = (entry.iwantCounts.get(peer) ?? 0) + 1
    entry.iwantCounts.set(peer, count)
    return { msg: entry.message, count }
  }

  getGossipIDs(topics: Set<string>): Map<string, Uint8Array[]> {
    const ids = new Map<string, Uint8Array[]>()
    for (const { topic, msgId, msgIdStr } of this.history.slice(0, this.offered).flat()) {
      if (!topics.has(topic) || this.msgs.get(msgIdStr)?.validated !== true) continue
      const known = ids.get(topic)
      if (known === undefined) ids.set(topic, [msgId])
      else known.push(msgId)
    }
    return ids
  }

  /** The message was accepted. Returns it, and the peers that need not get it. */
  validate(id: string): { message: RPC.Message; originatingPeers: Set<string> } | null {
    const entry = this.msgs.get(id)
    if (entry === undefined) return null
    if (!entry.validated) this.notValidatedCount--
    const { message, originatingPeers } = entry
    entry.validated = true
    entry.originatingPeers = new Set()
    return { message, originatingPeers }
  }

  /** A heartbeat is over. */
  shift(): void {
    for (const { msgIdStr } of this.history.pop() ?? []) this.remove(msgIdStr)
    this.history.unshift([])
  }

  remove(id: string): { message: RPC.Message; originatingPeers: Set<string> } | null {
    const entry = this.msgs.get(id)
    if (entry === undefined) return null
    this.msgs.delete(id)
    if (!entry.validated) this.notValidatedCount--
    return entry
  }
}
