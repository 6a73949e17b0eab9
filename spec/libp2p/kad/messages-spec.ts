/** Messages of Kademlia that say more than an honest one does cannot be read. */
import { describe, expect, it } from '@jest/globals'
import { FIND_NODE, readAnswer, readQuestion } from '../../../src/libp2p/kad/messages.js'
import { count, field } from '../../hostile/tools/protobuf.js'
import { join } from '../../support/bytes.js'

const MOST = { peers: 20, addresses: 16 }
const id = new Uint8Array(38).fill(1)

function times(amount: number, piece: Uint8Array): Uint8Array {
  return join(...Array.from({ length: amount }, () => piece))
}

describe('a message of Kademlia', () => {
  it('is read with 20 peers of 100 addresses each', () => {
    const peer = join(field(1, id), times(100, field(2, new Uint8Array(8))), count(3, 1))
    const { closer } = readAnswer(join(count(1, FIND_NODE), times(20, field(8, peer))), MOST)
    expect(closer).toHaveLength(20)
  })

  it('cannot be read when it repeats its type, its key, or of a peer its id', () => {
    expect(() => readQuestion(times(1_000, count(1, FIND_NODE)))).toThrow()
    expect(() => readQuestion(times(1_000, field(2, new Uint8Array())))).toThrow()
    expect(() => readAnswer(field(8, times(1_000, field(1, new Uint8Array()))), MOST)).toThrow()
  })

  it('cannot be read with thousands of peers of nothing', () => {
    expect(() => readAnswer(times(5_000, field(8, new Uint8Array())), MOST)).toThrow()
  })
})
