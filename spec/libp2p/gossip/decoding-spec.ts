/** Frames of gossip that say more than an honest one does are not decoded: it would take 50 to 150 ms each. */
import { describe, expect, it } from '@jest/globals'
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { decodeRpc } from '../../../src/libp2p/gossip/decoding.js'
import { field } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'

const MiB = 1_048_576

/** As often as it fits into a frame, in these fields. */
function filling(number: number, ...around: number[]): Uint8Array {
  const piece = field(number, new Uint8Array())
  const frame = new Uint8Array(MiB - 40)
  for (let at = 0; at + piece.length <= frame.length; at += piece.length) frame.set(piece, at)
  const whole = frame.subarray(0, frame.length - (frame.length % piece.length))
  return around.reduceRight<Uint8Array>((inside, outside) => field(outside, inside), whole)
}

describe('a frame of gossip', () => {
  it('is decoded as stock gossipsub does it, with all that it may hold at once', () => {
    const bytes = (size: number): Uint8Array => new Uint8Array(size).fill(7)
    const all = <T>(amount: number, make: (index: number) => T): T[] =>
      Array.from({ length: amount }, (_, at) => make(at))
    const ids = all(1_000, () => bytes(20))
    const message = {
      from: bytes(38),
      data: bytes(100),
      seqno: bytes(8),
      topic: 'a',
      signature: bytes(64),
      key: bytes(36),
    }
    const rpc: RPC = {
      subscriptions: all(3_000, (at) => ({ topic: `${at}`, subscribe: true })),
      messages: all(1_000, () => message),
      control: {
        ihave: all(3, () => ({ topicID: 'a', messageIDs: ids })),
        iwant: [{ messageIDs: ids }],
        graft: all(100, () => ({ topicID: 'a' })),
        prune: all(100, () => ({ topicID: 'a', peers: [{ peerID: bytes(38) }], backoff: 60 })),
        idontwant: [{ messageIDs: ids.slice(0, 500) }],
      },
    }
    const frame = RPC.encode(rpc)
    expect(decodeRpc(frame)).toEqual(RPC.decode(frame))
  })

  it('is decoded without topics and ids that nobody here can know, and they are counted', () => {
    const id = (size: number): Uint8Array => new Uint8Array(size).fill(7)
    const messageIDs = [id(128), id(129), id(15_000)]
    const long = 'x'.repeat(257)
    const rpc: RPC = {
      subscriptions: [
        { topic: long, subscribe: true },
        { topic: 'é'.repeat(256), subscribe: true },
      ],
      messages: [],
      control: {
        ihave: [
          { topicID: 'a', messageIDs },
          { topicID: long, messageIDs: [id(1)] },
        ],
        iwant: [{ messageIDs }],
        graft: [{ topicID: long }, { topicID: 'a' }],
        prune: [
          { topicID: 'a', peers: [] },
          { topicID: long, peers: [] },
        ],
        idontwant: [{ messageIDs }, { messageIDs: [id(20)] }],
      },
    }
    let dropped = 0
    const { subscriptions, control } = decodeRpc(RPC.encode(rpc), (count) => (dropped += count))
    expect(subscriptions).toEqual([{ topic: 'é'.repeat(256), subscribe: true }])
    expect(control).toEqual({
      ihave: [{ topicID: 'a', messageIDs: [id(128)] }],
      iwant: [{ messageIDs: [id(128)] }],
      graft: [{ topicID: 'a' }],
      prune: [{ topicID: 'a', peers: [] }],
      idontwant: [{ messageIDs: [id(128)] }, { messageIDs: [id(20)] }],
    })
    expect(dropped).toBe(10)
  })

  const refused: [string, Uint8Array][] = [
    ...[1, 2, 3, 4, 5, 6].map((number): [string, Uint8Array] => [`field ${number} of a message`, filling(number, 2)]),
    ['the topic of a subscription', filling(2, 1)],
    ['the topic of an IHAVE', filling(1, 3, 1)],
    ['the topic of a GRAFT', filling(1, 3, 3)],
    ['the topic of a PRUNE', filling(1, 3, 4)],
    ['the record of a peer in a PRUNE', filling(2, 3, 4, 2)],
    ['controls', filling(3)],
    ['what nobody knows', filling(9)],
    [
      'ids without a byte',
      join(...Array.from({ length: 100 }, () => field(3, field(1, filling(2).subarray(0, 9_000))))),
    ],
  ]
  it.each(refused)('is malformed that repeats %s', (_, frame) => {
    expect(() => decodeRpc(frame)).toThrow(/again and again|too many/)
  })
})
