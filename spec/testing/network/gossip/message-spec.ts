/** The model of signatures and ids: what was changed is found, what is repeated is known. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { SignedMessage } from '../../../../src/core/port.js'
import type { IdentifiedMessage, MessageIdOf } from '../../../../src/core/pubsub.js'
import { GossipMessage, proofOf } from '../../../../src/testing/network/gossip/message.js'
import { bytes } from '../../../support/bytes.js'
import { clique, heard, idOf, join, line, publish, TOPIC } from './lab.js'
import { Lab, type Member } from '../lab.js'

const anySigned = fc
  .record({ topic: fc.string(), data: fc.uint8Array(), from: fc.string(), sequence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
  .map(({ sequence, ...unsigned }) => ({ ...unsigned, proof: proofOf(unsigned, sequence), sequence })) // prettier-ignore

describe('a proof', () => {
  it('is good for what was signed, and has its sequence number', () => {
    fc.assert(
      fc.property(anySigned, ({ sequence, ...signed }) => {
        const message = new GossipMessage(signed)
        expect(message.isGenuine).toBe(true)
        expect(message.sequence).toBe(sequence)
      }),
    )
  })

  it('is wrong for anything else', () => {
    const flipped = (proof: Uint8Array, bit: number): Uint8Array =>
      proof.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    fc.assert(
      fc.property(anySigned, fc.nat(95), fc.uint8Array({ maxLength: 30 }), (signed, bit, other) => {
        const changed: SignedMessage[] = [
          { ...signed, topic: `${signed.topic}!` },
          { ...signed, from: `${signed.from} ` },
          { ...signed, data: Uint8Array.of(...signed.data, 0) },
          { ...signed, proof: flipped(signed.proof, bit) },
          { ...signed, proof: new Uint8Array(0) },
        ]
        if (other.length !== 12) changed.push({ ...signed, proof: other })
        for (const message of changed) expect(new GossipMessage(message).isGenuine).toBe(false)
      }),
    )
  })
})

describe('a message that came in another way', () => {
  it('has its id if its proof is good, whoever is asked, and none if it is not', () => {
    const [lab, [a, b, c]] = clique(3) as [Lab, [Member, Member, Member]]
    join(a, b)
    lab.run(3_000)
    publish(a, 'x')
    publish(a, 'y')
    lab.run(10)
    const [x, y] = b.heard('message')
    const messages = [x!, { ...x!, data: bytes('z') }, y!, { ...y!, from: 'peer2' }, { ...y!, proof: x!.proof }]
    c.run({ type: 'verify', ask: 7, messages })
    expect(c.last('verified')).toMatchObject({ ask: 7, ids: [x!.id, '', y!.id, '', ''] })
    const { id, proof } = a.last('published')
    expect({ id, proof }).toEqual({ id: y!.id, proof: y!.proof })
    // It is not taken for heard.
    publish(c, 'x')
    expect(c.last('published')).toMatchObject({ id: x!.id, recipients: ['peer1', 'peer2'] })
  })
})

describe('an id', () => {
  it('is made of topic, data, signer and sequence number, and each host asks its own function', () => {
    const seen: IdentifiedMessage[] = []
    const messageIdOf: MessageIdOf = (message) => {
      const { topic, data, from, sequence } = message
      seen.push({ topic, data, from, sequence })
      return `${from} ${sequence}`
    }
    const lab = new Lab()
    const [a, b] = [lab.member('a', { messageIdOf }), lab.member('b')]
    join(a, b)
    lab.connect(a, b)
    lab.run(1_000)
    publish(a, 'x')
    publish(a, 'x')
    lab.run(10)
    expect(seen.map(({ sequence, ...message }) => ({ ...message, sequence: typeof sequence }))).toEqual([
      { topic: TOPIC, data: bytes('x'), from: 'a', sequence: 'bigint' },
      { topic: TOPIC, data: bytes('x'), from: 'a', sequence: 'bigint' },
    ])
    expect(seen[0]!.sequence).not.toBe(seen[1]!.sequence)
    expect(a.heard('published').map(({ id }) => id)).toEqual(seen.map(({ sequence }) => `a ${sequence}`))
    // b goes by what is in them.
    expect(b.heard('message').map(({ id }) => id)).toEqual([idOf('x')])
  })

  it('of one host is never that of another of its lives', () => {
    const messageIdOf: MessageIdOf = ({ from, sequence }) => `${from} ${sequence}`
    const lab = new Lab()
    const ids: string[] = []
    for (let life = 0; life < 3; life++) {
      const [a, b] = [lab.member('a', { messageIdOf }), lab.member(undefined, { messageIdOf })]
      join(b)
      a.run({ type: 'dial', target: b.peerId, addresses: [b.address] })
      lab.run(100)
      for (let i = 0; i < 5; i++) publish(a, 'x')
      ids.push(...a.heard('published').map(({ id }) => id))
      a.host.crash()
    }
    expect(new Set(ids).size).toBe(15)
  })

  it('of networks that name messages alike lets the same bytes through again, if it is unique', () => {
    const [lab, [a, b]] = line(2, { pubsub: { messageIdOf: ({ from, sequence }) => `${from} ${sequence}` } }) as [
      Lab,
      [Member, Member],
    ]
    join(a, b)
    lab.run(1_000)
    publish(a, 'x')
    publish(a, 'x')
    lab.run(10)
    expect(heard(b)).toEqual(['x', 'x'])
  })
})
