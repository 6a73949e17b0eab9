/** Gossip of an attacker: frames by hand over a stream of a line, signed by whoever it likes. */
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { FrameReader } from '../../../src/libp2p/gossip/frames.js'
import { nextSequence, Signer } from '../../../src/libp2p/gossip/signed-message.js'
import { join } from '../../support/bytes.js'
import type { Context } from '../attacks/attack.js'
import { guest, IDENTIFY, PING, type GuestOptions } from './guest.js'
import type { Line } from './line.js'
import type { LineStream } from './line-stream.js'
import { random, sized } from './protobuf.js'

export const GOSSIP = '/meshsub/1.1.0'
/** The victim is in it. */
export const TOPIC = 'news'

type Control = Partial<RPC.ControlMessage>

/** Bytes of a frame of the victim. */
const MOST = 2 ** 20

const NONE: RPC.ControlMessage = { graft: [], prune: [], ihave: [], iwant: [], idontwant: [] }

export function rpc(parts: { messages?: RPC.Message[]; control?: Control; subscriptions?: RPC.SubOpts[] }): Uint8Array {
  const { messages = [], subscriptions = [], control } = parts
  return sized(RPC.encode({ messages, subscriptions, ...(control && { control: { ...NONE, ...control } }) }))
}

export function subscribe(topic: string, on = true): Uint8Array {
  return rpc({ subscriptions: [{ topic, subscribe: on }] })
}

/** So many ids of messages that nobody has. */
export function ids(amount: number): Uint8Array[] {
  return Array.from({ length: amount }, () => Buffer.from(Buffer.from(random(20)).toString('hex')))
}

export class Gossiper {
  private constructor(
    readonly line: Line,
    readonly stream: LineStream,
  ) {}

  /**
   * In the topic, and in the victim's mesh if that has room. `mute`: what the victim sends is not read; `hear` gets each message of it.
   */
  static async join(
    context: Context,
    {
      mute = false,
      hear: told,
      says,
      serve,
      ...options
    }: { mute?: boolean; hear?: (message: RPC.Message) => void } & GuestOptions = {},
  ): Promise<Gossiper> {
    const hear = (stream: LineStream): void => {
      stream.reads = !mute
      const frames = new FrameReader(MOST)
      stream.onData = (bytes) => {
        if (told === undefined) return
        frames.push(bytes)
        for (let frame = frames.next(); frame !== undefined; frame = frames.next())
          RPC.decode(frame).messages.forEach(told)
      }
    }
    const line = await guest(context, {
      ...options,
      serve: { [GOSSIP]: hear, ...serve },
      says: { protocols: [IDENTIFY, PING, GOSSIP], ...says },
    })
    const stream = line.stream(GOSSIP, join(subscribe(TOPIC), rpc({ control: { graft: [{ topicID: TOPIC }] } })))
    return new Gossiper(line, stream)
  }

  get isOpen(): boolean {
    return this.line.isOpen && this.stream.isOpen
  }
}

/** Frames of one valid message each, with data that differs. */
export async function signed(amount: number, size: number, topic = TOPIC): Promise<Uint8Array[]> {
  const key = await generateKeyPair('Ed25519')
  const signer = new Signer(peerIdFromPrivateKey(key), key)
  const frames: Uint8Array[] = []
  for (let at = 0; at < amount; at++)
    frames.push(rpc({ messages: [await signer.sign(topic, random(size), nextSequence())] }))
  return frames
}

/** A valid message of this key. */
export async function signedBy(key: PrivateKey, data: Uint8Array): Promise<RPC.Message> {
  return new Signer(peerIdFromPrivateKey(key), key).sign(TOPIC, data, nextSequence())
}

/** The same, with another signature. */
export function forged(message: RPC.Message): RPC.Message {
  return { ...message, signature: random(64) }
}
