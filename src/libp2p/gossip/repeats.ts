/**
 * Tells a message that was published again from one that comes by several ways. gossipsub drops both, because it knows a message by its
 * id alone, which may be a hash of the bytes.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import type { PortEvent } from '../../core/port.js'
import { GOSSIP } from '../../core/parameters.js'
import { GOSSIP_PUBLISHES } from '../defaults.js'
import { unverified } from './signed-message.js'

/** Bytes of a peer id and a sequence number, at most. What is longer is no name. */
const LONGEST = 256

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

  /**
   * Just this publish was heard, or so many of the id that another one says nothing new. What is said of another one has to be verified:
   * its signer hears that it was in vain.
   */
  hasHeard(id: string, message: RPC.Message): boolean {
    const { publishes } = this.known.get(id) ?? {}
    if (publishes === undefined) return false
    if (publishes.size >= GOSSIP_PUBLISHES) return true
    const { from, seqno } = message
    return (from?.length ?? 0) + (seqno?.length ?? 0) <= LONGEST && publishes.has(nameOf(message))
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
