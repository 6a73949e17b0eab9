import { describe, expect, it } from '@jest/globals'
import { isSchema, issuesText } from '../../src/protocol/standard-schema.js'
import { dateSchema } from '../support/schemas.js'

describe('a Standard Schema', () => {
  it('is an object or a function with version 1 of it', () => {
    expect(isSchema(dateSchema)).toBe(true)
    expect(isSchema(Object.assign(() => undefined, dateSchema))).toBe(true)
    const { validate } = dateSchema['~standard']
    for (const other of [
      null,
      7,
      {},
      { '~standard': null },
      { '~standard': { version: 2, validate } },
      { '~standard': { version: 1 } },
    ]) {
      expect(isSchema(other)).toBe(false)
    }
  })

  it('tells where its issues are, and not more than five of them', () => {
    expect(issuesText([{ message: 'no' }])).toBe('no')
    expect(issuesText([{ message: 'a text', path: ['author', { key: 'name' }, 0] }, { message: 'no' }])).toBe(
      'author.name.0: a text; no',
    )
    const many = Array.from({ length: 7 }, (_, i) => ({ message: `${i}` }))
    expect(issuesText(many)).toBe('0; 1; 2; 3; 4; and 2 more')
  })
})
