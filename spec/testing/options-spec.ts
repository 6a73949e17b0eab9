/** What the calls of tinyp2p/testing say to options that they do not know. */
import { describe, expect, it } from '@jest/globals'
import { explore, marbles, replay, simulate } from '../../src/testing/index.js'

const property = { schedule: () => [], run: () => undefined }
const net = simulate()

describe('a misspelt option', () => {
  it.each<[string, () => unknown, string]>([
    ['simulate', () => simulate({ sede: 1 } as never), 'simulate has no option "sede"'],
    ['createNode', () => net.createNode({ topic: [] } as never), 'the config has no option "topic" (did you mean topics?)'],
    ['its skew', () => net.createNode({}, { rates: 1 } as never), 'the skew of a clock has no option "rates" (did you mean rate?)'],
    ['until', () => net.until(Promise.resolve(), { wihtin: 5 } as never), 'until has no option "wihtin" (did you mean within?)'],
    ['marbles', () => marbles(net, () => {}, { untill: 5 } as never), 'marbles has no option "untill" (did you mean until?)'],
    ['replay', () => replay(new Uint8Array(), { partal: true } as never), 'replay has no option "partal" (did you mean partial?)'],
    ['explore', () => explore({ ...property, seed: 5 } as never), 'explore has no option "seed" (did you mean seeds?)'],
  ])('of %s is named, with the one that is meant', async (_call, call, message) => {
    const refused = (async () => call())()
    await expect(refused).rejects.toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining(message) as unknown })
  }) // prettier-ignore
})

describe('explore', () => {
  it('tries at least one seed', async () => {
    await expect(explore({ ...property, seeds: 0 })).rejects.toMatchObject({ code: 'InvalidConfig' })
  })
})
