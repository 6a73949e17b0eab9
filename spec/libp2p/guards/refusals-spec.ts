/** Who is to blame for what is refused: whoever asks too much, and nobody who only shares something with it. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { PortEvent } from '../../../src/core/port.js'
import { MUXER } from '../../../src/libp2p/defaults.js'
import { Gater } from '../../../src/libp2p/gater.js'
import { framed } from '../../../src/libp2p/gossip/frames.js'
import { Admission } from '../../../src/libp2p/guards/admission.js'
import { admitting } from '../../../src/libp2p/guards/identify.js'
import { Unagreed } from '../../../src/libp2p/guards/lines/unagreed.js'
import { answerPings } from '../../../src/libp2p/guards/ping-server.js'
import { Refusals, type Refuse } from '../../../src/libp2p/guards/refusals.js'
import { PING } from '../../../src/libp2p/kad/messages.js'
import { KadServer } from '../../../src/libp2p/kad/server.js'
import { encodeQuestion } from '../../support/kad-question.js'
import { SaidStream } from '../../fuzz/tools/stream.js'

const RATE = 10

let told: string[]
let streams: SaidStream[]
const refuse: Refuse = (_, what, how) => void told.push(`${what}${how?.own === true ? ' of its own' : ''}`)

async function someone(host: number): Promise<Connection> {
  const remotePeer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  return { remotePeer, remoteAddr: multiaddr(`/ip4/5.6.7.${host}/tcp/1`) } as Connection
}

function stream(): SaidStream {
  const one = new SaidStream()
  streams.push(one)
  return one
}

beforeEach(() => {
  told = []
  streams = []
})

afterEach(() => {
  for (const one of streams) one.vanish()
})

describe('what is refused', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('is told once a second, and as its own where some of it was', () => {
    const refusals = new Refusals()
    const events: PortEvent[] = []
    refusals.emit = (event) => events.push(event)
    refusals.count('bob', 'kadRate', { own: false })
    refusals.count('bob', 'kadRate')
    refusals.count('eve', 'kadRate')
    refusals.count('eve', 'kadRate', { own: true })
    refusals.count('eve', 'kadRate', { hungUp: true })
    jest.advanceTimersByTime(1_000)
    expect(events).toEqual([
      { type: 'refused', peer: 'bob', what: 'kadRate', count: 2 },
      { type: 'refused', peer: 'eve', what: 'kadRate', count: 3, own: true, hungUp: true },
    ])
  })
})

describe('a neighbour of those who ask too much', () => {
  type Handler = (stream: Stream, connection: Connection) => unknown
  const ping = (): Uint8Array => new Uint8Array(32)
  const question = (): Uint8Array => framed(encodeQuestion({ type: PING, key: new Uint8Array(32) }))
  const guards: [string, (admission: Admission) => Handler, () => Uint8Array][] = [
    ['identifyRate', (admission) => admitting(admission, refuse)(() => undefined), ping],
    ['pingRate', (admission) => answerPings(admission, refuse), ping],
    ['kadRate', (admission) => kadServer(admission).handle, question],
  ]

  function kadServer(admission: Admission): KadServer {
    const events = { addEventListener: () => undefined }
    const components = { events } as unknown as ConstructorParameters<typeof KadServer>[0]
    return new KadServer(components, new Gater(''), admission, refuse)
  }

  it.each(guards)('is not to blame for a %s that they have used up, and they are', async (what, make, word) => {
    const handler = make(new Admission(RATE, () => 0))
    const asks = (connection: Connection, times: number): void => {
      for (let i = 0; i < times; i++) {
        const one = stream()
        void handler(one, connection)
        one.say(word())
      }
    }
    const greedy = await Promise.all([1, 2, 3, 4, 5, 6].map(someone))
    for (const connection of greedy) asks(connection, 2 * RATE)
    told = []
    asks(await someone(7), 2 * RATE)
    expect(new Set(told)).toEqual(new Set([what]))
    told = []
    asks(greedy[0]!, 1)
    expect(told).toEqual([`${what} of its own`])
  })

  it('is not to blame for streams of no protocol that they have opened, and they are', () => {
    const unagreed = new Unagreed(
      refuse,
      () => false,
      () => 0,
    )
    const opens = (peer: string, amount: number): boolean[] => {
      return Array.from({ length: amount }, () => unagreed.add({ peer, range: peer }, stream()))
    }
    expect(opens('greedy', MUXER.unagreedEach + 1)).toEqual([...Array<boolean>(MUXER.unagreedEach).fill(true), false])
    expect(told).toEqual(['streamUnagreed of its own'])
    for (let i = 0; i < 20; i++) opens(`${i}`, MUXER.unagreedEach - 1)
    told = []
    expect(opens('neighbour', 3)).toEqual([true, true, true])
    expect(new Set(told)).toEqual(new Set(['streamUnagreed']))
  })
})

describe('a question of Kademlia', () => {
  const events = { addEventListener: () => undefined }
  const components = { events } as unknown as ConstructorParameters<typeof KadServer>[0]

  async function asked(bytes: Uint8Array, leaves = false): Promise<void> {
    const server = new KadServer(components, new Gater(''), new Admission(RATE), refuse)
    const one = stream()
    server.handle(one, await someone(1))
    // It is gone when its answer is sent.
    if (leaves) {
      const send = one.send.bind(one)
      one.send = (data) => {
        one.vanish()
        return send(data)
      }
    }
    one.say(framed(bytes))
  }

  it('about records is refused to honest nodes of other networks too', async () => {
    await asked(encodeQuestion({ type: 0, key: new Uint8Array(32) }))
    expect(told).toEqual(['kadRecord'])
  })

  it('that is none breaks the protocol', async () => {
    await asked(Uint8Array.of(0xff, 0xff, 0xff))
    expect(told).toEqual(['kadMalformed of its own'])
  })

  it('whose asker does not wait for the answer is one', async () => {
    await asked(encodeQuestion({ type: PING, key: new Uint8Array(32) }), true)
    expect(told).toEqual([])
  })
})
