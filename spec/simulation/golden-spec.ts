/**
 * The same seed gives the same run, byte for byte: today and a moment later, and on every Node version, each of which compares
 * with the same file. A deliberate change of behaviour changes the file: `npm run simulate -- --golden`.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { copy, type Copy } from './copies.js'
import { digests, GOLDEN } from './golden.js'

let sound: Copy

beforeAll(async () => {
  sound = await copy()
  // It bundles the sources, which takes longer than 5 s on a busy machine.
}, 60_000)

afterAll(() => {
  sound.remove()
})

describe('the event log of a seed', () => {
  test(`is the same on Node ${process.versions.node.split('.')[0]} as on every other`, async () => {
    const golden = JSON.parse(readFileSync(fileURLToPath(new URL(GOLDEN, import.meta.url)), 'utf8')) as unknown
    expect(await digests(sound.file)).toEqual(golden)
  }, 60_000)

  test('is the same in another process', async () => {
    expect(await digests(sound.file)).toEqual(await digests(sound.file))
  }, 60_000)
})
