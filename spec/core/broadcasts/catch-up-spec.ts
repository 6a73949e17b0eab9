import { describe, expect, it } from '@jest/globals'
import type { Effect } from '../../../src/core/effects.js'
import type { Event } from '../../../src/core/events.js'
import type { Settings } from '../../../src/core/settings.js'
import { encodeHistoryValue } from '../../../src/wire/session/service.js'
import {
  books,
  broadcast,
  freshBooks,
  mesh,
  message,
  PROOF,
  published,
  subscribe,
  subscription,
  told,
} from '../../support/broadcasts.js'
import { bytes } from '../../support/core.js'
import { ServiceCore } from '../../support/service-core.js'
import { end, fail, reply } from '../../support/session.js'

const late = (count: number, id = 1): Event => ({
  type: 'subscribe',
  topic: 'block',
  replay: { subscription: id, count },
})
const gone = (id = 1): Event => ({ type: 'unsubscribe', topic: 'block', subscription: id })

/** A message as a peer remembers it; its text is its id. */
const old = (text: string, age = 0, from = 'ann', proof = PROOF): Uint8Array =>
  encodeHistoryValue({ age, from, proof, data: bytes(text) })

/** A peer's whole answer to the request with this id. */
const answer = (id: number, ...values: Uint8Array[]): Uint8Array[] => [
  ...values.map((value) => reply(id, value)),
  end(id),
]

/** The network's word on what was to be verified: by the text, if it was signed. */
function verified(effects: Effect[]): Event[] {
  return effects.flatMap((effect): Event[] => {
    if (effect.type !== 'verify') return []
    const ids = effect.messages.map(({ data, proof }) => {
      const signed = Buffer.from(proof).equals(Buffer.from(PROOF))
      return signed ? Buffer.from(data).toString() : ''
    })
    return [{ type: 'verified', ask: effect.ask, ids }]
  })
}

/** With these peers, who are in the mesh of the topic. */
function among(names: string[], settings: Partial<Settings> = {}): ServiceCore {
  const core = new ServiceCore(settings)
  for (const name of names) core.peer(name)
  return core
}

/** The same, with a subscriber who wants the last ones: all are asked, as their first request. */
function asked(names: string[], count = 10, settings: Partial<Settings> = {}): ServiceCore {
  const core = among(names, settings)
  core.run(late(count), mesh(...names))
  return core
}

/** The peer answers, and the network verifies at once. */
function answers(core: ServiceCore, name: string, ...values: Uint8Array[]): string[] {
  const effects = core.run(core.hears(name, ...answer(1, ...values)))
  return [...told(effects), ...core.lines(...verified(effects))]
}

