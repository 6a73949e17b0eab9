import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { IdMap } from '../../src/core/id-map.js'

describe('a map of ids', () => {
  it('does what a Map does, in the same order', () => {
    const anyId = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.maxSafeInteger())
    const action = fc.record({
      do: fc.constantFrom('set', 'set', 'delete', 'get', 'has', 'clear'),
      id: anyId,
      value: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
        const ours = new IdMap<number>()
        const plain = new Map<number, number>()
        for (const { do: what, id, value } of actions) {
          if (what === 'set') expect(ours.set(id, value)).toBe(ours)
          if (what === 'set') plain.set(id, value)
          if (what === 'delete') expect(ours.delete(id)).toBe(plain.delete(id))
          if (what === 'get') expect(ours.get(id)).toBe(plain.get(id))
          if (what === 'has') expect(ours.has(id)).toBe(plain.has(id))
          if (what === 'clear' && value % 10 === 0) ours.clear()
          if (what === 'clear' && value % 10 === 0) plain.clear()
          expect(ours.size).toBe(plain.size)
          expect(ours.oldestId).toBe(plain.keys().next().value)
        }
        expect([...ours]).toEqual([...plain])
        expect(ours.keys()).toEqual([...plain.keys()])
        expect(ours.values()).toEqual([...plain.values()])
      }),
      { numRuns: 300 },
    )
  })

  it('keeps nothing of what has left, and its table does not grow by coming and going', () => {
    const map = new IdMap<{ id: number }>()
    for (let id = 0; id < 100_000; id++) {
      map.set(id, { id })
      if (id >= 64) map.delete(id - 64)
    }
    const slots = Object.values(map).filter(Array.isArray) as unknown[][]
    expect(Math.max(...slots.map(({ length }) => length))).toBeLessThanOrEqual(5 * 64)
    expect(slots.flat().filter((slot) => typeof slot === 'object' && slot !== null)).toHaveLength(64)
  })

  it('gives its memory back after a rush', () => {
    const map = new IdMap<number>()
    for (let id = 0; id < 10_000; id++) map.set(id, id)
    for (let id = 0; id < 10_000; id++) map.delete(id)
    expect(Object.values(map).filter(Array.isArray).flat().length).toBeLessThan(100)
  })
})
