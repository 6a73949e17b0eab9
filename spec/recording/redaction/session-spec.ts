/** A recorded node that catches up, validates, wants receipts and gives them, and fetches large messages: whole and redacted. */
import { describe, expect, it } from '@jest/globals'
import { createHash } from 'node:crypto'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import { encodeAnnouncement } from '../../../src/wire/gossip/announcement.js'
import { SESSION } from '../../../src/wire/protocols.js'
import { encodeHistoryValue, encodeServiceRequest } from '../../../src/wire/session/service.js'
import { bytes } from '../../support/core.js'
import { end, hello, join, reply, request } from '../../support/session.js'
import { effectsOf, comparable, RecordedCore, withoutPayloads } from '../../support/recorded-core.js'

const SECRET = 'xyzzy'
const secret = (text: string): Uint8Array => bytes(`${SECRET} ${text}`)
const LARGE = bytes(SECRET.repeat(20_000))
const HASH = new Uint8Array(createHash('sha256').update(LARGE).digest())

/** Runs it; streams are answered, writes taken, messages verified, accepted and hashed, as a network and its callers do. */
class Recorded {
  readonly core: RecordedCore
  private at = 10

  constructor(redacted: boolean, settings = {}) {
    const all = { protocols: [SESSION], gossipPatience: 0, guardedTopics: ['block'], connectionKeepAlive: 1e9 }
    this.core = new RecordedCore({ redacted, settings: { ...all, ...settings } }).begin()
  }

  in(...events: Event[]): void {
    const answers: Event[] = this.core.in(this.at++, ...events).flatMap((effect) => this.answersTo(effect))
    if (answers.length > 0) this.in(...answers)
  }

  /** The peer's bytes, cut at this place. */
  data(stream: number, bytesOfPeer: Uint8Array, cut: number): void {
    for (const part of [bytesOfPeer.subarray(0, cut), bytesOfPeer.subarray(cut)]) {
      if (part.length > 0) this.in({ type: 'data', stream, chunks: [part.slice()] })
    }
  }

  private answersTo(effect: Effect): Event[] {
    switch (effect.type) {
      case 'open':
        return [{ type: 'streamOpened', stream: effect.stream, protocol: SESSION }]
      case 'write':
        return [{ type: 'writable', stream: effect.stream }]
      case 'verify':
        return [
          {
            type: 'verified',
            ask: effect.ask,
            ids: effect.messages.map(({ data }) => `id of ${Buffer.from(data).toString()}`),
          },
        ]
      case 'validate':
        return [{ type: 'validated', validation: effect.validation, verdict: 'accept', failed: false }]
      case 'digest':
        return [
          {
            type: 'digested',
            digest: effect.digest,
            hash: new Uint8Array(createHash('sha256').update(effect.data).digest()),
          },
        ]
      case 'publish':
        return [
          {
            type: 'published',
            ask: effect.ask,
            recipients: ['bob'],
            id: `${SECRET} ${effect.ask}`,
            proof: secret('p'),
          },
        ]
      default:
        return []
    }
  }
}

function message(text: string, data = secret(text)): Event {
  const id = `id of ${SECRET} ${text}`
  return { type: 'message', topic: 'block', data, from: 'ann', via: 'bob', id, held: true, proof: secret('proof') }
}

function aLife(redacted: boolean, cut: number): RecordedCore {
  const life = new Recorded(redacted)
  life.in(
    { type: 'gossipOpened', peer: 'bob' },
    { type: 'subscriptionChanged', peer: 'bob', topic: 'block', subscribed: true },
  )
  life.in({ type: 'subscribe', topic: 'block', replay: { subscription: 1, count: 3 } })
  life.in({ type: 'meshChanged', topic: 'block', peers: ['bob'] })
  life.in({ type: 'data', stream: 1, chunks: [hello({ 0: 1 })] })
  const old = (text: string, age: number): Uint8Array =>
    encodeHistoryValue({ age, from: 'ann', proof: secret('proof'), data: secret(text) })
  life.in(message('new'))
  const inPieces = old('c', 300)
  life.data(
    1,
    join(
      reply(1, old('b', 200)),
      reply(1, inPieces.subarray(0, 20), { total: inPieces.length }),
      reply(1, inPieces.subarray(20)),
      reply(1, old('a', 100)),
      end(1),
    ),
    cut,
  )
  // Bob wants a receipt for what is here, for what comes, and for what never does; and our history.
  life.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
  const wanted = (id: number, text: string): Uint8Array =>
    request(id, encodeServiceRequest({ kind: 'receipt', topic: 'block', id: `id of ${SECRET} ${text}` }), {
      service: true,
      timeout: 9_000,
      credit: 60_000,
    })
  life.in({ type: 'data', stream: 2, chunks: [hello({ 0: 1 })] })
  life.in({ type: 'data', stream: 2, chunks: [wanted(1, 'new')] })
  life.in({ type: 'data', stream: 2, chunks: [join(wanted(2, 'later'), wanted(3, 'never'))] })
  life.in(message('later'))
  const history = encodeServiceRequest({ kind: 'history', topic: 'block', count: 9 })
  life.data(2, request(4, history, { service: true, timeout: 9_000, credit: 60_000 }), cut % 20)
  // … and we want one of his.
  life.in({ type: 'broadcast', ask: 50, topic: 'block', data: secret('ours'), receipts: { timeout: 1_000 } })
  life.data(1, reply(2, new Uint8Array(), { last: true }), cut % 3)
  return life.core.stop(5_000)
}