describe('a subscriber who wants the last broadcasts', () => {
  it('gets what we remember at once, in order, when there is nobody to ask', () => {
    const core = among([], { catchUpPatience: 3_000 })
    core.run(subscribe, message('a'), message('b'), message('c'))
    expect(core.lines(late(2))).toEqual([])
    expect(core.linesAt(3_000)).toEqual(['replayed 1: b c'])
  })

  it('has peers asked as soon as the topic is joined, those of the mesh first, three of them', () => {
    const core = among(['bob', 'carol', 'dave', 'erin'])
    core.run(late(7))
    expect(core.asked('bob')).toEqual([])
    core.run(mesh('erin', 'dave'))
    const request = { kind: 'history', topic: 'block', count: 7 }
    for (const name of ['erin', 'dave', 'bob']) expect(core.asked(name)).toEqual([{ id: 1, request }])
    expect(core.asked('carol')).toEqual([])
  })

  it('has them asked after some time, joined or not', () => {
    const core = among(['bob'], { catchUpPatience: 3_000 })
    core.run(late(7))
    core.linesAt(2_999)
    expect(core.asked('bob')).toEqual([])
    core.linesAt(3_000)
    expect(core.asked('bob')).toHaveLength(1)
  })

  it('gets what they remember, each once, the oldest first by when somebody heard it first', () => {
    const core = asked(['bob', 'carol'])
    core.now = 1_000
    expect(answers(core, 'bob', old('b', 500), old('c', 100))).toEqual(['verify 2'])
    expect(answers(core, 'carol', old('a', 700), old('c', 600), old('d', 10))).toEqual([
      'verify 3',
      'replayed 1: a c b d',
    ])
  })

  it('gets the last of them only, as many as it wants', () => {
    const core = asked(['bob', 'carol'], 2)
    answers(core, 'bob', old('a', 40), old('c', 20))
    expect(answers(core, 'carol', old('b', 30), old('d', 10))).toContain('replayed 1: c d')
  })

  it('gets what was broadcast meanwhile after that, all of it, and each once', () => {
    const core = asked(['bob'], 2)
    expect(core.lines(message('c'), message('d'), message('e'))).toEqual(['deliver c', 'deliver d', 'deliver e'])
    expect(answers(core, 'bob', old('a', 30), old('b', 20), old('c', 10))).toEqual([
      'verify 2',
      'replayed 1: a b c d e',
    ])
    expect(core.lines(message('f'))).toEqual(['deliver f'])
    expect(core.state.counts.topics.get('block')).toMatchObject({ received: 4, delivered: 4, replayed: 2 })
  })

  it('does not get what we have said in this life, wherever it comes from', () => {
    const core = among(['bob'])
    // Said before we were in the topic, so we do not remember it.
    core.run(broadcast(1, { data: bytes('mine') }))
    core.run({ ...published(1), id: 'mine' }, subscribe, broadcast(2))
    core.run({ ...published(2), id: 'mine too' })
    core.run(late(10), mesh('bob'))
    const values = [old('mine', 30, 'self'), old('mine too', 20, 'self'), old('of the life before', 10, 'self')]
    expect(answers(core, 'bob', ...values)).toContain('replayed 1: of the life before')
  })

  it('leaves nothing behind', () => {
    const core = asked(['bob'])
    answers(core, 'bob', old('a'))
    core.run(gone())
    core.run({ type: 'connectionClosed', connection: 1 }, { type: 'gossipClosed', peer: 'bob' })
    core.run(mesh(), subscription('bob', 'block', false))
    expect(books(core)).toEqual(freshBooks())
  })

  it('may leave at any moment, and nothing comes of what is under way', () => {
    const core = asked(['bob', 'carol'], 10, { guardedTopics: ['block'] })
    const effects = core.run(core.hears('bob', ...answer(1, old('a'), old('b'))))
    const judging = core.run(...verified(effects))
    expect(told(judging)).toEqual(['validate 1: a', 'validate 2: b'])
    core.run({ type: 'validated', validation: 1, verdict: 'accept', failed: false }, gone())
    const last: Event = { type: 'validated', validation: 2, verdict: 'accept', failed: false }
    expect(core.lines(last)).toEqual([])
    expect(core.lines(core.hears('carol', ...answer(1, old('c'))))).toEqual([])
    expect([core.state.catchUps.size, core.state.services.purposes.size]).toEqual([0, 0])
  })

  it('is one of several, each of which gets its own', () => {
    const core = asked(['bob'], 1)
    core.run(late(5, 2))
    expect(told(core.run(...verified(core.run(core.hears('bob', ...answer(1, old('b')))))))).toEqual(['replayed 1: b'])
    expect(core.lines(message('c'))).toEqual(['deliver c'])
    const second = core.run(core.hears('bob', ...answer(2, old('a', 20), old('b', 10))))
    expect(told(core.run(...verified(second)))).toEqual(['replayed 2: a b c'])
  })
})

