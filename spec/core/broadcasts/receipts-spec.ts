import { describe, expect, it } from '@jest/globals'
import { limitsOf } from '../../../src/core/limits/limits.js'
import type { Event } from '../../../src/core/events.js'
import type { ServiceRequest } from '../../../src/wire/session/service.js'
import { broadcast, message, published, repeated, subscribe, subscription } from '../../support/broadcasts.js'
import { bytes } from '../../support/core.js'
import { ServiceCore } from '../../support/service-core.js'
import { cancel, end, fail, reply } from '../../support/session.js'

const EMPTY = new Uint8Array()
const taken = (id: number): Uint8Array => reply(id, EMPTY, { last: true })

/** Bob, Carol and Dave are in the topic; what was broadcast is on its way to them. */
function sent(receipts: { count?: number; timeout: number } = { timeout: 1_000 }): ServiceCore {
  const core = new ServiceCore()
  for (const name of ['bob', 'carol', 'dave']) core.peer(name)
  core.run(broadcast(1, { receipts }))
  expect(core.lines(published(1, ['bob', 'carol']))).toEqual(['settle 1 {"recipients":["bob","carol"]}'])
  return core
}

describe('receipts of a broadcast', () => {
  it('are asked of each subscriber that we are connected to, by the id of the message', () => {
    const core = sent()
    for (const name of ['bob', 'carol', 'dave']) {
      expect(core.asked(name)).toEqual([{ id: 1, request: { kind: 'receipt', topic: 'block', id: 'of 1' } }])
    }
  })

  it('come one by one with the time that each took, and end with the last', () => {
    const core = sent()
    core.now = 7
    expect(core.lines(core.hears('carol', taken(1)))).toEqual(['receipt 1 carol 7 ms'])
    core.now = 9
    expect(core.lines(core.hears('bob', taken(1)))).toEqual(['receipt 1 bob 9 ms'])
    expect(core.lines(core.hears('dave', taken(1)))).toEqual(['receipt 1 dave 9 ms', 'receiptsEnded 1'])
    expect(core.state.services.purposes.size + core.state.receipts.open.size).toBe(0)
  })

  it('end at the number that was asked for, and the others are not waited for', () => {
    const core = sent({ count: 2, timeout: 1_000 })
    for (const name of ['bob', 'carol', 'dave']) core.got(name)
    core.run(core.hears('bob', taken(1)))
    expect(core.lines(core.hears('carol', taken(1)))).toEqual(['receipt 1 carol 0 ms', 'receiptsEnded 1'])
    expect(core.gotLines('dave')).toEqual(['CANCEL 1'])
    expect(core.lines(core.hears('dave', taken(1)))).toEqual([])
    expect([core.state.services.purposes.size, core.state.asks.open.size]).toEqual([0, 0])
  })

  it('end when their time is over', () => {
    const core = sent()
    core.run(core.hears('bob', taken(1)))
    expect(core.linesAt(999)).toEqual([])
    expect(core.linesAt(1_000)).toEqual(['receiptsEnded 1'])
    expect(core.state.receipts.open.size).toBe(0)
  })

  it('do not come from who refuses, nor from who has gone', () => {
    const core = sent()
    expect(core.lines(core.hears('bob', fail(1, 'NotTaken')))).toEqual([])
    expect(core.lines({ type: 'connectionClosed', connection: 2 })).toEqual([])
    expect(core.lines(core.hears('dave', end(1)))).toEqual(['receiptsEnded 1'])
  })

  it('are one for each peer, whatever it sends', () => {
    const core = sent({ count: 3, timeout: 1_000 })
    core.got('bob')
    const many = [reply(1, EMPTY), reply(1, bytes('and more')), reply(1, EMPTY)]
    expect(core.lines(core.hears('bob', ...many))).toEqual(['receipt 1 bob 0 ms'])
    expect(core.gotLines('bob')).toEqual(['CANCEL 1'])
    core.run(core.hears('carol', taken(1)))
    expect(core.lines(core.hears('dave', taken(1)))).toEqual(['receipt 1 dave 0 ms', 'receiptsEnded 1'])
  })

  it('end at once where nobody is to be asked, and not before the recipients are told', () => {
    const core = new ServiceCore()
    core.run(subscription('far away'), broadcast(1, { receipts: { timeout: 1_000 } }))
    expect(core.lines(published(1, ['x']))).toEqual(['settle 1 {"recipients":["x"]}', 'receiptsEnded 1'])
  })

  it('do not come from nodes that answer only applications', () => {
    const core = new ServiceCore()
    core.peer('rusty', 0)
    core.run(broadcast(1, { receipts: { timeout: 1_000 } }))
    expect(core.lines(published(1))).toEqual(['settle 1 {"recipients":["bob"]}', 'receiptsEnded 1'])
    expect(core.got('rusty')).toEqual([])
  })

  it('end with the node, and nobody is told who asked for nothing', () => {
    const core = sent()
    expect(core.lines({ type: 'shutdown', ask: 9 })).toEqual(['stop'])
  })
})

