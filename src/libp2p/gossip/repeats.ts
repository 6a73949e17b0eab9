/**
 * Tells a message that was published again from one that comes by several ways. gossipsub drops both, because it knows a message by its
 * id alone, which may be a hash of the bytes.
 */
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import type { PortEvent } from '../../core/port.js'
import { GOSSIP } from '../../core/parameters.js'
import { GOSSIP_PUBLISHES, GOSSIP_REPEATS } from '../defaults.js'
import { Replays } from './replays.js'
import { unverified } from './signed-message.js'

/** Bytes of a sequence number, and of a peer id at most. */
const SEQUENCE = 8
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

  private readonly replays = new Replays()

  constructor(private readonly emit: (event: PortEvent) => void) {}

  note(id: string, message: RPC.Message): void {
    const publish = publishOf(message)
    if (publish !== undefined) this.replays.note(...publish)
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
    return publishOf(message) !== undefined && has(known, nameOf(message))
  }

  /** This publish was heard, however long ago: it is said again by somebody who has kept it. */
  isReplay(message: RPC.Message): boolean {
    const publish = publishOf(message)
    return publish !== undefined && this.replays.has(...publish)
  }

  /** Who has said first what has this id now; `undefined`: nobody, or it is not known any more. */
  firstOf(id: string): string | undefined {
    const known = this.known.get(id)
    if (known === undefined) return undefined
    const from = Uint8Array.from(known.first.slice(SEQUENCE), (char) => char.charCodeAt(0))
    return peerIdFromMultihash(Digest.decode(from)).toString()
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

/** Signer and sequence number, if there can be such ones. */
function publishOf({ from, seqno }: RPC.Message): [signer: string, sequence: bigint] | undefined {
  if (from === undefined || from.length > LONGEST || seqno?.length !== SEQUENCE) return undefined
  const sequence = new DataView(seqno.buffer, seqno.byteOffset, SEQUENCE).getBigUint64(0)
  return [String.fromCharCode(...from), sequence]
}

/** Not the bytes themselves, which are views of a network buffer. */
function nameOf({ from = new Uint8Array(), seqno = new Uint8Array() }: RPC.Message): string {
  return String.fromCharCode(...seqno, ...from)
}
