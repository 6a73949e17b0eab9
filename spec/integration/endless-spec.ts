/** An endless answer between two processes: who reads slowly is what it waits for, and nothing piles up on either side. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { AnotherProcess, endProcesses } from '../support/another-process.js'

/** As the child has it. */
const PIECE = 16_384
const MiB = 1_048_576

afterEach(endProcesses)

describe('an endless answer', () => {
  it('is made as fast as it is read, with flat memory on both sides, and ends when nobody reads', async () => {
    const maker = await AnotherProcess.start({}, 'endless')
    const reader = await AnotherProcess.start({}, 'nobody')
    // What the first requests need for good.
    await reader.order('read', { peer: maker.addresses[0]!, values: 2_000, pace: 0 })
    const before = await Promise.all([maker.memory(), reader.memory()])
    const first = (await maker.order('made', {})) as { made: number; ended: number }
    const pace = 1_000
    const values = 6
    expect(await reader.order('read', { peer: maker.peerId, values, pace })).toBe(values)
    const after = await Promise.all([maker.memory(), reader.memory()])
    const last = (await maker.order('made', {})) as { made: number; ended: number }
    // A window of 64 KiB is under way, one value more is begun, and one is in the hands of the generator.
    expect(last.made - first.made).toBeGreaterThanOrEqual(values)
    expect(last.made - first.made).toBeLessThanOrEqual(values + 65_536 / PIECE + 2)
    expect(last.ended).toBe(2)
    // In six seconds a producer that does not wait makes gigabytes.
    for (const [i, bytes] of after.entries()) expect(bytes - before[i]!).toBeLessThan(24 * MiB)
  }, 60_000)
})
