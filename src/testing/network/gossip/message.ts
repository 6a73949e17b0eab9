/**
 * A broadcast on its way through the simulated network, and the model of its signature: the sequence number and a checksum
 * over all that is signed. Nothing is secret in it; it is there so that what was changed or made up is found.
 *
 * One object travels to all hosts, so what follows from its bytes is computed once for all of them.
 */
import { encodedMessageSize } from '../../../wire/gossip/message.js'
import { fnvOfBytes, fnvOfText } from '../../../core/fnv.js'
import type { SignedMessage } from '../../../core/port.js'
import type { MessageIdOf } from '../../../core/pubsub.js'

/** 8 bytes of sequence number, 4 of checksum. */
const PROOF_LENGTH = 12

type Unsigned = Omit<SignedMessage, 'proof'>

export class GossipMessage {
  readonly topic: string
  readonly data: Uint8Array
  readonly from: string
  readonly proof: Uint8Array
  /** Bytes on the wire. */
  readonly size: number
  private genuine: boolean | undefined
  private id: string | undefined
  private namedBy: MessageIdOf | undefined

  constructor({ topic, data, from, proof }: SignedMessage) {
    this.topic = topic
    this.data = data
    this.from = from
    this.proof = proof
    this.size = encodedMessageSize(topic, data.length)
  }

  /** Is it unchanged, and by the signer that it names? */
  get isGenuine(): boolean {
    this.genuine ??=
      this.proof.length === PROOF_LENGTH && checksum(this, this.sequence) === view(this.proof).getUint32(8)
    return this.genuine
  }

  /** Of a message with a proof of the right length. */
  get sequence(): bigint {
    return view(this.proof).getBigUint64(0)
  }

  /** Hosts that name messages in other ways get other ids; most often all have the same function. */
  idBy(messageIdOf: MessageIdOf): string {
    if (this.id === undefined || this.namedBy !== messageIdOf) {
      this.namedBy = messageIdOf
      this.id = messageIdOf(this)
    }
    return this.id
  }
}

export function proofOf(message: Unsigned, sequence: bigint): Uint8Array {
  const proof = new Uint8Array(PROOF_LENGTH)
  view(proof).setBigUint64(0, sequence)
  view(proof).setUint32(8, checksum(message, sequence))
  return proof
}

function view({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

/** FNV-1a with a finishing mix. Lengths keep what is signed apart. */
function checksum({ topic, data, from }: Unsigned, sequence: bigint): number {
  let hash = fnvOfBytes(data, fnvOfText(`${from} ${sequence} ${topic.length} ${topic}`))
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
