import { describe, expect, it } from '@jest/globals'
import { readRecord, recordOfLife } from '../../src/recording/options.js'

describe('the record option', () => {
  const sink = { write: () => undefined }

  it.each([
    ['a.t2pr'],
    [sink],
    [{ ...sink, close: () => undefined }],
    [{ to: 'a.t2pr' }],
    [{ to: sink, redact: true }],
    [undefined],
  ])('may be %p', (record) => {
    expect(() => readRecord(record)).not.toThrow()
  })

  it.each([
    [7, 'not 7'],
    ['', 'not ""'],
    [{}, 'not an object'],
    [null, 'not null'],
    [true, 'not true'],
    [{ write: 'no' }, 'not an object (write)'],
    [{ write: () => undefined, close: 7 }, 'not an object (write, close)'],
    [{ to: 7 }, 'not an object (to)'],
    [{ to: 'a', redact: 'yes' }, 'record.redact must be true or false, not "yes"'],
    [{ to: 'a', redacted: true }, 'record has no option "redacted" (did you mean redact?)'],
    [{ too: 'a' }, 'record has no option "too" (did you mean to?)'],
  ])('may not be %p', (record, message) => {
    expect(() => readRecord(record)).toThrow(expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining(message) })) // prettier-ignore
  })

  it('names a file for each life of a node, and leaves a sink as it is', () => {
    const record = { to: 'a.t2pr', redact: true }
    expect(recordOfLife(record, 1)).toEqual(record)
    expect(recordOfLife(record, 3)).toEqual({ to: 'a.t2pr.3', redact: true })
    expect(recordOfLife({ to: sink, redact: false }, 3).to).toBe(sink)
  })
})