describe('what others remember', () => {
  it('is dropped when its proof is wrong, and that counts against who sent it', () => {
    const core = asked(['bob'])
    const forged = bytes('forged')
    expect(answers(core, 'bob', old('a'), old('b', 0, 'ann', forged), old('c', 0, 'ann', forged))).toEqual([
      'verify 3',
      'penalize bob 2',
      'replayed 1: a',
    ])
  })

  it('is judged by our validator, and what it does not accept is dropped', () => {
    const core = asked(['bob'], 10, { guardedTopics: ['block'] })
    expect(answers(core, 'bob', old('a', 3), old('b', 2), old('c', 1))).toEqual([
      'verify 3',
      'validate 1: a',
      'validate 2: b',
      'validate 3: c',
    ])
    const verdict = (validation: number, word: 'accept' | 'ignore' | 'reject'): Event => ({
      type: 'validated',
      validation,
      verdict: word,
      failed: false,
    })
    core.run(verdict(1, 'accept'), verdict(2, 'reject'))
    expect(core.lines(verdict(3, 'ignore'))).toEqual(['replayed 1: a'])
    // Nobody is to blame in gossip for what was said over the request path.
    expect(core.state.counts.peers.get('bob')?.dropped ?? {}).toEqual({})
  })

  it('is judged once, whoever else sends it too, and not again when we have it ourselves', () => {
    const core = asked(['bob', 'carol'], 10, { guardedTopics: ['block'] })
    core.run(message('x', { held: true }))
    core.run({ type: 'validated', validation: 1, verdict: 'accept', failed: false })
    expect(answers(core, 'bob', old('a', 3), old('x', 1))).toEqual(['verify 2', 'validate 2: a'])
    expect(answers(core, 'carol', old('a', 4), old('x', 1))).toEqual(['verify 2'])
    expect(core.lines({ type: 'validated', validation: 2, verdict: 'accept', failed: false })).toEqual([
      'replayed 1: a x',
    ])
  })

  it('is not waited for when the validator says nothing', () => {
    const core = asked(['bob'], 10, { guardedTopics: ['block'], validationTimeout: 100 })
    answers(core, 'bob', old('a'))
    expect(core.linesAt(100)).toEqual(['cancelValidation 1', 'replayed 1:'])
  })

  it('is passed on to those who ask us, once, with its age', () => {
    const core = asked(['bob'])
    answers(core, 'bob', old('a', 500))
    core.run(message('a'), message('b'))
    core.run(...core.asks('bob', { kind: 'history', topic: 'block', count: 10 }))
    const replies = core.got('bob').filter(({ name }) => name === 'REPLY')
    expect(replies.map(({ payload }) => Buffer.from(payload!).toString())).toEqual([
      Buffer.from(old('a', 500)).toString(),
      Buffer.from(old('b', 0, 'bob')).toString(),
    ])
  })

  it('is no age that nobody could pass on', () => {
    const core = asked(['bob'])
    answers(core, 'bob', old('a', Number.MAX_SAFE_INTEGER))
    core.now = 1_000_000
    core.run(...core.asks('bob', { kind: 'history', topic: 'block', count: 10 }))
    const [, first] = core.got('bob').filter(({ name }) => name === 'REPLY' || name === 'HELLO')
    expect(first!.payload).toEqual(old('a', 2 ** 40 + 1_000_000))
  })

  it('is no announcement of a large message', () => {
    const core = asked(['bob'], 10, { maxLargeMessage: 1_000_000 })
    const magic = new Uint8Array([
      0x9b, 0x1f, 0xe4, 0x6a, 3, 0xd7, 0x58, 0xc2, 0x71, 0xae, 12, 0x95, 61, 0xf8, 66, 0xb6,
    ])
    const value = encodeHistoryValue({ age: 1, from: 'ann', proof: PROOF, data: magic })
    expect(answers(core, 'bob', value, old('a'))).toEqual(['verify 1', 'replayed 1: a'])
  })
})

