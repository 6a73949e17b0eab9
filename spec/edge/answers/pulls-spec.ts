/** Producers take turns: what they produce without a pause leaves the event loop to others, and one peer's leave it to another's. */
import { describe, expect, it } from '@jest/globals'
import { Pulls } from '../../../src/edge/answers/pulls.js'
import { AnsweringEdge } from '../../support/edge.js'
import { turn } from '../../support/promises.js'

/** Each pull takes a millisecond. */
class Turning {
  clock = 0
  readonly pulled: string[] = []
  private later: (() => void) | undefined
  readonly pulls = new Pulls(
    () => this.clock,
    (work) => (this.later = work),
  )

  pull(peer: string, times: number): void {
    for (let i = 0; i < times; i++) {
      this.pulls.run(peer, () => {
        this.clock++
        this.pulled.push(peer)
      })
    }
  }

  /** What is pulled in the next turn of the event loop. */
  turn(): string {
    this.pulled.length = 0
    const work = this.later
    this.later = undefined
    work?.()
    return this.pulled.join(' ')
  }
}

describe('pulls', () => {
  it('run at once until the turn has had enough of them, and the others in later ones', () => {
    const turning = new Turning()
    turning.pull('bob', 12)
    expect(turning.pulled).toHaveLength(5)
    expect(turning.turn()).toBe('bob bob bob bob bob')
    expect(turning.turn()).toBe('bob bob')
    expect(turning.turn()).toBe('')
    turning.clock += 1_000
    turning.pull('bob', 1)
    expect(turning.pulled).toHaveLength(1)
  })

  it('that wait are served by peer', () => {
    const turning = new Turning()
    turning.pull('bob', 100)
    turning.pull('carol', 2)
    turning.pull('dave', 1)
    expect(turning.turn()).toBe('bob carol dave bob carol')
    expect(turning.turn()).toBe('bob bob bob bob bob')
  })

  it('wait behind those that wait, and are not many in one turn, though they take no time', () => {
    const turning = new Turning()
    turning.pull('bob', 6)
    let pulled = 0
    for (let i = 0; i < 1_000; i++) turning.pulls.run('bob', () => pulled++)
    expect(pulled).toBe(0)
    turning.turn()
    expect(pulled).toBeGreaterThan(0)
    expect(pulled).toBeLessThan(200)
    while (turning.turn() !== '' || pulled < 1_000);
    expect(pulled).toBe(1_000)
  })
})

describe('an endless answer', () => {
  it('lets the event loop have its turns, and ends while it waits for one', async () => {
    const edge = new AnsweringEdge(() => performance.now())
    let made = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        made++
        yield new Uint8Array(1)
      }
    }
    edge.request().respond(endless())
    edge.inbound.onProduce(2, 2 ** 40)
    await turn()
    const before = made
    expect(before).toBeGreaterThan(0)
    await turn()
    expect(made).toBeGreaterThan(before)
    edge.inbound.onCancel(2, { code: 'Aborted', message: 'the asker has given up' })
    await turn()
    const atEnd = made
    for (let i = 0; i < 5; i++) await turn()
    expect(made).toBe(atEnd)
    expect(edge.said.at(-1)).toBe('released')
  })
})
