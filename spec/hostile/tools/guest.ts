/** A line that looks like an ordinary peer: it answers identify and ping, and kad as it likes. */
import { join } from '../../support/bytes.js'
import type { Context } from '../attacks/attack.js'
import { Line, type LineOptions, type Serve } from './line.js'
import type { LineStream } from './line-stream.js'
import { address, identifyMessage, newKey, type Identity } from './protobuf.js'

export const IDENTIFY = '/ipfs/id/1.0.0'
export const PUSH = '/ipfs/id/push/1.0.0'
export const PING = '/ipfs/ping/1.0.0'
export const KADEMLIA = '/ipfs/kad/1.0.0'

/** Where nobody listens. A peer without an address is none of the routing table. */
const HOME = address('/ip4/127.0.0.1/tcp/9')

export interface GuestOptions extends LineOptions {
  says?: Omit<Identity, 'key'>
  /** Gets each message of kad, without its length; gives the answer, with its length. */
  kad?: (message: Uint8Array) => Uint8Array
}

export async function guest(context: Context, { says = {}, kad, ...options }: GuestOptions = {}): Promise<Line> {
  const { privateKey, key } = await newKey()
  const protocols = [IDENTIFY, PING, ...(kad === undefined ? [] : [KADEMLIA])]
  const identity = identifyMessage({ protocols, addresses: [HOME], ...says, key })
  const serve: Serve = {
    [IDENTIFY]: (stream) => void stream.send(identity).then(() => stream.end()),
    [PING]: (stream) => (stream.onData = (bytes) => void stream.send(bytes.slice())),
    ...options.serve,
  }
  if (kad !== undefined) serve[KADEMLIA] = (stream) => answers(stream, kad)
  return Line.open(context, { privateKey, ...options, serve })
}

function answers(stream: LineStream, kad: (message: Uint8Array) => Uint8Array): void {
  let left: Uint8Array = new Uint8Array()
  stream.onData = (bytes) => {
    left = join(left, bytes)
    while (left.length > 0) {
      // Questions are short: two bytes of length at most.
      const [first = 0, second = 0] = left
      const start = first < 128 ? 1 : 2
      const size = first < 128 ? first : (first & 127) | (second << 7)
      if (left.length < start + size) return
      void stream.send(kad(left.subarray(start, start + size)))
      left = left.subarray(start + size)
    }
  }
}

/** The key of a question of kad, and its type: fields 1 and 2, in this order. */
export function questionOf(message: Uint8Array): { type: number; key: Uint8Array } {
  const type = message[0] === 8 ? message[1]! : 0
  const at = message.indexOf(18, message[0] === 8 ? 2 : 0)
  return { type, key: message.subarray(at + 2, at + 2 + message[at + 1]!) }
}
