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

it('is bounded: of one that does not the lowest are forgotten, and of many the first signers', () => {
  const replays = new Replays()
  for (let number = 0; number <= GOSSIP_SPANS; number++) replays.note('a', BigInt(2 * number))
  expect([replays.has('a', 0n), replays.has('a', 2n)]).toEqual([false, true])
  for (let at = 0; at < GOSSIP_SIGNERS; at++) replays.note(`${at}`, 1n)
  expect([replays.has('a', 2n), replays.has('0', 1n)]).toEqual([false, true])
})