describe('a peer that is asked for what it remembers', () => {
  it.each<[string, (core: ServiceCore) => Event]>([
    ['refuses', (core) => core.hears('bob', fail(1, 'Unknown'))],
    ['has nothing', (core) => core.hears('bob', end(1))],
    ['sends what nobody can read', (core) => core.hears('bob', ...answer(1, bytes('?'), new Uint8Array()))],
    ['breaks the protocol', (core) => core.hears('bob', reply(77, bytes('a')))],
    ['is gone', () => ({ type: 'connectionClosed', connection: 1 })],
  ])('and %s is done with', (_what, events) => {
    const core = asked(['bob'])
    expect(core.lines(events(core)).filter((one) => !one.startsWith('reset'))).toEqual(['replayed 1:'])
  })

  it('has its time, whether it says nothing or has begun', () => {
    const core = asked(['bob', 'carol'], 10, { catchUpTimeout: 5_000 })
    core.run(core.hears('carol', reply(1, old('a'))))
    core.run(message('b'))
    expect(core.linesAt(4_999)).toEqual([])
    const effects = core.at(5_000)
    expect(told(effects).filter((one) => one.startsWith('verify'))).toEqual(['verify 1'])
    expect(core.lines(...verified(effects))).toEqual(['replayed 1: a b'])
    expect(core.state.asks.open.size).toBe(0)
  })

  it('and sends more than was wanted is not listened to any longer', () => {
    const core = asked(['bob'], 2)
    core.got('bob')
    const effects = core.run(core.hears('bob', ...['a', 'b', 'c', 'd'].map((text) => reply(1, old(text)))))
    expect(told(effects)).toEqual(['verify 2'])
    expect(core.gotLines('bob')).toEqual(['CANCEL 1'])
    expect(core.lines(...verified(effects))).toEqual(['replayed 1: a b'])
  })

  it('and sends too many bytes is not listened to any longer', () => {
    const core = asked(['bob'], 1_000)
    core.got('bob')
    const size = 10_000
    const large = encodeHistoryValue({ age: 0, from: 'ann', proof: PROOF, data: new Uint8Array(size) })
    let effects: Effect[] = []
    let sent = 0
    for (; effects.length === 0; sent++) effects = core.run(core.hears('bob', reply(1, large)))
    expect(sent * size).toBeLessThan(4_300_000)
    expect(core.gotLines('bob').at(-1)).toBe('CANCEL 1')
  })

  it('is not asked when it answers applications alone, or speaks only version 1', () => {
    const core = new ServiceCore()
    core.peer('rusty', 0)
    core.connect('old', 9)
    core.run({
      type: 'identified',
      connection: 9,
      peer: 'old',
      protocols: ['/tinyp2p/req-resp/1.0.0'],
      addresses: [],
      agent: '',
    })
    core.run(subscription('old'), subscribe, message('a'))
    expect(core.lines(late(5), mesh('rusty', 'old'))).toEqual(['replayed 1: a'])
    expect(core.got('rusty')).toEqual([])
  })

  it('may send values that are larger than what callers take', () => {
    const core = asked(['bob'], 10, { maxResponseSize: 4 })
    expect(answers(core, 'bob', old('longer than four bytes'))).toContain('replayed 1: longer than four bytes')
  })
})

