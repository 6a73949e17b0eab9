import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { digestOf } from '../../../src/recording/digest.js'
import { IdNames } from '../../../src/recording/redaction/id-names.js'

const many = (prefix: string, amount: number): string[] => Array.from({ length: amount }, (_, i) => `${prefix}${i}`)

describe('names for ids', () => {
  it('are equal for equal ids and different for different ones, and say nothing of them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 })), (ids) => {
        const names = new IdNames()
        const named = ids.map((id) => names.nameFor(id))
        for (const [i, id] of ids.entries()) for (const [j, other] of ids.entries()) expect(named[i] === named[j]).toBe(id === other) // prettier-ignore
        for (const name of named) expect(name).toMatch(/^[0-9a-z]+$/)
      }),
    )
  })

  it('are as long as their ids, in bytes, and longer only where the number does not fit', () => {
    const names = new IdNames()
    expect(['12345678901234567890', 'é', 'abc'].map((id) => names.nameFor(id).length)).toEqual([20, 2, 3])
    const short = Array.from({ length: 40 }, (_, i) => names.nameFor(String.fromCharCode(0x4e00 + i)))
    expect(new Set(short).size).toBe(40)
    const few = new IdNames()
    const single = Array.from({ length: 40 }, (_, i) => few.nameFor(String.fromCharCode(33 + i)))
    expect(new Set(single.map(({ length }) => length))).toEqual(new Set([1, 2]))
  })

  it('leave what has no id without a name', () => {
    expect(new IdNames().nameFor('')).toBe('')
  })

  it('give a state the digest of its redacted copy: keys and values, of ids and of what is none', () => {
    const stateOf = (one: string, other: string) => ({
      seen: new Map([[one, { id: one, from: 'ann', data: new Uint8Array(3) }], [other, { id: other, from: 'bob', data: Uint8Array.of(1, 2, 3) }]]), // prettier-ignore
      held: new Set([other]),
      last: [other, one, 'ann'],
    })
    const names = new IdNames()
    const [one, other] = [names.nameFor('hash 1'), names.nameFor('hash 2')]
    const ours = digestOf(stateOf('hash 1', 'hash 2'), { lengthsOnly: true, nameOf: names.find })
    expect(ours).toBe(digestOf(stateOf(one, other), { lengthsOnly: true }))
    expect(ours).not.toBe(digestOf(stateOf(other, one), { lengthsOnly: true }))
    expect(ours).not.toBe(digestOf(stateOf('hash 1', 'hash 2'), { lengthsOnly: true }))
  })

  it('are forgotten when they are many, but for those that the state has', () => {
    const names = new IdNames()
    const first = many('a', 9_999).map((id) => names.nameFor(id))
    names.sweep({})
    expect(names.find('a7')).toBe(first[7])
    names.nameFor('b')
    names.sweep({ topics: new Map([['block', { history: [{ id: 'a7' }], pending: new Set(['a9']) }]]) })
    expect(['a7', 'a9', 'a8', 'b'].map(names.find)).toEqual([first[7], first[9], undefined, undefined])
    expect(first).not.toContain(names.nameFor('a8'))
  })
})
