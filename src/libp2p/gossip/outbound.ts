/**
 * What goes out to a peer, in gossipsub's place: no frame is over the limit (a piggybacked IHAVE or an answer to IWANT of many
 * messages would be), and no more waits for one peer than may. gossipsub would write until the stream is reset, and all that
 * waits with it is lost.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Drops } from './drops.js'
import { framed, pieces } from './frames.js'
import type { Internals } from './internals.js'
import type { GossipStream, GossipStreams } from './peer-streams.js'

export interface SendingLimits {
  frame: number
  /** Bytes that may wait before messages of others, and before our own. */
  others: number
  own: number
}

export class GossipSending {
  /** The last message that was encoded, and its frame: it mostly goes to several peers. */
  private last: { message: RPC.Message; rpc: RPC; frame: Uint8Array; bytes: number } | undefined

  /** Replaces gossipsub's. */
  constructor(
    private readonly inside: Internals,
    private readonly streams: GossipStreams,
    private readonly limits: SendingLimits,
    private readonly drops: Drops,
  ) {
    inside.sendRpc = (peer, rpc) => this.send(peer, rpc)
  }

  queued(peer: string): number {
    return this.streams.to(peer)?.queued ?? 0
  }

  /** A message of our own. Was it handed over? */
  publish(peer: string, message: RPC.Message): boolean {
    const stream = this.streams.to(peer)
    if (stream === undefined) return false
    if (stream.queued <= this.limits.own) return this.sendMessage(stream, message)
    this.drops.count(peer, 'queueFull', message.topic)
    return false
  }

  private send(peer: string, rpc: RPC): boolean {
    const stream = this.streams.to(peer)
    if (stream === undefined) return false
    this.sendPending(peer, stream)
    const { subscriptions, messages, control } = rpc
    let sent = true
    if (subscriptions.length > 0 || control !== undefined) {
      sent = this.sendControl(peer, stream, { subscriptions, messages: [], ...(control && { control }) })
    }
    for (const message of messages) {
      const full = stream.queued > this.limits.others
      if (full) this.drops.count(peer, 'queueFull', message.topic)
      sent = !full && this.sendMessage(stream, message) && sent
    }
    return sent
  }

  /** gossipsub changes the RPC that it sends, to add this to it; when that one goes to several peers, all of them get it. */
  private sendPending(peer: string, stream: GossipStream): void {
    const { inside } = this
    const control = inside.control.get(peer)
    const ihave = inside.gossip.get(peer)
    if (control === undefined && ihave === undefined) return
    const rpc: RPC = { subscriptions: [], messages: [] }
    if (control !== undefined) inside.piggybackControl(peer, rpc, control)
    const none = { graft: [], prune: [], ihave: [], iwant: [], idontwant: [] }
    if (ihave !== undefined) rpc.control = { ...none, ...rpc.control, ihave }
    inside.control.delete(peer)
    inside.gossip.delete(peer)
    if (this.sendControl(peer, stream, rpc)) return
    if (control !== undefined) inside.control.set(peer, control)
  }

  private sendMessage(stream: GossipStream, message: RPC.Message): boolean {
    if (this.last?.message !== message) {
      const [piece] = pieces({ subscriptions: [], messages: [message] }, this.limits.frame)
      if (piece === undefined) return false
      this.last = { message, rpc: piece.rpc, frame: framed(piece.bytes), bytes: piece.bytes.length }
    }
    const { rpc, frame, bytes } = this.last
    return this.write(stream, rpc, frame, bytes)
  }

  /** Always goes, but for what is only gossip: a peer that does not read would gather it for ever. */
  private sendControl(peer: string, stream: GossipStream, rpc: RPC): boolean {
    const control = rpc.control
    if (control !== undefined && control.ihave.length > 0 && stream.queued > this.limits.others) {
      rpc = { ...rpc, control: { ...control, ihave: [] } }
    }
    let sent = true
    for (const piece of pieces(rpc, this.limits.frame)) {
      if (!this.write(stream, piece.rpc, framed(piece.bytes), piece.bytes.length)) sent = false
      else this.announce(peer, piece.rpc)
    }
    return sent
  }

  private write(stream: GossipStream, rpc: RPC, frame: Uint8Array, bytes: number): boolean {
    try {
      stream.pushPrefixed(frame)
    } catch {
      return false
    }
    this.inside.metrics?.onRpcSent(rpc, bytes)
    return true
  }

  private announce(peerId: string, { control }: RPC): void {
    for (const { topicID: topic } of control?.graft ?? []) {
      this.inside.safeDispatchEvent('gossipsub:graft', { detail: { peerId, topic, direction: 'outbound' } })
    }
    for (const { topicID: topic } of control?.prune ?? []) {
      this.inside.safeDispatchEvent('gossipsub:prune', { detail: { peerId, topic, direction: 'outbound' } })
    }
  }
}