describe('peers that say nothing', () => {
  const silent = (amount: number): string[] => Array.from({ length: amount }, (_, i) => `evil${i}`)
  const isAsked = (core: ServiceCore, name: string): boolean => core.asked(name).length > 0

  it('are not waited for: others are asked beside them, and new broadcasts do not wait either', () => {
    const core = asked([...silent(6), 'bob'])
    core.run(message('new'))
    expect([...silent(6), 'bob'].filter((name) => isAsked(core, name))).toEqual(silent(3))
    core.at(400)
    core.at(800)
    expect(answers(core, 'bob', old('a'))).toEqual(['verify 1'])
    expect(core.linesAt(800 + 1_249)).toEqual([])
    expect(core.linesAt(800 + 1_250)).toEqual(['replayed 1: a new'])
    expect([core.state.catchUps.size, core.state.asks.open.size]).toEqual([0, 0])
  })

  it('are eight at most, after which the catch-up ends', () => {
    const core = asked(silent(20))
    core.run(message('new'))
    for (let time = 0; time < 3_300; time += 100) expect(core.linesAt(time)).toEqual([])
    expect(silent(20).filter((name) => isAsked(core, name))).toHaveLength(8)
    expect(core.linesAt(3_300)).toEqual(['replayed 1: new'])
  })

  it('and begin an answer are not waited for beyond the time of others who have answered', () => {
    const core = asked([...silent(3), 'bob'])
    for (const name of silent(3)) core.run(core.hears(name, reply(1, old(`of ${name}`, 10))))
    for (const time of [400, 800]) core.at(time)
    expect(isAsked(core, 'bob')).toBe(false)
    core.at(1_200)
    expect(answers(core, 'bob', old('a'))).toEqual(['verify 1'])
    expect(core.linesAt(1_200 + 1_249)).toEqual([])
    const effects = core.at(1_200 + 1_250)
    expect(core.lines(...verified(effects))).toEqual(['replayed 1: a of evil0 of evil1 of evil2'])
  })

  it('or have nothing do not come before members of the mesh that may have something', () => {
    const core = among([...silent(5), 'bob'])
    core.run(late(10), mesh(...silent(5), 'bob'))
    for (const name of silent(5)) if (isAsked(core, name)) core.run(core.hears(name, end(1)))
    for (const name of silent(5).slice(3)) core.run(core.hears(name, end(1)))
    expect(answers(core, 'bob', old('a'))).toContain('replayed 1: a')
  })

  it('have all of their time when the config names them, and twice that of others when somebody has answered', () => {
    const [first, second] = [0, 1].map(() => asked(['evil', 'bob'], 10, { bootNodes: { bob: [] } })) as [ServiceCore, ServiceCore] // prettier-ignore
    expect(first.linesAt(4_999)).toEqual([])
    expect(first.linesAt(5_000)).toEqual(['replayed 1:'])
    answers(second, 'evil', old('a'))
    expect(second.linesAt(2_499)).toEqual([])
    expect(second.linesAt(2_500)).toEqual(['replayed 1: a'])
  })

  it('are asked after the peers of the config', () => {
    const core = among([...silent(6), 'bob', 'carol'], { bootNodes: { bob: [] }, keep: { carol: [] } })
    core.run(late(10), mesh(...silent(6)))
    expect([...silent(6), 'bob', 'carol'].filter((name) => isAsked(core, name))).toEqual(['evil0', 'bob', 'carol'])
  })

  it('are asked one of each range of addresses, before another of the same', () => {
    const core = among(silent(6))
    for (const [i, connection] of [...core.state.connections.all.values()].entries())
      Object.assign(connection, { place: `/ip4/${i < 4 ? '192.0.2' : `198.51.${i}`}.${i}` })
    core.run(late(10), mesh(...silent(6)))
    expect(silent(6).filter((name) => isAsked(core, name))).toEqual(['evil0', 'evil4', 'evil5'])
  })
})

describe('new broadcasts, while the old ones are on their way', () => {
  it('wait, but not without end: the subscriber then gets what there is', () => {
    const core = asked(['bob'])
    const data = new Uint8Array(60_000)
    const lines: string[] = []
    for (let i = 0; i < 80 && !lines.some((one) => one.startsWith('replayed')); i++) {
      lines.push(...core.lines(message(`${i}`, { data })))
    }
    expect(lines.at(-1)).toMatch(/^replayed 1: 0 1 2 3 /)
    expect(lines.length).toBeLessThan(75)
    expect(core.lines(core.hears('bob', ...answer(1, old('a'))))).toEqual([])
  })
})
