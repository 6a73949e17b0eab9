/** A set of ids that is made when the first one comes. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { IdSet } from '../../src/core/id-set.js'

describe('a set of ids', () => {
  it('behaves as a Set, from its first id on and before', () => {
    const action = fc.record({ isAdded: fc.boolean(), id: fc.nat(8) })
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const ours = new IdSet()
        const plain = new Set<number>()
        for (const { isAdded, id } of actions) {
          if (isAdded) {
            ours.add(id)
            plain.add(id)
          } else {
            expect(ours.delete(id)).toBe(plain.delete(id))
          }
          expect([...ours]).toEqual([...plain])
          expect([ours.size, ours.has(id)]).toEqual([plain.size, plain.has(id)])
        }
      }),
    )
  })
})
