/** What the engine finds of a reader that does what it must not. */
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { fuzz } from './engine.js'
import { inputsOf, largeOf, type Target } from './target.js'

const good: Target = {
  name: 'a reader',
  share: 1,
  most: 4_096,
  throws: ['SyntaxError'],
  good: (random) => random.bytes(1 + random.below(9)),
  read(input) {
    if (input.length === 0) throw new SyntaxError('nothing is there')
    return input[0]! < 128 ? 'low' : 'high'
  },
}

/** A reader that does this with one input of some. */
function bad(does: (input: Uint8Array) => string | Promise<string> | undefined, more: Partial<Target> = {}): Target {
  return { ...good, read: (input) => (input[0] === 7 ? does(input) : undefined) ?? good.read(input), ...more }
}

async function found(target: Target, inputs = 4_000): Promise<string[]> {
  const { faults } = await fuzz(target, '1', inputs, () => undefined)
  return faults.map(({ kind, input }) =>
    `${kind} ${input === undefined ? '' : Buffer.from(input).toString('hex')}`.trim(),
  )
}

function deep(times: number): number {
  return times === 0 ? 0 : 1 + deep(times - 1)
}

function work(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

afterEach(() => void Reflect.deleteProperty(Object.prototype, 'odd'))

// Among other specs a collection of garbage takes long, and there are many.
jest.setTimeout(120_000)

describe('fuzzing', () => {
  it('finds nothing in a good reader, and counts what came of its inputs', async () => {
    const report = await fuzz(good, '1', 2_000, () => undefined)
    expect(report).toMatchObject({ name: 'a reader', outcomes: 3, faults: [] })
    expect(report.inputs).toBeGreaterThanOrEqual(2_000)
  })

  it('has the same inputs for the same seed, and others for another one', () => {
    const inputs = (seed: string): string =>
      [...inputsOf(good, seed, 3)].map((one) => Buffer.from(one).toString('hex')).join()
    expect(inputs('a')).toBe(inputs('a'))
    expect(inputs('a')).not.toBe(inputs('b'))
    expect(largeOf(good, 'a', 1)).toEqual(largeOf(good, 'a', 1))
  })

  it('finds an error that nobody expects, and its shortest input', async () => {
    const target = bad(() => {
      throw new TypeError('oh')
    })
    expect(await found(target)).toEqual(['threw 07'])
    expect(await found({ ...target, throws: ['SyntaxError', 'TypeError: o'] })).toEqual([])
    expect(await found(bad(() => Promise.reject(new TypeError('oh'))))).toEqual(['threw 07'])
  })

  it('finds a stack that overflows, also when the error is a known one', async () => {
    const overflow = (): string => {
      try {
        return String(deep(1e6))
      } catch (cause) {
        throw new SyntaxError('too deep', { cause })
      }
    }
    expect(await found(bad(overflow))).toEqual(['overflow 07'])
  })

  it('finds an input that takes long each time, and none that took long once', async () => {
    // (Processor time counts, of which others have a part.)
    const slow = bad(() => void work(400), { good: (random) => Uint8Array.of(random.below(16)), most: 1 })
    const faults = await found(slow, 60)
    expect(faults.filter((fault) => fault.startsWith('slow 07'))).not.toEqual([])
    let times = 0
    const once = bad(() => (times++ === 3 ? void work(60) : undefined))
    expect(await found(once)).toEqual([])
  })

  it('finds memory that is many times the input', async () => {
    const greedy = bad((input) => {
      const taken = Array.from({ length: 400_000 }, (_, at) => ({ at }))
      return taken.length > input.length ? undefined : 'never'
    })
    expect((await found(greedy, 2_000))[0]).toMatch(/^memory 07/)
  })

  it('finds memory that is not given back', async () => {
    const kept: Uint8Array[] = []
    const leaking = { ...good, read: (input: Uint8Array) => (kept.push(new Uint8Array(20_000)), good.read(input)) }
    expect(await found(leaking)).toEqual(['kept'])
  })

  it('finds a prototype that is changed', async () => {
    const polluting = bad(() => {
      Object.assign(Object.prototype, { odd: 1 })
      return 'odd'
    })
    expect(await found(polluting)).toEqual(['prototype 07'])
  })

  it('finds a reader for which all inputs are the same', async () => {
    expect(await found({ ...good, read: () => 'none' })).toEqual(['outcomes'])
  })
})
