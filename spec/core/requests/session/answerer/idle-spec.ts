/** Answers of several values that are not taken: they end after a while, or when others need their room. */
import { describe, expect, it } from '@jest/globals'
import type { Event } from '../../../../../src/core/events.js'
import { limitsOf, type Limits } from '../../../../../src/core/limits/limits.js'
import { bytes, used } from '../../../../support/core.js'
import { answering, type AnsweringCore } from '../../../../support/session-cores.js'
import { credit, filled, hello, join, request, SESSION } from '../../../../support/session.js'

function limited(limits: Partial<Limits> = {}): AnsweringCore {
  return answering({ limits: limitsOf(limits), pingInterval: 1e9 })
}

/** Bob asks for streams, with this credit for each. */
function asked(core: AnsweringCore, count: number, amount: number): void {
  core.receive(
    join(...Array.from({ length: count }, (_, i) => request(i + 1, bytes('?'), { credit: amount, timeout: 0 }))),
  )
}

const next = (exchange: number, size = 10): Event => ({ type: 'next', exchange, data: filled(size) })
const pullable = (exchange: number): Event => ({ type: 'pullable', exchange })
const ENDED = 'FAIL 1 Overloaded, after 1000 ms, "nothing of it was taken for'

describe('an answer that has begun', () => {
  it('ends when a value waits for credit and none comes', () => {
    const core = limited()
    asked(core, 1, 0)
    core.run(next(-1))
    expect(core.lines(core.at(59_999))).toEqual([])
    expect(core.lines(core.at(60_000))).toEqual(['cancelHandler -1', `${ENDED} 60000 ms"`])
    expect(core.state.budget.accounts.get('bob')!.refused).toBe(1)
    core.run({ type: 'released', exchange: -1 })
    expect(used(core.state.budget)).toMatchObject({ exchanges: 0, answers: 0, handlers: 0 })
  })

  it('and ended is given up when its end cannot be written', () => {
    const core = limited({ answerIdleTimeout: 500 })
    asked(core, 1, 1_000)
    // The value goes, and its write is never done.
    core.in(next(-1))
    core.in({ type: 'complete', exchange: -1 })
    core.at(499)
    expect(core.state.exchanges.open.size).toBe(1)
    core.at(500)
    expect(core.state.exchanges.open.size).toBe(0)
    expect(used(core.state.budget)).toMatchObject({ exchanges: 0, answers: 0, bytes: 0 })
  })

  it('is not idle while its producer waits for room of ours', () => {
    const core = limited({ answerIdleTimeout: 500, answerBytes: 100_000, answerBytesPerPeer: 40_000 })
    asked(core, 2, 0)
    core.run(pullable(-1), pullable(-2), next(-1, 30_000))
    core.receive(credit(2, 1_000))
    expect([...core.state.turns.stalled]).toEqual([-2])
    core.at(500)
    // The other one is, which does not take its value.
    expect(core.state.exchanges.open.keys()).toEqual([-2])
  })

  it('ends when its producer waits for credit that does not come', () => {
    const core = limited({ answerIdleTimeout: 500 })
    asked(core, 1, 42)
    core.run(pullable(-1), next(-1))
    expect(core.lines(core.at(500))).toContain('cancelHandler -1')
  })

  it('goes on while its producer has nothing to say, and while it is taken', () => {
    const core = limited({ answerIdleTimeout: 500 })
    asked(core, 2, 1_000)
    core.run(pullable(-1), next(-1), next(-2))
    expect(core.at(5_000)).toEqual([])
    core.now = 5_300
    core.run(next(-2, 2_000))
    core.now = 5_400
    core.receive(credit(2, 2_000))
    core.now = 5_450
    core.run(next(-2, 3_000))
    // From when it began to wait.
    expect(core.lines(core.at(5_899))).toEqual([])
    expect(core.state.exchanges.open.size).toBe(2)
    expect(core.lines(core.at(6_500))).toContain('cancelHandler -2')
  })
})

describe('when others find no room', () => {
  /** Bob has two requests open, and Carol asks twice. There is room for four, and nobody has more than is free. */
  function full(begin: Event[]): { core: AnsweringCore; ask: () => string[] } {
    const core = limited({ requests: 4 })
    core.connect('carol', 2)
    core.in({ type: 'streamInbound', stream: 4, connection: 2, protocol: SESSION })
    core.in({ type: 'data', stream: 4, chunks: [hello()] })
    asked(core, 2, 42)
    core.run(...begin)
    let id = 0
    const ask = (): string[] => {
      const chunks = [join(...[1, 2].map(() => request(++id, bytes('c'), { credit: 100 })))]
      return core.in({ type: 'data', stream: 4, chunks }).flatMap((effect) => {
        return effect.type === 'handle' || effect.type === 'cancelHandler' ? [`${effect.type} ${effect.exchange}`] : []
      })
    }
    return { core, ask }
  }

  it('the idlest answer of whoever has most ends', () => {
    const { core, ask } = full([pullable(-1), next(-1), pullable(-2)])
    core.now = 2_000
    expect(ask()).toEqual(['handle -3', 'cancelHandler -1', 'handle -4'])
    expect(core.state.budget.accounts.get('bob')!.refused).toBe(1)
  })

  it('nothing ends that is taken, or that was a moment ago', () => {
    const { core, ask } = full([pullable(-1), next(-1)])
    core.now = 500
    expect(ask()).toEqual(['handle -3'])
  })

  it('nothing ends of another range of addresses that has less open', () => {
    const core = limited({ requests: 80 })
    asked(core, 8, 42)
    for (let i = 1; i <= 8; i++) core.run(pullable(-i), next(-i))
    core.now = 2_000
    const ended: string[] = []
    for (let i = 0; i < 60; i++) {
      const connection = 11 + (i % 10)
      const stream = 2 * connection
      if (i < 10) {
        const address = `/ip4/203.0.113.${i + 1}/tcp/1`
        core.in({ type: 'connectionOpened', connection, peer: `sybil${i}`, address, inbound: true })
        core.in({ type: 'streamInbound', stream, connection, protocol: SESSION }, { type: 'data', stream, chunks: [hello()] }) // prettier-ignore
      }
      core.now += 101
      const chunks = [request(Math.floor(i / 10) + 1, bytes('s'), { credit: 10, timeout: 0 })]
      for (const effect of core.in({ type: 'data', stream, chunks })) {
        if (effect.type === 'cancelHandler') ended.push(String(effect.exchange))
      }
    }
    const { exchanges } = core.state.budget.accounts.get('sybil0')!.range
    expect(exchanges).toBeGreaterThan(8)
    expect(exchanges).toBeLessThan(60)
    expect(ended).toEqual([])
  })
})
