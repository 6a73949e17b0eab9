/** What is refused to a peer that speaks Kademlia: what it has said, and nothing that goes wrong on our side. */
import '../../../src/platform/polyfill.js'
import { beforeEach, describe, expect, it } from '@jest/globals'
import type { PeerId, Stream } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { Gater } from '../../../src/libp2p/gater.js'
import { framed } from '../../../src/libp2p/gossip/frames.js'
import { Admission } from '../../../src/libp2p/guards/admission.js'
import { KadClient } from '../../../src/libp2p/kad/client.js'
import { encodeAnswer, FIND_NODE } from '../../../src/libp2p/kad/messages.js'
import { KadServer } from '../../../src/libp2p/kad/server.js'
import { KADEMLIA } from '../../../src/wire/protocols.js'
import { connectionOf, SaidStream } from '../../fuzz/tools/stream.js'
import { SIGNED } from '../../fuzz/tools/signed.js'
import { encodeQuestion } from '../../support/kad-question.js'

const [us, them] = ['Ed25519', 'secp256k1'].map((type) =>
  peerIdFromString(SIGNED.find((one) => one.type === type)!.peer),
) as [PeerId, PeerId]
const UNREADABLE = Uint8Array.of(3, 0xff, 0xff, 0xff)

let refused: string[]
let isBroken: boolean
let stream: SaidStream

/** It fails at a question for us. */
const createServer = (): KadServer => {
  const components = {
    peerId: us,
    peerStore: { get: () => Promise.reject(new Error('nobody')) },
    addressManager: {
      getAddresses: () => {
        if (isBroken) throw new Error('a fault of ours')
        return []
      },
    },
    events: { addEventListener: () => undefined },
  }
  const tell = (_: string, what: string): void => void refused.push(what)
  return new KadServer(components, new Gater(us.toString()), new Admission(50), tell)
}

beforeEach(() => {
  refused = []
  isBroken = false
  stream = new SaidStream('inbound', KADEMLIA)
})

describe('a question', () => {
  const question = framed(encodeQuestion({ type: FIND_NODE, key: us.toMultihash().bytes }))

  beforeEach(() => {
    createServer().handle(
      stream,
      connectionOf(them, () => stream),
    )
  })

  it('is answered', () => {
    stream.say(question)
    expect(stream.sent).toBeGreaterThan(0)
    expect(refused).toEqual([])
  })

  it.each([
    ['that cannot be read', UNREADABLE],
    ['that is too large', Uint8Array.of(0xff, 0xff, 0x7f)],
  ])('%s is refused', (_, bytes) => {
    stream.say(bytes)
    expect(refused).toEqual(['kadMalformed'])
    expect(stream.status).toBe('aborted')
  })

  it('at which we fail ends the stream, and is no fault of who asks', () => {
    isBroken = true
    stream.say(question)
    expect(stream.status).toBe('aborted')
    expect(refused).toEqual([])
  })

  it('over a stream that takes no answer any more is no fault of who asks', () => {
    stream.send = () => {
      throw new Error('it is closed')
    }
    stream.say(question)
    expect(stream.status).toBe('aborted')
    expect(refused).toEqual([])
  })
})

describe('an answer', () => {
  const question = framed(encodeQuestion({ type: FIND_NODE, key: new Uint8Array(32) }))
  const answer = framed(encodeAnswer(FIND_NODE, []))
  let asking: Stream
  let heard: number
  let fail: () => void

  beforeEach(async () => {
    heard = 0
    fail = () => undefined
    const connection = connectionOf(them, () => stream)
    const gater = new Gater(us.toString())
    const components = {
      peerId: us,
      connectionManager: { getConnections: () => [connection] },
      ping: { ping: () => Promise.resolve(0) },
      registrar: { handle: () => Promise.resolve() },
    } as unknown as KadDHTComponents
    const client = new KadClient(components, gater, createServer(), (_, what) => refused.push(what))
    asking = await client.guarded().connectionManager.openStream(them, KADEMLIA)
    asking.send(question)
    asking.addEventListener('message', () => {
      fail()
      heard++
    })
  })

  it('is handed on, one for each question', () => {
    stream.say(answer)
    asking.send(Uint8Array.from([...question, ...question]))
    stream.say(answer, answer)
    expect([heard, refused, stream.status]).toEqual([3, [], 'open'])
  })

  it.each([
    ['with the one that somebody has', [Uint8Array.from([...answer, ...answer])]],
    ['after it', [answer, answer, answer]],
    ['and of which there is only the beginning', [answer, answer.subarray(0, 1)]],
  ])('that nobody has asked for is refused: %s', (_, chunks) => {
    stream.say(...chunks)
    expect([heard, refused, stream.status]).toEqual([1, ['kadAnswer'], 'aborted'])
  })

  it('that comes when we have closed our side is refused as well', async () => {
    stream.say(answer)
    await asking.close()
    stream.say(answer)
    expect([heard, refused, stream.status]).toEqual([1, ['kadAnswer'], 'aborted'])
  })

  it('that cannot be read is refused', () => {
    stream.say(UNREADABLE)
    expect([heard, refused, stream.status]).toEqual([0, ['kadAnswer'], 'aborted'])
  })

  it('at which we fail ends the stream, and is no fault of who gave it', () => {
    fail = () => {
      throw new Error('a fault of ours')
    }
    stream.say(answer)
    expect([refused, stream.status]).toEqual([[], 'aborted'])
  })
})
