/** What is found out about a message before its signature is looked at. */
import { beforeEach, describe, expect, it } from '@jest/globals'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { MessageAdmission } from '../../../src/libp2p/gossip/admission.js'
import { Drops } from '../../../src/libp2p/gossip/drops.js'
import type { Internals, Validated } from '../../../src/libp2p/gossip/internals.js'
import { Repeats } from '../../../src/libp2p/gossip/repeats.js'
import type { Scores } from '../../../src/libp2p/gossip/scores.js'
import { nextSequence, Signer, unverified } from '../../../src/libp2p/gossip/signed-message.js'
import type { PortEvent } from '../../../src/core/port.js'
import { dearSigner } from '../../hostile/tools/rsa.js'
import { bytes, text } from '../../support/bytes.js'

const TOPIC = 'news'
const LIMIT = 2_000

let via: PeerId
let signer: Signer
let events: PortEvent[]
/** Messages whose signature was looked at. */
let verified: RPC.Message[]
let work: number
let replayed: number
let seen: Set<string>
let pauses: Promise<void>[]
let readable: boolean
let owes: boolean
let inside: Internals
let admission: MessageAdmission

/** As gossipsub, for which all signatures are right where there is a signer. */
function stock(ids: Set<string>): Internals {
  return {
    seenCache: { has: (id: string) => ids.has(id), put: (id: string) => ids.add(id) },
    validateReceivedMessage: (_: PeerId, message: RPC.Message): Promise<Validated> => {
      verified.push(message)
      if (message.from?.length !== 38 || message.seqno?.length !== 8) {
        return Promise.resolve({ code: 'invalid', reason: 'error' })
      }
      const msgIdStr = text(message.data!)
      if (ids.has(msgIdStr)) return Promise.resolve({ code: 'duplicate', msgIdStr })
      ids.add(msgIdStr)
      return Promise.resolve({ code: 'valid', messageId: { msgIdStr } })
    },
  } as unknown as Internals
}

const sign = (data: string, topic = TOPIC): Promise<RPC.Message> => signer.sign(topic, bytes(data), nextSequence())
const give = (message: RPC.Message): Promise<Validated> => inside.validateReceivedMessage(via, message)
const drops = async (): Promise<string[]> => {
  await new Promise(setImmediate)
  return events.flatMap((event) => (event.type === 'gossipDropped' ? [event.reason] : []))
}

beforeEach(async () => {
  via = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const key = await generateKeyPair('Ed25519')
  signer = new Signer(peerIdFromPrivateKey(key), key)
  verified = []
  work = replayed = 0
  pauses = []
  readable = true
  owes = false
  const mine: PortEvent[] = (events = [])
  const emit = (event: PortEvent): void => void mine.push(event)
  inside = stock((seen = new Set()))
  const scores = { changed: () => undefined, penalize: () => undefined, allowRead: () => readable }
  admission = new MessageAdmission(
    inside,
    LIMIT,
    (message) => text(unverified(message).data),
    new Drops(emit),
    scores as unknown as Scores,
    new Repeats(emit),
    { comes: () => undefined },
    {
      owes: () => owes,
      pause: () => pauses.shift(),
      work: (_, amount) => (work += amount),
      replayed: () => replayed++,
    },
    { silences: () => false },
  )
  admission.join(TOPIC)
})

describe('a message', () => {
  it('that was heard is not verified again, however often it comes', async () => {
    const message = await sign('a')
    expect(await give(message)).toMatchObject({ code: 'valid' })
    for (let i = 0; i < 100; i++) expect(await give(message)).toEqual({ code: 'duplicate', msgIdStr: 'a' })
    expect(verified.length).toBe(1)
    expect(work).toBeLessThan(60)
  })

  it('that was heard long ago is not delivered again, and the same bytes of a new publish are', async () => {
    const message = await sign('a')
    await give(message)
    // gossipsub forgets an id after a minute.
    seen.clear()
    expect(await give(message)).toEqual({ code: 'duplicate', msgIdStr: 'a' })
    expect([verified.length, replayed]).toEqual([1, 1])
    expect(await give(await sign('a'))).toMatchObject({ code: 'valid' })
  })

  it('that says what was heard is verified before anybody is told that its signer has published it', async () => {
    await give(await sign('a'))
    await give(await sign('a'))
    expect(verified.length).toBe(2)
    expect(events).toMatchObject([{ type: 'repeated', id: 'a', from: signer.peer.toString() }])
  })

  it('that says what was heard is not verified any more when it was said very often', async () => {
    for (let i = 0; i < 500; i++) await give(await sign('a'))
    expect(verified.length).toBe(65)
  })

  it('that is no message is given to gossipsub, or dropped, and never the end', async () => {
    await give(await sign('a'))
    const long = new Uint8Array(200_000)
    for (const odd of [{ from: long }, { seqno: long }, { from: undefined }, { key: long }, { seqno: undefined }]) {
      await give({ ...(await sign('a')), ...odd })
    }
    expect((await drops()).length).toBeGreaterThan(0)
  })

  it.each([
    ['of a topic that we are not in', async () => sign('a', 'nowhere'), 'unknownTopic'],
    ['that is too large', async () => sign('a'.repeat(LIMIT)), 'oversize'],
    ['whose key is dear', () => Promise.resolve(dearSigner()(bytes('a'))), 'key'],
    ['without a signer', async () => ({ topic: TOPIC, data: bytes('a') }), 'signature'],
  ])('%s is dropped unverified, and is some work', async (_, make, reason) => {
    expect(await give(await make())).toMatchObject({ code: 'invalid' })
    expect(verified).toEqual([])
    expect(work).toBeGreaterThan(0)
    expect(await drops()).toEqual([reason])
  })

  it('of a peer to which nobody listens any more is not verified when it has said too much, also in the same frame', async () => {
    readable = false
    owes = true
    expect(await give(await sign('a'))).toMatchObject({ code: 'invalid', reason: 'blacklisted' })
    expect(verified).toEqual([])
  })

  it('waits until its peer may go on', async () => {
    let goOn: () => void = () => undefined
    pauses = [new Promise((resolve) => (goOn = resolve)), Promise.resolve()]
    const given = give(await sign('a'))
    await new Promise(setImmediate)
    expect(verified).toEqual([])
    goOn()
    expect(await given).toMatchObject({ code: 'valid' })
    expect(pauses).toEqual([])
  })
})
