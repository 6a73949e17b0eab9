/**
 * Some rows of the hostile suite (docs/hostile.md), short ones. An attack that breaks a goal today says so (`fails`), and has to break
 * one of those; all other goals are held by wide bounds, which a busy machine does not break.
 */
import { afterAll, describe, expect, it } from '@jest/globals'
import { killProcesses } from '../support/line-process.js'
import type { Attack } from './attacks/attack.js'
import { attacks } from './attacks/index.js'
import { broken, GOALS, WIDE, type Measured } from './goals.js'
import { CI, MARKS } from './marks.js'
import { measure } from './row.js'
import { head, row } from './table.js'

const TIMES = { warm: 1.5, seconds: 3, settle: 2, after: 1, perSecond: 200, strangersPerSecond: 2 }

/** It reads /proc, and dials from all of 127.0.0.0/8. */
const describeOnLinux = process.platform === 'linux' ? describe : describe.skip

const rows: string[] = []

async function measured(attack: Attack): Promise<Measured> {
  const what = await measure(attack, TIMES)
  rows.push(row(attack, what))
  return what
}

describeOnLinux('among strangers', () => {
  afterAll(async () => {
    await killProcesses()
    process.stdout.write(`\n${[head(), ...rows].join('\n')}\n`)
  })

  for (const attack of attacks.filter(({ name }) => CI.includes(name))) {
    const { name, does } = attack
    const { fails = [], varies = [] } = MARKS[name] ?? {}
    it(`${name}: ${does}`, async () => {
      const what = await measured(attack)
      const known = [...fails, ...varies]
      expect({ ...what, broken: broken(what, WIDE, attack).filter((goal) => !known.includes(goal)) }).toEqual({
        ...what,
        broken: [],
      })
      if (fails.length > 0) expect(broken(what, GOALS, attack).filter((goal) => fails.includes(goal))).not.toEqual([])
    })
  }
})
