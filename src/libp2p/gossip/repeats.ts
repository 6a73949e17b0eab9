/**
 * Tells a message that was published again from one that comes by several ways. gossipsub drops both, because it knows a message by its
 * id alone, which may be a hash of the bytes.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import type { PortEvent } from '../../core/port.js'
import { GOSSIP } from '../../core/parameters.js'
import { unverified } from './signed-message.js'

interface Known {
  /** Signer and sequence number of each publish. */
  readonly publishes: Set<string>
  readonly until: number
}

export class Repeats {
  /** Message id → what has had it, for as long as gossipsub knows the id. The oldest first. */
  private readonly known = new Map<string, Known>()

  constructor(private readonly emit: (event: PortEvent) => void) {}

  note(id: string, message: RPC.Message): void {
    const now = performance.now()
    for (const [old, { until }] of this.known) {
      if (until > now) break
      this.known.delete(old)
    }
    this.known.delete(id)
    this.known.set(id, { publishes: new Set([nameOf(message)]), until: now + GOSSIP.seenTTL })
  }

  /** The id was known already. A repeat comes by several ways too. */
  seen(id: string, message: RPC.Message, via: PeerId): void {
    const { publishes } = this.known.get(id) ?? {}
    const name = nameOf(message)
    if (publishes === undefined || publishes.has(name)) return
    publishes.add(name)
    this.emit({ type: 'repeated', topic: message.topic, id, from: unverified(message).from, via: via.toString() })
  }
}

/** Not the bytes themselves, which are views of a network buffer. */
function nameOf({ from = new Uint8Array(), seqno = new Uint8Array() }: RPC.Message): string {
  return String.fromCharCode(...seqno, ...from)
}
