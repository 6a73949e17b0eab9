/** The routing table: who enters and leaves it, and how many have room. */
import { describe, expect, it } from '@jest/globals'
import { hash32 } from '../../../../src/testing/network/random.js'
import { Lab } from '../lab.js'

describe('the table', () => {
  it('tells of who comes, changes and leaves, and not of what changes nothing', () => {
    const a = new Lab().member()
    const add = (addresses: string[]) => a.run({ type: 'tableAdd', peer: 'x', addresses })
    add(['/ip4/1.1.1.1/tcp/1'])
    add(['/ip4/1.1.1.1/tcp/1'])
    add(['/ip4/1.1.1.1/tcp/2'])
    a.run({ type: 'tableRemove', peer: 'x' })
    a.run({ type: 'tableRemove', peer: 'x' })
    a.run({ type: 'tableAdd', peer: 'peer1', addresses: [] })
    expect(a.heard('tableChanged').map(({ addresses }) => addresses)).toEqual([
      ['/ip4/1.1.1.1/tcp/1'],
      ['/ip4/1.1.1.1/tcp/2'],
      undefined,
    ])
    expect(a.host.table.size).toBe(0)
  })

  it('takes twenty peers a bucket, by the first six bits of their hash; in its own, twenty of each distance', () => {
    const a = new Lab().member()
    const own = hash32(a.peerId)
    const counts = new Map<string, number>()
    for (let i = 0; i < 3_000; i++) {
      const key = hash32(`p${i}`)
      const bucket = key >>> 26 === own >>> 26 ? `own, ${Math.clz32(key ^ own)} bits alike` : `${key >>> 26}`
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
      a.run({ type: 'tableAdd', peer: `p${i}`, addresses: ['/ip4/1.1.1.1/tcp/1'] })
    }
    const ofOwn = [...counts].filter(([bucket]) => bucket.startsWith('own')).map(([, count]) => count)
    expect(ofOwn.reduce((sum, count) => sum + count)).toBeGreaterThan(20)
    const expected = [...counts.values()].reduce((sum, count) => sum + Math.min(20, count), 0)
    expect(counts.size - ofOwn.length).toBe(63)
    expect([a.host.table.size, a.heard('tableChanged').length]).toEqual([expected, expected])
    // One that leaves makes room.
    a.run({ type: 'tableRemove', peer: 'p0' })
    expect(a.host.table.size).toBe(expected - 1)
  })
})
