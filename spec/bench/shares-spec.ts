import { describe, expect, it } from '@jest/globals'
import type { Profiler } from 'node:inspector'
import { noShares, shares } from '../../bench/harness/shares.js'

const OURS = 'file:///repo/node_modules/.cache/tinyp2p-bench-a1B2c3/src/core/step.js'
const BENCH = 'file:///repo/node_modules/.cache/tinyp2p-bench-a1B2c3/bench/harness/drive.js'

/** A profile of one sample in each function, 100 µs long. */
function profileOf(...frames: [functionName: string, url: string][]): Profiler.Profile {
  const nodes = frames.map(([functionName, url], index) => ({
    id: index + 1,
    callFrame: { functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 },
  }))
  const samples = nodes.map(({ id }) => id)
  return { nodes, startTime: 0, endTime: 0, samples, timeDeltas: [7, ...samples.map(() => 100)] }
}

describe('the shares of a profile', () => {
  it.each<[string, string, string]>([
    ['step', OURS, 'ours'],
    ['drive', BENCH, 'benchmark'],
    ['next', 'file:///repo/node_modules/rxjs/dist/cjs/internal/Subscriber.js', 'rxjs'],
    ['onData', 'file:///repo/node_modules/@libp2p/utils/dist/src/abstract-message-stream.js', 'libp2p'],
    ['wasm-function[3]', 'wasm://wasm/000e3b2e', 'cipher'],
    ['update', 'node:internal/crypto/cipher', 'cipher'],
    ['update', '', 'cipher'],
    ['writeBuffer', '', 'system calls'],
    ['(program)', '', 'system calls'],
    ['(garbage collector)', '', 'garbage'],
    ['emit', 'node:events', 'Node'],
    ['now', '', 'Node'],
  ])('%s of %j: %s', (name, url, owner) => {
    expect(shares(profileOf([name, url]))).toEqual({ ...noShares(), [owner]: 100 })
  })

  it('leave idle time out, and add up', () => {
    const profile = profileOf(['(idle)', ''], ['step', OURS], ['(root)', ''], ['handle', OURS], ['emit', 'node:events'])
    expect(shares(profile)).toEqual({ ...noShares(), ours: 200, Node: 100 })
  })
})
