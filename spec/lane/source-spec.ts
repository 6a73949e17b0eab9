/** The source of a lane is a Subject: it has observers, and an end. */
import { describe, expect, it } from '@jest/globals'
import { Source } from '../../src/lane/source.js'

describe('a source', () => {
  it('gives each value to its observers, until they leave or it ends', () => {
    const source = new Source<number>()
    const seen: number[][] = [[], []]
    const [first] = seen.map((values) => source.subscribe((value) => values.push(value)))
    source.next(1)
    first!.unsubscribe()
    source.next(2)
    source.complete()
    source.next(3)
    expect(seen).toEqual([[1], [1, 2]])
  })
})
