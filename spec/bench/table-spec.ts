/** How the benchmark shows its figures. */
import { describe, expect, it } from '@jest/globals'
import { number, table } from '../../bench/harness/table.js'

describe('a number', () => {
  it.each([
    [123_456.7, '123,457'],
    [1_234, '1,234'],
    [123.4, '123'],
    [12.34, '12.3'],
    [9.996, '10.0'],
    [99.96, '100'],
    [1.234, '1.23'],
    [0.456, '0.46'],
    [0, '0.00'],
    [NaN, '–'],
  ])('%d is shown as %s', (value, text) => {
    expect(number(value)).toBe(text)
  })
})

it('a table has its text at the left and its numbers at the right', () => {
  expect(
    table(
      ['', 'a/s'],
      [
        ['raw', '1,000'],
        ['longer', '2'],
      ],
    ).split('\n'),
  ).toEqual(['|        |   a/s |', '| ------ | ----: |', '| raw    | 1,000 |', '| longer |     2 |'])
})
