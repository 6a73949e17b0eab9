/**
 * A process freezes at some moment of its connection's life, and a replacement with its secret comes. How long until we use
 * the replacement? All moments, a few at a time: most of it is waiting. TINYP2P_WORLD=long gives true figures.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { endProcesses } from '../support/another-process.js'
import { show } from './scenarios/scenario.js'
import { untilReplaced, type Moment } from './frozen.js'

const GOAL = 1_000
const long = process.env.TINYP2P_WORLD === 'long'
/** Of moments at once. */
const LANES = 4

type Expected = Moment & { today: 'good' | 'bad' | 'either' }

/**
 * Pieces, in both directions together: with some four to six the handshakes are over, with ten the connection is identified.
 * At the border it depends on how the kernel cuts them: `either`.
 */
const moments = (['we', 'the frozen one'] as const).flatMap((dials): Expected[] => {
  const connected = dials === 'we' ? 4 : 6
  const handshake = [0, 1, 2, 3, 4, 5, 6, 8, 10].map((after): Expected => {
    const today = after <= connected - 2 ? 'good' : after > connected + 1 ? 'bad' : 'either'
    return { name: `after ${after} pieces`, dials, after, today }
  })
  return [
    ...handshake,
    { name: 'idle', dials, today: 'bad' },
    { name: 'with a request under way', dials, under: 'a request', today: 'bad' },
    { name: 'with a stream under way', dials, under: 'a stream', today: 'bad' },
    { name: 'in our mesh', dials, under: 'gossip', today: 'bad' },
  ]
})

describe('a process that freezes', () => {
  const figures = new Map<Moment, Promise<number>>()

  beforeAll(() => {
    const lanes = Array.from({ length: LANES }, () => Promise.resolve<unknown>(undefined))
    for (const [place, moment] of moments.entries()) {
      const figure = lanes[place % LANES]!.then(() => untilReplaced(moment, long ? 60_000 : 1.5 * GOAL))
      lanes[place % LANES] = figure.catch(() => undefined)
      figures.set(moment, figure)
    }
  })
  afterAll(async () => {
    const lines = moments.map(async (moment) => {
      const figure = await figures.get(moment)!.catch(() => NaN)
      return `${show(figure).padStart(9)}  goal ${show(GOAL)}  frozen ${moment.name}, ${moment.dials} dialled (today: ${moment.today})`
    })
    process.stdout.write(`\n${(await Promise.all(lines)).join('\n')}\n`)
    await endProcesses()
  })

  for (const moment of moments) {
    it(`${moment.name}, when ${moment.dials} dialled`, async () => {
      const figure = await figures.get(moment)!
      if (moment.today === 'good') expect(figure).toBeLessThanOrEqual(GOAL)
      // Is it so no longer? Say so above.
      if (moment.today === 'bad') expect(figure).toBeGreaterThan(GOAL)
    }, 600_000)
  }
})
