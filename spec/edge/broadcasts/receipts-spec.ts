import { describe, expect, it } from '@jest/globals'
import { TestScheduler } from 'rxjs/testing'
import { Receipts } from '../../../src/edge/broadcasts/receipts.js'

const values = { b: { peer: 'bob', rtt: 1 }, c: { peer: 'carol', rtt: 2 } }

describe('the receipts of a broadcast', () => {
  it('come as they come, and all of them at once to who is late', () => {
    new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected)
    }).run(({ hot, expectObservable }) => {
      const receipts = new Receipts()
      const receipts$ = receipts.of(1)
      hot('-b-c-|', values).subscribe({
        next: (receipt) => {
          receipts.onReceipt(1, receipt)
        },
        complete: () => {
          receipts.onEnded(1)
        },
      })
      expectObservable(receipts$).toBe('-b-c-|', values)
      expectObservable(receipts$, '--^-').toBe('--bc-|', values)
      expectObservable(receipts$, '-------^').toBe('-------(bc|)', values)
    })
  })

  it('are apart from those of others', () => {
    const receipts = new Receipts()
    const seen: string[] = []
    receipts.of(1).subscribe(({ peer }) => seen.push(`1 ${peer}`))
    receipts.of(2).subscribe({ next: ({ peer }) => seen.push(`2 ${peer}`), complete: () => seen.push('2 |') })
    receipts.onReceipt(2, values.b)
    receipts.onReceipt(1, values.c)
    receipts.onEnded(2)
    receipts.onReceipt(2, values.c)
    expect(seen).toEqual(['2 bob', '1 carol', '2 |'])
  })

  it('end when the node ends, and are nobody’s after that', () => {
    const receipts = new Receipts()
    const seen: string[] = []
    receipts.of(1).subscribe({ complete: () => seen.push('|') })
    receipts.end()
    receipts.onReceipt(1, values.b)
    receipts.onEnded(1)
    expect(seen).toEqual(['|'])
  })
})