function aLargeLife(redacted: boolean): RecordedCore {
  const life = new Recorded(redacted, { maxLargeMessage: 1_000_000 })
  life.in(
    { type: 'gossipOpened', peer: 'bob' },
    { type: 'subscriptionChanged', peer: 'bob', topic: 'block', subscribed: true },
  )
  life.in({ type: 'subscribe', topic: 'block' })
  life.in(message('large', encodeAnnouncement({ hash: HASH, size: LARGE.length })))
  life.in({ type: 'data', stream: 1, chunks: [hello({ 0: 1 })] })
  for (let at = 0; at < LARGE.length; at += 16_000) {
    life.in({ type: 'data', stream: 1, chunks: [reply(1, LARGE.subarray(at, at + 16_000))] })
  }
  life.in({ type: 'data', stream: 1, chunks: [end(1)] })
  // Again, and one that is broken.
  life.in(message('again', encodeAnnouncement({ hash: HASH, size: LARGE.length })))
  life.in(message('broken', encodeAnnouncement({ hash: HASH, size: 1 }).subarray(0, 30)))
  life.in({ type: 'broadcast', ask: 50, topic: 'block', data: LARGE })
  // Bob fetches it from us, and something that we do not have.
  life.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
  const wants = (id: number, hash: Uint8Array): Uint8Array =>
    request(id, encodeServiceRequest({ kind: 'blob', hash }), { service: true, timeout: 9_000, credit: 60_000 })
  life.in({ type: 'data', stream: 2, chunks: [hello({ 0: 1 }), wants(1, HASH), wants(2, new Uint8Array(32))] })
  return life.core.stop(5_000)
}

const types = (core: RecordedCore): Set<string> => new Set(core.effects.map(({ type }) => type))

describe('a recording of a node that asks others and answers them', () => {
  it('replays to the same effects and states', async () => {
    const core = aLife(false, 40)
    expect(types(core)).toEqual(
      new Set([...types(core), 'replayed', 'receipt', 'receiptsEnded', 'validate', 'verdict']),
    )
    expect(comparable(await effectsOf(core.memory.bytes))).toEqual(comparable(core.effects))
  })

  it('of large messages replays to the same effects and states', async () => {
    const core = aLargeLife(false)
    expect(core.effects.filter(({ type }) => type === 'deliver')).toHaveLength(2)
    expect(comparable(await effectsOf(core.memory.bytes))).toEqual(comparable(core.effects))
  })

  it('that is redacted has no payload and no id in it, and replays to the same, wherever what the peer says is cut', async () => {
    for (const cut of [0, 1, 2, 3, 5, 8, 11, 30, 60, 100, 150]) {
      const core = aLife(true, cut)
      expect(core.log).toEqual([])
      expect(Buffer.from(core.memory.bytes).includes(SECRET)).toBe(false)
      const replayed = await effectsOf(core.memory.bytes)
      expect(withoutPayloads(replayed)).toEqual(withoutPayloads(core.effects))
    }
  })

  it('of large messages that is redacted has no hash in it, and replays to the same', async () => {
    const core = aLargeLife(true)
    for (const part of [bytes(SECRET), HASH]) {
      expect(Buffer.from(core.memory.bytes).includes(Buffer.from(part))).toBe(false)
    }
    expect(withoutPayloads(await effectsOf(core.memory.bytes))).toEqual(withoutPayloads(core.effects))
  })

  it('that is redacted has no part of an id that came in two chunks either', () => {
    for (let cut = 0; cut < 40; cut++) {
      const life = new Recorded(true)
      life.in({ type: 'streamInbound', stream: 2, connection: 1, protocol: SESSION })
      life.in({ type: 'data', stream: 2, chunks: [hello({ 0: 1 })] })
      const wanted = encodeServiceRequest({ kind: 'receipt', topic: 'block', id: SECRET.repeat(4) })
      life.data(2, request(1, wanted, { service: true, timeout: 9_000, credit: 60_000 }), cut)
      const recorded = Buffer.from(life.core.stop(5_000).memory.bytes)
      for (const part of ['xyz', 'zyx', 'zzy']) expect(recorded.includes(part)).toBe(false)
    }
  })
})
