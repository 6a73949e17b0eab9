/**
 * The messages of the last heartbeats, for gossipsub's option `messageCache`: what peers are offered (IHAVE), and given when
 * they ask (IWANT).
 *
 * Package: @libp2p/gossipsub 17.1.1
 * Private members: none; the option is of a class that is not exported, so its public members are written anew here
 * Changes: a message goes to nobody before its verdict, and of an announcement it is told who has it too. What is kept is bounded in bytes: whoever has brought most loses its oldest first.
 * Without it: the stock cache gives a message to any peer that knows its id, also before its verdict and after a bad one. It keeps
 *   whatever comes in ten seconds, and with a small message the large frame that it came in.
 * Missing option: an answer to IWANT that waits for the verdict, as offers do
 *   (https://github.com/ChainSafe/js-libp2p-gossipsub/pull/277); a bound.
 * Guarded by: spec/integration/libp2p/pubsub-spec.ts, spec/libp2p/gossip/message-cache-spec.ts
 */
import type { GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { isAnnouncement } from '../../wire/gossip/announcement.js'
import { createShares, giveBack, hold, largestHolder } from '../../core/limits/shares.js'
import { frameSize } from './signed-message.js'

type StockCache = GossipsubOpts['messageCache']
/** Without its private members. */
type PublicCache = Pick<StockCache, keyof StockCache>
type Id = Parameters<StockCache['put']>[0]

interface Entry {
  message: RPC.Message
  /** Bytes that it is charged with, and to whom. */
  readonly cost: number
  readonly holder: string
  /** It was accepted, so it may be forwarded. */
  validated: boolean
  /** Peers that sent it before its verdict. */
  originatingPeers: Set<string>
  /** Peer → how often it has asked for the message. */
  iwantCounts: Map<string, number>
  /** Of an announcement that waits for its verdict: other peers that have it. */
  readonly announcers: Set<string> | undefined
}

/** Most messages are sent once and asked for by nobody, so they share these. */
const NOBODY: ReadonlySet<string> = new Set<string>()
const NEVER: ReadonlyMap<string, number> = new Map<string, number>()

/** What a message takes in addition to its bytes. */
const OVERHEAD = 1_024
/** Who has brought what we publish ourselves. */
const OURSELVES = ''

export class MessageCache implements PublicCache {
  readonly msgs = new Map<string, Entry>()
  /** Ids by heartbeat, the latest first. */
  readonly history: (Id & { topic: string })[][]
  notValidatedCount = 0
  private readonly shares = createShares()
  /** Holder → ids of what it has brought, the oldest first. */
  private readonly brought = new Map<string, Set<string>>()
  private coming: { id: string; peer: string } | undefined
  /** Announcements of large messages that wait for their verdict. */
  private readonly announced = new Set<string>()
  /** Another peer has such an announcement too, which is told once. */
  onAnnouncedAgain: (id: string, peer: string) => void = () => undefined

  /**
   * `length`: heartbeats that a message is kept; `offered`: heartbeats of whose messages peers are told; `most`: bytes that are kept.
   */
  constructor(
    length: number,
    private readonly offered: number,
    readonly msgIdToStrFn: (id: Uint8Array) => string,
    private readonly most = Infinity,
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

  /** Bytes. */
  get held(): number {
    return this.shares.used
  }

  /** The message of this id, which is put next, comes from this peer. (gossipsub does not say.) */
  comes(id: string, peer: string): void {
    this.coming = { id, peer }
  }

  put(id: Id, message: RPC.Message, validated = false): boolean {
    const { msgIdStr } = id
    const holder = this.coming?.id === msgIdStr ? this.coming.peer : OURSELVES
    this.coming = undefined
    if (this.msgs.has(msgIdStr)) return false
    const cost = frameSize(message) + OVERHEAD
    const nobody = { originatingPeers: NOBODY as Set<string>, iwantCounts: NEVER as Map<string, number> }
    const waits = !validated && message.data !== undefined && isAnnouncement(message.data)
    if (waits) this.announced.add(msgIdStr)
    const announcers = waits ? new Set([holder]) : undefined
    this.msgs.set(msgIdStr, { holder, cost, validated, message: copyOf(message), ...nobody, announcers })
    this.history[0]!.push({ ...id, topic: message.topic })
    if (!validated) this.notValidatedCount++
    hold(this.shares, holder, cost)
    const ids = this.brought.get(holder)
    if (ids === undefined) this.brought.set(holder, new Set([msgIdStr]))
    else ids.add(msgIdStr)
    while (this.shares.used > this.most && this.makeRoom());
    return true
  }

  /** Whoever has brought most loses its oldest that was judged; only then what waits for that. */
  private makeRoom(): boolean {
    const ids = this.brought.get(largestHolder(this.shares) ?? OURSELVES)
    if (ids === undefined || this.msgs.size === 1) return false
    let oldest: string | undefined
    for (const id of ids) {
      oldest ??= id
      if (this.msgs.get(id)?.validated !== true) continue
      oldest = id
      break
    }
    return oldest !== undefined && this.remove(oldest) !== null
  }

  observeDuplicate(id: string, from: string): void {
    const entry = this.msgs.get(id)
    if (entry?.validated !== false) return
    if (entry.originatingPeers === NOBODY) entry.originatingPeers = new Set([from])
    else entry.originatingPeers.add(from)
    this.announcedBy(id, from)
  }

  /** The peer has messages of these ids. */
  offeredBy(ids: Uint8Array[], peer: string): void {
    if (this.announced.size > 0) for (const id of ids) this.announcedBy(this.msgIdToStrFn(id), peer)
  }

  private announcedBy(id: string, peer: string): void {
    if (!this.announced.has(id)) return
    const announcers = this.msgs.get(id)?.announcers
    if (announcers === undefined || announcers.has(peer)) return
    announcers.add(peer)
    this.onAnnouncedAgain(id, peer)
  }

  get(id: Uint8Array): RPC.Message | undefined {
    return this.msgs.get(this.msgIdToStrFn(id))?.message
  }

  getWithIWantCount(id: string, peer: string): { msg: RPC.Message; count: number } | null {
    const entry = this.msgs.get(id)
    if (entry?.validated !== true) return null
    if (entry.iwantCounts === NEVER) entry.iwantCounts = new Map()
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
    this.announced.delete(id)
    const { message, originatingPeers } = entry
    entry.validated = true
    entry.originatingPeers = NOBODY as Set<string>
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
    this.announced.delete(id)
    if (!entry.validated) this.notValidatedCount--
    const { message, holder, cost, originatingPeers } = entry
    giveBack(this.shares, holder, cost)
    const ids = this.brought.get(holder)
    ids?.delete(id)
    if (ids?.size === 0) this.brought.delete(holder)
    return { message, originatingPeers }
  }
}

/**
 * Its parts are views of the frame that it came in, which may be far larger, and of the bytes of a publisher, a validator and subscribers,
 * who may write into them afterwards.
 */
function copyOf(message: RPC.Message): RPC.Message {
  const copy: RPC.Message = { topic: message.topic }
  for (const part of ['from', 'data', 'seqno', 'signature', 'key'] as const) {
    const bytes = message[part]
    if (bytes !== undefined) copy[part] = new Uint8Array(bytes)
  }
  return copy
}
