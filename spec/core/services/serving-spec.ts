/** Requests of other nodes to this one, and their answers. */
import { describe, expect, it } from '@jest/globals'
import { decodeHistoryValue } from '../../../src/wire/session/service.js'
import { mesh, message, PROOF, subscribe } from '../../support/broadcasts.js'
import { accountsInUse, bytes } from '../../support/core.js'
import { ServiceCore } from '../../support/service-core.js'
import { cancel, credit, filled } from '../../support/session.js'

function serving(settings = {}): ServiceCore {
  const core = new ServiceCore(settings)
  core.peer('bob')
  core.run(subscribe)
  return core
}

/** What the peer was sent of our history, and how it ended. */
function history(core: ServiceCore): { texts: string[]; end: string } {
  const texts: string[] = []
  for (let i = 0; i < 2_000; i++) {
    for (const frame of core.got('bob')) {
      if (frame.name === 'REPLY') texts.push(Buffer.from(decodeHistoryValue(frame.payload!)!.data).toString())
      else if (frame.name === 'END' || frame.name === 'FAIL') return { texts, end: frame.code ?? frame.name }
      if (frame.last === true) return { texts, end: 'LAST' }
    }
    core.run(core.sends('bob', credit(1, 60_000)))
  }
  return { texts, end: 'none' }
}

describe('a node that is asked for its history', () => {
  it('waits until the asker is in its mesh: what it hears later, it hands on', () => {
    const core = serving({ historyPatience: 1_000 })
    core.run(message('a'), ...core.asks('bob', { kind: 'history', topic: 'block', count: 9 }))
    expect(core.got('bob').filter(({ name }) => name === 'REPLY')).toEqual([])
    core.now = 400
    core.run(message('b'))
    core.run(mesh('bob'))
    expect(history(core).texts).toEqual(['a', 'b'])
  })

  it('answers after a while one for whom its mesh has no room', () => {
    const core = serving({ historyPatience: 1_000 })
    core.run(message('a'), ...core.asks('bob', { kind: 'history', topic: 'block', count: 9 }))
    core.linesAt(999)
    expect(core.got('bob').filter(({ name }) => name === 'REPLY')).toEqual([])
    core.linesAt(1_000)
    expect(history(core).texts).toEqual(['a'])
  })

  it('sends the last ones, oldest first, with age, signer and proof', () => {
    const core = serving()
    core.run(message('a'), message('b'))
    core.now = 70
    core.run(message('c'), ...core.asks('bob', { kind: 'history', topic: 'block', count: 2 }))
    const values = core.got('bob').filter(({ name }) => name === 'REPLY')
    expect(values.map(({ payload }) => decodeHistoryValue(payload!))).toEqual([
      { age: 70, from: 'bob', proof: PROOF, data: bytes('b') },
      { age: 0, from: 'bob', proof: PROOF, data: bytes('c') },
    ])
  })

  it('sends nothing of a topic that it is not in, and ends', () => {
    const core = serving()
    core.run(...core.asks('bob', { kind: 'history', topic: 'tx', count: 2 }))
    expect(history(core)).toEqual({ texts: [], end: 'END' })
  })

  it('sends the newest, if not all may wait', () => {
    const core = serving({ maxQueuedValues: 10_000 })
    core.run(...[0, 1, 2, 3, 4].map((i) => message(`${i}`, { data: new Uint8Array(3_000).fill(48 + i) })))
    core.run(...core.asks('bob', { kind: 'history', topic: 'block', count: 100 }))
    const { texts, end } = history(core)
    expect([texts.map((text) => text[0]), end]).toEqual([['2', '3', '4'], 'LAST'])
  })

  it('sends two at a time to a peer, lets some wait, and refuses the others', () => {
    const core = serving({ historyPatience: 1 })
    core.run(message('a', { data: filled(100_000) }))
    for (let i = 0; i < 144; i++) core.run(...core.asks('bob', { kind: 'history', topic: 'block', count: 9 }))
    core.linesAt(1)
    const { services, budget, exchanges } = core.state
    expect([services.histories.size, services.serving.size, exchanges.open.size]).toEqual([2, 126, 128])
    expect(budget.all.answers).toBeLessThan(250_000)
    expect(core.got('bob').filter(({ code }) => code === 'Overloaded')).toHaveLength(16)
    core.run(core.sends('bob', cancel(1), cancel(2)))
    core.linesAt(2)
    expect(services.serving.size).toBe(124)
  })

  it('keeps nothing of who asks and goes, also in the same moment', () => {
    const core = serving()
    core.run(message('a', { data: filled(9_000) }))
    core.run(...core.asks('bob', { kind: 'history', topic: 'block', count: 1 }, { credit: 32 }))
    const next = core.asks('bob', { kind: 'history', topic: 'block', count: 1 })
    expect(core.lines(...next, core.sends('bob', cancel(2), cancel(1)))).toEqual([])
    expect([core.state.exchanges.open.size, core.state.services.serving.size, accountsInUse(core.state)]).toEqual([
      0, 0, 0,
    ])
  })
})

describe('a request for the node itself', () => {
  it('of a kind that we do not know is refused, and the application hears nothing', () => {
    const core = serving()
    expect(core.lines(...core.asks('bob', bytes('?')))).toEqual([])
    expect(core.gotLines('bob').slice(1)).toEqual(['FAIL 1 Unknown, "no such request of nodes is known"'])
  })

  it('is not mixed up with one for the application', () => {
    const core = serving()
    expect(core.lines(...core.asks('bob', bytes('mine'), { service: false }))).toEqual(['handle -1 4'])
  })

  it('that waits for an answer is no fault of ours when its time is over: nobody is warned', () => {
    const core = serving()
    core.run(...core.asks('bob', { kind: 'receipt', topic: 'block', id: 'never' }))
    core.now = 5_000
    const logged = core.all({ type: 'woken' }).flatMap((effect) => (effect.type === 'log' ? [effect.level] : []))
    expect(new Set(logged)).toEqual(new Set(['debug']))
  })
})
