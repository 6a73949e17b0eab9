/**
 * Frames that go out to a peer, in gossipsub's place. No frame is over the limit, which an IHAVE of many ids or an answer to
 * IWANT of many messages would be, and no more waits for one peer than may. gossipsub would write until the stream is reset,
 * and lose everything that waits.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Drops } from './drops.js'
import { framed, pieces } from './frames.js'
import type { Gossipsub } from './gossipsub.js'
import type { Internals } from './internals.js'
import type { OutboundStream, PeerStreams } from './peer-streams.js'

export interface OutboundLimits {
  frame: number
  /** Bytes that may wait before messages of others, and before our own. */
  others: number
  own: number
}

export class Outbound {
  /** The last message that was encoded, and its frame: it mostly goes to several peers. */
  private last: { message: RPC.Message; frame: Uint8Array } | undefined

  /** Replaces gossipsub's. */
  constructor(
    private readonly pubsub: Gossipsub,
    inside: Internals,
    private readonly streams: PeerStreams,
    private readonly limits: OutboundLimits,
    private readonly drops: Drops,
  ) {
    inside.sendRpc = (peer, rpc) => this.send(peer, rpc)
  }

  queued(peer: string): number {
    return this.streams.to(peer)?.queued ?? 0
  }

  /** Sends a message of our own. False when it was not handed over. */
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

  private sendMessage(stream: OutboundStream, message: RPC.Message): boolean {
    if (this.last?.message !== message) {
      const [piece] = pieces({ subscriptions: [], messages: [message] }, this.limits.frame)
      if (piece === undefined) return false
      this.last = { message, frame: framed(piece.bytes) }
    }
    return write(stream, this.last.frame)
  }

  /** Always sent, except IHAVE, which would pile up without end for a peer that does not read. */
  private sendControl(peer: string, stream: OutboundStream, rpc: RPC): boolean {
    const control = rpc.control
    if (control !== undefined && control.ihave.length > 0 && stream.queued > this.limits.others) {
      rpc = { ...rpc, control: { ...control, ihave: [] } }
    }
    let sent = true
    for (const piece of pieces(rpc, this.limits.frame)) {
      if (!write(stream, framed(piece.bytes))) sent = false
      else this.announce(peer, piece.rpc)
    }
    return sent
  }

  private announce(peerId: string, { control }: RPC): void {
    for (const { topicID: topic } of control?.graft ?? []) {
      this.pubsub.safeDispatchEvent('gossipsub:graft', { detail: { peerId, topic, direction: 'outbound' } })
    }
    for (const { topicID: topic } of control?.prune ?? []) {
      this.pubsub.safeDispatchEvent('gossipsub:prune', { detail: { peerId, topic, direction: 'outbound' } })
    }
  }
}

/** False when the stream takes no more. */
function write(stream: OutboundStream, frame: Uint8Array): boolean {
  try {
    stream.raw.send(frame)
    return true
  } catch {
    return false
  }
}
