import { describe, expect, it, test } from '@jest/globals'
import { readSources } from '../simulation/copies.js'
import { kept, mutants, neverHealed } from '../simulation/mutants.js'
import { drop, replace, Sources, swap, type Change } from './planting.js'

/** What the changes make of a source, and of others beside it. */
function plant(text: string, change: Change | Change[], others: Record<string, string> = {}): string | undefined {
  const sources = new Sources([['one.ts', text], ...Object.entries(others)])
  return sources.plant({ name: 'a fault', changes: [change].flat() }).get('one.ts')
}

const failing = (text: string, change: Change | Change[], others?: Record<string, string>) => (): unknown =>
  plant(text, change, others)

describe('a fault is planted', () => {
  it('in a function of that name, in whichever file it is, and nowhere else', () => {
    const change = replace('count', '+ 1', '+ 2')
    const sources = new Sources([
      ['a.ts', 'function other(n) { return n + 1 }'],
      ['b/c.ts', 'export function count(n) { return n + 1 }\nfunction more(n) { return n + 1 }'],
    ])
    expect([...sources.plant({ name: 'a fault', changes: [change] })]).toEqual([
      ['b/c.ts', 'export function count(n) { return n + 2 }\nfunction more(n) { return n + 1 }'],
    ])
  })

  test.each([
    ['Class.method', 'class Class { method() { go() } }', 'class Class { method() { stop() } }'],
    ['Class.#hidden', 'class Class { #hidden() { go() } }', 'class Class { #hidden() { stop() } }'],
    ['Class.arrow', 'class Class { arrow = () => { go() } }', 'class Class { arrow = () => { stop() } }'],
    ['Class.constructor', 'class Class { constructor() { go() } }', 'class Class { constructor() { stop() } }'],
    ['table.entry', 'const table = { entry() { go() } }', 'const table = { entry() { stop() } }'],
    ['table.entry', 'const table = { entry: () => go() } as const', 'const table = { entry: () => stop() } as const'],
    ['arrow', 'export const arrow = (): void => { go() }', 'export const arrow = (): void => { stop() }'],
    ['wrapped', 'const wrapped = once(() => go())', 'const wrapped = once(() => stop())'],
    ['outer', 'function outer() { function inner() { go() } }', 'function outer() { function inner() { stop() } }'],
  ])('in %s: %s', (where, before, after) => {
    expect(plant(before, replace(where, 'go(', 'stop('))).toBe(after)
  })

  it('however the place is formatted, and whatever is said of it', () => {
    const text = `function send() {
      out.push(
        // Not yet.
        { type: "write", stream, },
      );
    }`
    expect(plant(text, replace('send', "out.push({ type: 'write', stream })", 'go()'))).toBe(
      'function send() {\n      go();\n    }',
    )
  })

  it('beside templates, regular expressions and type arguments', () => {
    const text = 'function f() { a(`${x} y`, /"/, new Map<string, Set<string>>()); if (n >= 1) go() }'
    expect(plant(text, replace('f', 'n >= 1', 'n > 1'))).toContain('if (n > 1) go()')
    expect(plant(text, replace('f', 'new Map<string, Set<string>>()', 'none'))).toContain('/"/, none)')
  })

  it('in functions that share a name, when the code is in only one of them', () => {
    const others = { 'two.ts': 'function end() { stop() }' }
    expect(plant('function end() { go() }', drop('end', 'go('), others)).toBe('function end() { ; }')
  })

  it('in functions that share name and code, when a folder tells them apart', () => {
    const sources = new Sources(['v1/a.ts', 'v2/b/a.ts'].map((path) => [path, 'function f() { go() }']))
    const planted = sources.plant({ name: 'a fault', changes: [drop('v2/f', 'go(')] })
    expect([...planted.keys()]).toEqual(['v2/b/a.ts'])
    expect(failing('function f() {}', drop('v1/f', 'go('))).toThrow('there is no function v1/f')
  })

  it('in several places', () => {
    const text = 'function a() { one() }\nfunction b() { two() }'
    expect(plant(text, [replace('a', 'one', 'eins'), replace('b', 'two', 'zwei')])).toBe(
      'function a() { eins() }\nfunction b() { zwei() }',
    )
  })
})

describe('what is dropped is', () => {
  test.each([
    ['a statement', 'function f() { one(); two(three) }', 'function f() { one(); ; }'],
    ['what an if does', 'function f() { if (one) two(three); else four() }', 'function f() { if (one) ; else four() }'],
    ['an if whose condition it is', 'function f() { if (two(three)) { one() } }', 'function f() { ; }'],
    ['a statement of an inner function', 'function f() { g(() => { two(three) }) }', 'function f() { g(() => { ; }) }'],
    ['all that a short arrow function does', 'const f = () => two(three)', 'const f = () => undefined'],
  ])('%s', (_, before, after) => {
    expect(plant(before, drop('f', 'two(three'))).toBe(after)
  })
})

test('two statements change places', () => {
  const text = 'function f() { one(); for (const x of all) two(x); three() }'
  expect(plant(text, swap('f', 'of all', 'three('))).toBe(
    'function f() { one(); three() for (const x of all) two(x); }',
  )
})

describe('a fault is refused, by its name and that of the function,', () => {
  test.each([
    [
      'when nothing is called so',
      'function f() { go() }',
      drop('g', 'go('),
      '"a fault" cannot be planted: there is no function g',
    ],
    [
      'when the code is not there',
      'function f() { go() }',
      drop('f', 'stop('),
      'this must occur once in f (one.ts), and occurs 0 times: stop(',
    ],
    ['when the code is there twice', 'function f() { go(); go() }', drop('f', 'go('), 'and occurs 2 times: go('],
    ['when no code is named', 'function f() { go() }', drop('f', ' // go'), 'no code says where in f'],
    [
      'when no statement is there',
      'function f(a = 1) { go() }',
      drop('f', 'a = 1'),
      'no statement of f holds this: a = 1',
    ],
    [
      'when the second of two statements is missing',
      'function f() { go() }',
      swap('f', 'go(', 'stop('),
      'occurs 0 times: stop(',
    ],
    [
      'when its changes overlap',
      'function f() { go(1) }',
      [drop('f', 'go('), replace('f', '1', '2')],
      'two of its changes overlap in one.ts',
    ],
  ])('%s', (_, text, change, message) => {
    expect(failing(text, change)).toThrow(message)
  })

  it('when two functions share name and code', () => {
    const text = 'function f() { go() }'
    expect(failing(text, drop('f', 'go('), { 'two.ts': text })).toThrow(
      'once in f (one.ts, two.ts), and occurs 2 times',
    )
  })
})

describe('the faults of the simulation find their places in the sources', () => {
  test.each([...mutants, ...neverHealed, ...kept].map((mutant) => [mutant.name, mutant] as const))(
    '%s',
    (_, mutant) => {
      expect(readSources().plant(mutant).size).toBeGreaterThan(0)
    },
  )
})
