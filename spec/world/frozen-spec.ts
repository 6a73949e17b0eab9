/**
 * A process freezes at some moment of its connection's life, and a replacement with its secret comes. How long until we use
 * the replacement? All moments, a few at a time: most of it is waiting. TINYP2P_WORLD=long gives true figures.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { endProcesses } from '../support/another-process.js'
import { long, show } from './scenarios/scenario.js'
import { untilReplaced, type Moment } from './frozen.js'

const GOAL = 1_000
/** Of moments at once. */
const LANES = 4

/** Pieces, in both directions together: with some four to six the handshakes are over, with ten the connection is identified. */
const moments = (['we', 'the frozen one'] as const).flatMap((dials): Moment[] => [
  ...[0, 1, 2, 3, 4, 5, 6, 8, 10].map((after): Moment => ({ name: `after ${after} pieces`, dials, after })),
  { name: 'idle', dials },
  { name: 'with a request under way', dials, under: 'a request' },
  { name: 'with a stream under way', dials, under: 'a stream' },
  { name: 'in our mesh', dials, under: 'gossip' },
])

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
      return `${show(figure).padStart(9)}  goal ${show(GOAL)}  frozen ${moment.name}, ${moment.dials} dialled`
    })
    process.stdout.write(`\n${(await Promise.all(lines)).join('\n')}\n`)
    await endProcesses()
  })

  for (const moment of moments) {
    it(`${moment.name}, when ${moment.dials} dialled`, async () => {
      const figure = await figures.get(moment)!
      expect(figure).toBeLessThanOrEqual(GOAL)
    }, 600_000)
  }
})
