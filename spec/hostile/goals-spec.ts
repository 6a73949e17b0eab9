/** Which goals a row of the hostile suite meets. */
import { describe, expect, it } from '@jest/globals'
import { attacks } from './attacks/index.js'
import { CI, MARKS } from './marks.js'
import { broken, GOALS, isFelt, isHeld, type Measured, type Told } from './goals.js'
import type { Outcome } from './tools/fate.js'

const asked = { sent: 1_000, answered: 1_000, p50: 1, p99: 6, errors: {} }
const outcome: Outcome = {
  ...{ done: 1_000, refused: {}, gone: { closed: 1 }, lines: 1, waited: 0, first: 600, figure: undefined },
}
const good: Measured = {
  ...{ name: 'nothing', quiet: asked, attacked: asked, afterwards: asked, back: 1, seconds: 5, attacker: outcome },
  strangers: { tried: 10, joined: 10, errors: {} },
  memory: { before: 110, peak: 120, after: 111 },
  stall: { quiet: 10, attacked: 20 },
  told: { refused: {}, waiting: 0 },
}

describe('a row', () => {
  it('meets all goals when nobody notices anything', () => {
    expect(broken(good, GOALS)).toEqual([])
  })

  it.each<[string, Partial<Measured>]>([
    ['p99', { attacked: { ...asked, p99: 19 } }],
    ['answered', { attacked: { ...asked, answered: 999 } }],
    ['answered', { afterwards: { ...asked, answered: 999 } }],
    ['strangers', { strangers: { tried: 10, joined: 8, errors: {} } }],
    ['memory', { memory: { before: 110, peak: 367, after: 111 } }],
    ['back', { memory: { before: 110, peak: 200, after: 175 } }],
    ['stall', { stall: { quiet: 10, attacked: 51 } }],
    ['attacker', { attacker: { ...outcome, gone: {} } }],
  ])('breaks %s when %j', (goal, what) => {
    expect(broken({ ...good, ...what }, GOALS)).toEqual([goal])
  })

  it('takes 20 ms for good where the quiet phase has less than 5', () => {
    expect(broken({ ...good, quiet: { ...asked, p99: 4 }, attacked: { ...asked, p99: 20 } }, GOALS)).toEqual([])
  })

  it('whose victim has died breaks what it cannot have kept', () => {
    expect(broken({ ...good, died: 'its process ended' }, GOALS)).toEqual(['answered', 'back'])
  })

  it('breaks the goal of its own when its figure is missing, or outside', () => {
    const own = { most: 5 }
    const figure = (value?: number) => ({ ...good, attacker: { ...outcome, figure: value } })
    expect(broken(figure(5), GOALS, { own })).toEqual([])
    expect(broken(figure(6), GOALS, { own })).toEqual(['own'])
    expect(broken(figure(), GOALS, { own })).toEqual(['own'])
  })
})

describe('an attacker', () => {
  const none = { ...outcome, gone: {}, first: undefined }

  it.each<[string, boolean, Outcome]>([
    ['nobody stops', false, none],
    ['is cut off too late', false, { ...outcome, first: 5_001 }],
    ['loses one line of four', false, { ...outcome, lines: 4 }],
    ['is refused a tenth', true, { ...none, refused: { Overloaded: 100 }, first: 10 }],
    ['is refused less', false, { ...none, refused: { Overloaded: 99 }, first: 10 }],
    ['has to wait for half of the time', true, { ...none, waited: 0.5 }],
  ])('that %s: felt it is %s', (_, felt, what) => {
    expect(isFelt(what)).toBe(felt)
  })
})

describe('an attacker of which the victim', () => {
  it.each<[string, boolean, Told]>([
    ['says nothing', false, { refused: {}, waiting: 0 }],
    ['has dropped a tenth', true, { refused: { gossipReplay: 60, kadRate: 40 }, waiting: 0 }],
    ['has dropped less', false, { refused: { gossipReplay: 99 }, waiting: 0 }],
    ['lets half wait', true, { refused: {}, waiting: 500 }],
    ['lets fewer wait', false, { refused: {}, waiting: 499 }],
    ['reads later, again and again', true, { refused: { streamRate: 3, gossipRate: 2 }, waiting: 0 }],
    ['reads later now and then', false, { refused: { streamRate: 4 }, waiting: 0 }],
  ])('%s: held it is %s', (_, held, told) => {
    expect(isHeld(told, outcome)).toBe(held)
  })
})

describe('the attacks', () => {
  it('have names of their own, and say in one sentence what they do', () => {
    const names = attacks.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(60)
    expect(attacks.filter(({ does }) => !/^[A-Z0-9].*[.?]$/.test(does)).map(({ name }) => name)).toEqual([])
  })

  it('do not say of a goal both that it fails and that it varies', () => {
    const both = Object.entries(MARKS).filter(([, { fails = [], varies = [] }]) =>
      fails.some((goal) => varies.includes(goal)),
    )
    expect(both.map(([name]) => name)).toEqual([])
  })

  it('are what marks and CI name', () => {
    const names = attacks.map(({ name }) => name)
    expect([...Object.keys(MARKS), ...CI].filter((name) => !names.includes(name))).toEqual([])
  })
})