describe('a receipt that a peer wants', () => {
  const wanted = (id: string): ServiceRequest => ({ kind: 'receipt', topic: 'block', id })

  function asked(settings = {}): ServiceCore {
    const core = new ServiceCore(settings)
    core.peer('bob')
    core.run(subscribe)
    return core
  }

  it('is given at once for a message that has been here', () => {
    const core = asked()
    core.run(message('a'))
    core.run(...core.asks('bob', wanted('a')))
    expect(core.gotLines('bob').slice(1)).toEqual(['REPLY 1 LAST, ""'])
  })

  it('is given when the message comes, and the application hears nothing of it', () => {
    const core = asked()
    expect(core.lines(...core.asks('bob', wanted('a')), ...core.asks('bob', wanted('a')))).toEqual([])
    expect(core.gotLines('bob').slice(1)).toEqual([])
    expect(core.lines(message('a'))).toEqual(['deliver a'])
    expect(core.gotLines('bob')).toEqual(['REPLY 1 LAST, ""', 'REPLY 2 LAST, ""'])
    expect([core.state.receipts.wanted.size, core.state.services.serving.size]).toEqual([0, 0])
  })

  it('waits for the verdict, and is refused for a message that was not taken', () => {
    const core = asked({ guardedTopics: ['block'] })
    core.run(...core.asks('bob', wanted('a')), message('a', { held: true }))
    expect(core.gotLines('bob').slice(1)).toEqual([])
    core.run({ type: 'validated', validation: 1, verdict: 'reject', failed: false })
    expect(core.gotLines('bob')).toEqual(['FAIL 1 NotTaken, "the message was not taken"'])
    core.run(...core.asks('bob', wanted('a')))
    expect(core.gotLines('bob')).toEqual(['FAIL 2 NotTaken, "the message was not taken"'])
  })

  it('is refused at once for a message of the same id that another one has published, or that we have', () => {
    const core = asked()
    core.run(message('a', { from: 'carol' }), broadcast(1), published(1))
    core.run(...core.asks('bob', wanted('a')), ...core.asks('bob', wanted('of 1')))
    const notTaken = (id: number): string => `FAIL ${id} NotTaken, "the message was not taken"`
    expect(core.gotLines('bob').slice(1)).toEqual([notTaken(1), notTaken(2)])
  })

  it('is refused when it waits and a message of the same id by another one comes, or its own as a repeat', () => {
    const core = asked()
    core.run(...core.asks('bob', wanted('a')), ...core.asks('bob', wanted('b')))
    expect(core.gotLines('bob').slice(1)).toEqual([])
    core.run(message('a', { from: 'carol' }))
    expect(core.gotLines('bob')).toEqual(['FAIL 1 NotTaken, "the message was not taken"'])
    core.run(repeated('b', 'carol'))
    expect(core.gotLines('bob')).toEqual([])
    core.run(repeated('b', 'bob'))
    expect(core.gotLines('bob')).toEqual(['FAIL 2 NotTaken, "the message was not taken"'])
    expect([core.state.receipts.wanted.size, core.state.services.serving.size]).toEqual([0, 0])
  })

  it('is refused to a peer that was restarted since, before and after its repeat has come', () => {
    const core = new ServiceCore()
    core.run(subscribe, message('a'), message('b'))
    core.now = 10
    core.peer('bob')
    core.run(...core.asks('bob', wanted('a')))
    expect(core.gotLines('bob').slice(1)).toEqual(['FAIL 1 NotTaken, "the message was not taken"'])
    const long = asked()
    long.run(message('a'), repeated('a', 'bob'))
    long.run(...long.asks('bob', wanted('a')))
    expect(long.gotLines('bob').slice(1)).toEqual(['FAIL 1 NotTaken, "the message was not taken"'])
  })

  it('is given for the message that comes, and not for one of half a minute ago', () => {
    const core = asked()
    core.run(message('a'))
    core.now = 30_000
    core.run(...core.asks('bob', wanted('a'), { timeout: 60_000 }))
    expect(core.gotLines('bob').slice(1)).toEqual([])
    core.run(message('a'))
    expect(core.gotLines('bob')).toEqual(['REPLY 1 LAST, ""'])
  })

  const leaving: [string, (core: ServiceCore) => Event][] = [
    ['cancels', (core) => core.sends('bob', cancel(1))],
    ['has lost its connection', () => ({ type: 'connectionClosed', connection: 1 })],
  ]

  it.each(leaving)('is forgotten when who wanted it %s', (_how, leave) => {
    const core = asked()
    core.run(...core.asks('bob', wanted('a')))
    expect(core.lines(leave(core)).filter((one) => one.startsWith('cancelHandler'))).toEqual([])
    expect([core.state.receipts.wanted.size, core.state.services.serving.size]).toEqual([0, 0])
    expect(core.lines(message('a'))).toEqual(['deliver a'])
  })

  it('is not given to one who cancels in the moment in which the message comes', () => {
    const core = asked()
    core.run(...core.asks('bob', wanted('a')), ...core.asks('bob', wanted('b')))
    core.got('bob')
    core.run(core.sends('bob', cancel(1), cancel(2)), message('a'), repeated('b', 'bob'))
    expect(core.gotLines('bob').map((one) => one.slice(0, 16))).toEqual(['FAIL 1 Cancelled', 'FAIL 2 Cancelled'])
    expect([core.state.receipts.wanted.size, core.state.services.serving.size]).toEqual([0, 0])
  })

  it('is forgotten when who wanted it cancels in the same moment', () => {
    const core = asked()
    core.run(...core.asks('bob', wanted('z')))
    expect(core.lines(...core.asks('bob', wanted('a')), core.sends('bob', cancel(2), cancel(1)))).toEqual([])
    expect([core.state.receipts.wanted.size, core.state.services.serving.size]).toEqual([0, 0])
  })

  it('is forgotten when its time is over', () => {
    const core = asked()
    core.run(...core.asks('bob', wanted('a'), { timeout: 700 }))
    core.got('bob')
    expect(core.linesAt(700)).toEqual([])
    expect(core.gotLines('bob')).toMatchObject([expect.stringContaining('FAIL 1 Timeout')])
    expect([core.state.receipts.wanted.size, core.state.services.serving.size]).toEqual([0, 0])
  })

  it('is refused beyond 1,024 that its peer waits for, and those of others are not', () => {
    const core = asked({ limits: limitsOf({ requestsPerPeer: 10_000, requests: 10_000 }) })
    for (let i = 0; i < 1_024; i++) core.run(...core.asks('bob', wanted(`${i}`)))
    core.got('bob')
    core.run(...core.asks('bob', wanted('one more')))
    expect(core.gotLines('bob')).toEqual(['FAIL 1025 Overloaded, "too many receipts are wanted"'])
    core.peer('carol')
    core.run(...core.asks('carol', wanted('one more')))
    expect(core.gotLines('carol').filter((line) => line.startsWith('FAIL'))).toEqual([])
    core.run(core.sends('bob', cancel(1)), ...core.asks('bob', wanted('another')))
    expect(core.gotLines('bob').map((line) => line.slice(0, 16))).toEqual(['FAIL 1 Cancelled'])
  })

  it('is waited for, when many peers have come one after the other and all want as many as they may', () => {
    const core = asked({ limits: limitsOf({ requestsPerPeer: 1e6, requests: 1e6 }) })
    const isRefused = (peer: string): boolean => {
      core.run(...core.asks(peer, wanted('x')))
      return core.gotLines(peer).some((line) => line.includes('too many receipts'))
    }
    for (let i = 0; i < 16; i++) {
      core.peer(`peer ${i}`)
      while (!isRefused(`peer ${i}`));
    }
    core.peer('newcomer')
    expect(isRefused('newcomer')).toBe(false)
  })
})
