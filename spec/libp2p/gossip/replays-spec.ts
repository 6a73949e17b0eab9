/** What is known of the publishes of a signer. */
import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { GOSSIP_SIGNERS, GOSSIP_SPANS } from '../../../src/libp2p/defaults.js'
import { Replays } from '../../../src/libp2p/gossip/replays.js'

it('is each number that was heard, and no other one, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 60n }), { maxLength: 80 }), (numbers) => {
      const replays = new Replays()
      for (const number of numbers) replays.note('a', number)
      for (let number = 0n; number <= 61n; number++) {
        expect([number, replays.has('a', number)]).toEqual([number, numbers.includes(number)])
      }
      expect(replays.has('b', 0n)).toBe(false)
    }),
  )
})

it('is little of a signer that counts up, whatever it says', () => {
  const replays = new Replays()
  for (let number = 0n; number < 100_000n; number++) replays.note('a', number)
  expect([replays.has('a', 0n), replays.has('a', 99_999n), replays.has('a', 100_000n)]).toEqual([true, true, false])
})

it('is bounded: of one that does not the first are forgotten, and of many the first signers', () => {
  const replays = new Replays()
  for (let number = 0; number <= GOSSIP_SPANS; number++) replays.note('a', BigInt(2 * number))
  expect([replays.has('a', 0n), replays.has('a', 2n)]).toEqual([false, true])
  for (let at = 0; at < GOSSIP_SIGNERS; at++) replays.note(`${at}`, 1n)
  expect([replays.has('a', 2n), replays.has('0', 1n)]).toEqual([false, true])
})

it('is the last ones of a signer whose numbers are chance, or count down', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 200, maxLength: 200 }),
      (numbers) => {
        const replays = new Replays()
        for (const number of numbers) replays.note('a', number)
        expect(numbers.slice(-GOSSIP_SPANS).filter((number) => !replays.has('a', number))).toEqual([])
      },
    ),
    { numRuns: 20 },
  )
  const replays = new Replays()
  for (let number = 1_000n; number > 0n; number -= 2n) replays.note('a', number)
  expect([replays.has('a', 2n), replays.has('a', 100n), replays.has('a', 1_000n)]).toEqual([true, true, false])
})

it('is kept of a signer that counts up, while a second one of the same key says numbers by chance', () => {
  const replays = new Replays()
  for (let number = 0n; number < 500n; number++) {
    replays.note('a', 10n ** 18n + number)
    replays.note('a', 2n ** 64n - 1_000n * number)
  }
  expect([replays.has('a', 10n ** 18n), replays.has('a', 10n ** 18n + 499n)]).toEqual([true, true])
})
