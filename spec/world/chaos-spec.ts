/** A short run of chaos, and whether its plan and its audit are what they should be: an audit that finds nothing proves nothing. */
import { describe, expect, it } from '@jest/globals'
import { audit, type Journal } from './chaos/audit.js'
import { Plan, type Fault } from './chaos/plan.js'
import { GOAL, isStarved, runChaos } from './chaos/run.js'
import { tableOf } from './chaos/table.js'
import { describeWorld } from './describe-world.js'

const SEED = 1

describeWorld('six hosts in chaos', () => {
  it('keep all rules', async () => {
    const log: string[] = []
    const report = await runChaos({ seed: SEED, hosts: 6, seconds: 60, log: (line) => log.push(line) })
    process.stdout.write(`\n${tableOf(report)}\n`)
    if (report.broken.length > 0) process.stdout.write(`${log.join('\n')}\n`)
    expect(report.broken).toEqual([])
    // A machine that is so busy proves nothing.
    expect(report.inconclusive).toEqual([])
    expect(report.memory.judged).toBeGreaterThan(0)
    expect(report.answered).toBeGreaterThan(100)
  }, 300_000)
})

function faultsOf(seed: number, hosts: number, rounds: number): Fault[] {
  const plan = new Plan(seed, hosts)
  return Array.from({ length: rounds }, () => plan.next()).flat()
}

describe('a plan', () => {
  it('is the same with the same seed, and another one with another', () => {
    expect(faultsOf(1, 10, 5)).toEqual(faultsOf(1, 10, 5))
    expect(new Plan(1, 10).hosts).toEqual(new Plan(1, 10).hosts)
    expect(faultsOf(1, 10, 5)).not.toEqual(faultsOf(2, 10, 5))
  })

  it('has all kinds of faults, and leaves some hosts alone with what would part them for good', () => {
    const faults = [1, 2, 3, 4, 5].flatMap((seed) => faultsOf(seed, 10, 20))
    expect(new Set(faults.map((fault) => fault.do))).toEqual(
      new Set(['freeze', 'restart', 'kill', 'replace', 'cut', 'worsen']),
    )
    const hows = faults.flatMap((fault) => (fault.do === 'restart' ? [fault.how] : []))
    expect(new Set(hows).size).toBe(4)
    const lasting = faults.flatMap((fault) => (fault.do === 'kill' || fault.do === 'replace' ? [fault.host] : []))
    expect(lasting.filter((host) => host === 'h0' || host === 'h1')).toEqual([])
  })

  it('does nothing more to hosts that are gone', () => {
    const gone = new Set<string>()
    const plan = new Plan(3, 10)
    for (let round = 0; round < 20; round++) {
      const faults = plan.next()
      const touched = faults.flatMap((fault) => ('host' in fault ? [fault.host] : []))
      expect(touched.filter((host) => gone.has(host))).toEqual([])
      expect(new Set(touched).size).toBe(touched.length)
      for (const fault of faults) if (fault.do === 'kill') gone.add(fault.host)
    }
    expect(gone.size).toBe(3)
  })
})

describe('an audit', () => {
  const journal = (name: string, lines: string[], isKilled = false): Journal => ({
    name,
    lines: lines.map((line) => line.split(' ')),
    isKilled,
  })
  const grown = (perMinute: number) =>
    Array.from({ length: 20 }, (_, place) => `mem ${place * 10_000} ${1e8 + (place * perMinute * 1e6) / 6} 1`)
  const holds = (perMinute: number, seconds: number) =>
    Array.from({ length: seconds / 5 }, (_, at) => `mem ${at * 5_000} 1 ${1e8 + (at * perMinute * 1e6) / 12}`)
  const fine = [
    journal('a', ['ask a/1', 'end a/1 answered -2900', 'ask a/2', 'end a/2 DialError -1', 'pub a/3', 'sent a/3 1']),
    journal('b', ['did a/1', 'got new a/3', 'got late a/3', ...grown(1)]),
  ]

  it('counts what was in order', () => {
    expect(audit(fine)).toMatchObject({
      ...{ asked: 2, answered: 1, failed: { DialError: 1 }, cutOff: 0, lost: 0, doubled: 0, broken: [] },
      broadcasts: { sent: 1, delivered: 2, doubled: 0 },
    })
  })

  it.each([
    ['a request that never ends', journal('c', ['ask c/1']), { lost: 1 }, 'c/1 never ended'],
    [
      'one that ends twice',
      journal('c', ['ask c/1', ...Array<string>(2).fill('end c/1 Aborted -1')]),
      { doubled: 1 },
      'c/1 ended twice',
    ],
    ['one that is handled twice', journal('c', ['did a/1']), { doubled: 1 }, 'a/1 was handled again by c'],
    [
      'an answer of nobody',
      journal('c', ['ask c/1', 'end c/1 answered -1']),
      {},
      'c/1 was answered, and nobody handled it',
    ],
    ['an error of another type', journal('c', ['ask c/1', 'end c/1 untyped:Error -1']), {}, 'c/1: untyped:Error'],
    [
      'an end that is too late',
      journal('c', ['ask c/1', 'end c/1 Aborted 9000']),
      { latest: 9_000 },
      'c/1 ended 9000 ms after its time: Aborted',
    ],
    [
      'a broadcast that comes twice',
      journal('c', ['got new a/3', 'got new a/3']),
      {},
      "a/3 was delivered twice to the subscriber 'new' of c",
    ],
    ['memory that grows', journal('c', grown(30)), {}, 'c grew by 30.0 MB a minute'],
    ['objects that grow in a short run', journal('c', holds(12, 70)), {}, 'c grew by 12.0 MB a minute'],
    [
      'what must never be',
      journal('c', ['bad nobody catches Error: so it is']),
      {},
      'c: nobody catches Error: so it is',
    ],
  ])('finds %s', (_, wrong, counts, complaint) => {
    const tally = audit([...fine, wrong])
    expect(tally).toMatchObject(counts)
    expect(tally.broken).toEqual([complaint])
  })

  it('does not count what ended with its process as lost', () => {
    expect(audit([...fine, journal('c', ['ask c/1'], true)])).toMatchObject({ cutOff: 1, lost: 0, broken: [] })
  })
})

describe('a recovery', () => {
  it.each([
    ['on the clock within the goal', GOAL, 0, false],
    ['later, and a process did not run for less than half of that', GOAL * 1.5, GOAL, false],
    ['later, and it did not for more', GOAL * 1.8, GOAL * 0.8, true],
  ])('%s says nothing: %p', (_, ms, fair, says) => {
    expect(isStarved({ ms, fair })).toBe(says)
  })
})
