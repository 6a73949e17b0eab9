/**
 * Tells a message that was published again from one that comes by several ways. gossipsub drops both, because it knows a message by its
 * id alone, which may be a hash of the bytes.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import type { PortEvent } from '../../core/port.js'
import { GOSSIP } from '../../core/parameters.js'
import { GOSSIP_PUBLISHES, GOSSIP_REPEATS } from '../defaults.js'
import { unverified } from './signed-message.js'

/** Bytes of a peer id and a sequence number, at most. What is longer is no name. */
const LONGEST = 256

interface Known {
  /** Signer and sequence number of the first publish, and of others. */
  readonly first: string
  others: Set<string> | undefined
  readonly until: number
}

export class Repeats {
  /** Message id → what has had it, for as long as gossipsub knows the id, unless there are too many. The oldest first. */
  private readonly known = new Map<string, Known>()

  constructor(private readonly emit: (event: PortEvent) => void) {}

  note(id: string, message: RPC.Message): void {
    const now = performance.now()
    for (const [old, { until }] of this.known) {
      if (until > now && this.known.size < GOSSIP_REPEATS) break
      this.known.delete(old)
    }
    this.known.delete(id)
    this.known.set(id, { first: nameOf(message), others: undefined, until: now + GOSSIP.seenTTL })
  }

  /**
   * Just this publish was heard, or so many of the id that another one says nothing new. What is said of another one has to be verified:
   * its signer hears that it was in vain.
   */
  hasHeard(id: string, message: RPC.Message): boolean {
    const known = this.known.get(id)
    if (known === undefined) return false
    if (known.others !== undefined && known.others.size >= GOSSIP_PUBLISHES) return true
    const { from, seqno } = message
    return (from?.length ?? 0) + (seqno?.length ?? 0) <= LONGEST && has(known, nameOf(message))
  }

  /** The id was known already. A repeat comes by several ways too. */
  seen(id: string, message: RPC.Message, via: PeerId): void {
    const known = this.known.get(id)
    const name = nameOf(message)
    if (known === undefined || has(known, name)) return
    known.others ??= new Set()
    known.others.add(name)
    this.emit({ type: 'repeated', topic: message.topic, id, from: unverified(message).from, via: via.toString() })
  }
}

function has({ first, others }: Known, name: string): boolean {
  return name === first || others?.has(name) === true
}

/** Not the bytes themselves, which are views of a network buffer. */
function nameOf({ from = new Uint8Array(), seqno = new Uint8Array() }: RPC.Message): string {
  return String.fromCharCode(...seqno, ...from)
}
