/** Inbound requests on their way to a handler, or to a service of the node itself. */
import { describe, expect, it } from '@jest/globals'
import { nextDeadline } from '../../../src/core/due.js'
import type { Effects } from '../../../src/core/effects.js'
import * as exchanges from '../../../src/core/requests/exchanges.js'
import { startHandling } from '../../../src/core/requests/turns.js'
import type { Exchange } from '../../../src/core/requests/state.js'
import { takeNews } from '../../../src/core/news.js'
import { simulate } from '../../../src/testing/index.js'
import { accountsInUse, bytes, Core } from '../../support/core.js'

/** A request of Bob, which is read since 0 ms and has 1,000 ms for that; it goes to the node itself, if `service`. */
function reading(service = false, deadline = 0): { core: Core; exchange: Exchange } {
  const core = new Core({ requestTimeout: 1_000 })
  core.connect('bob')
  core.inbound(2)
  const exchange = { ...core.state.exchanges.open.get(2)!, service, deadline }
  core.state.exchanges.open.set(2, exchange)
  return { core, exchange }
}

describe('a complete request', () => {
  it('goes to the handler, and one for the node to its services', () => {
    for (const service of [false, true]) {
      const { core, exchange } = reading(service)
      const out: Effects = []
      startHandling(core.state, out, exchange, bytes('?'))
      expect(out).toEqual(service ? [] : [{ type: 'handle', exchange: 2, from: 'bob', data: bytes('?') }])
      expect(takeNews(core.state)).toEqual(service ? [{ kind: 'arrived', exchange: 2, data: bytes('?') }] : [])
    }
  })

  it('has one deadline, from now on and no later than its asker gives up', () => {
    const { core, exchange } = reading(false, 700)
    core.state.now = 400
    startHandling(core.state, [], exchange, bytes('?'))
    expect([nextDeadline(core.state, 'exchanges'), core.state.exchanges.deadlines.size]).toEqual([700, 1])
    exchanges.startAnswering(core.state, exchange)
    // When it is looked whether it is taken.
    expect(nextDeadline(core.state, 'exchanges')).toBe(60_400)
  })

  it('is worked on until its answer has ended', () => {
    const { core, exchange } = reading()
    expect(exchanges.isWorkedOn(exchange)).toBe(false)
    startHandling(core.state, [], exchange, bytes('?'))
    expect(exchanges.isWorkedOn(exchange)).toBe(true)
    exchanges.startAnswering(core.state, exchange)
    expect([exchanges.isWorkedOn(exchange), exchanges.isWorkedOn({ ...exchange, ended: true })]).toEqual([true, false])
  })

  it('is cancelled, and allowed to go on, where it was handed to', () => {
    const out: Effects = []
    const { core, exchange } = reading(true)
    exchanges.allowValues(core.state, out, exchange, 5)
    exchanges.cancelHandler(core.state, out, exchange, { code: 'Aborted', message: 'gone' })
    expect(out).toEqual([])
    expect(takeNews(core.state)).toEqual([
      { kind: 'allowed', exchange: 2, allowance: 5 },
      { kind: 'cut', exchange: 2 },
    ])
  })
})

describe('an exchange', () => {
  it('over a session has a number below zero that was never used', () => {
    const { core } = reading()
    expect([exchanges.nextExchange(core.state), exchanges.nextExchange(core.state)]).toEqual([-1, -2])
  })

  it('that is closed leaves nothing', () => {
    const { core, exchange } = reading()
    exchanges.closeExchange(core.state, exchange)
    const { open, deadlines } = core.state.exchanges
    expect([open.size, deadlines.size, accountsInUse(core.state)]).toEqual([0, 0, 0])
  })
})

describe('a slow line', () => {
  it.each([
    ['requests', 30],
    ['answers', 30],
    // So many that the buffers of the line have an answer's first bytes for longer than one stage may take.
    ['answers', 100],
  ])(
    'carries large %s that take turns, %d at once, though each of them gets less than 1,000 bytes a second',
    async (what, count) => {
      const net = simulate({ latency: 20, bandwidth: 25_000 })
      const [a, b] = [await net.createNode(), await net.createNode()]
      const [small, large] = [new Uint8Array(1), new Uint8Array(100_000)]
      b.setEventHandler({ handleInboundRequest: () => (what === 'answers' ? large : small) })
      const payload = what === 'answers' ? small : large
      const all = Array.from({ length: count }, () => a.request(b.addresses[0]!, payload, { timeout: 600_000 }))
      await net.until(Promise.all(all))
      expect(net.now).toBeLessThan(1.1 * 4_000 * count)
    },
  )
})
