/** The time of gossip in a turn of the event loop, shared by all peers. */
import { expect, it } from '@jest/globals'
import { GOSSIP_TURN } from '../../../src/libp2p/defaults.js'
import { GossipTurns } from '../../../src/libp2p/gossip/turns.js'
import { block } from '../../support/block.js'

/** Turns of the event loop by hand. */
function byHand() {
  const next: (() => void)[] = []
  const turns = new GossipTurns((work) => next.push(work))
  const turn = async (): Promise<void> => {
    for (const work of next.splice(0)) work()
    await Promise.resolve()
  }
  return { turns, turn }
}

it('is there for whoever asks until it is used', async () => {
  const { turns, turn } = byHand()
  expect(turns.pause()).toBeUndefined()
  expect(turns.pause()).toBeUndefined()
  block(GOSSIP_TURN + 1)
  expect(turns.pause()).toBeInstanceOf(Promise)
  await turn()
  expect(turns.length).toBe(0)
})

it('is given to one of those who wait in each turn, in their order', async () => {
  const { turns, turn } = byHand()
  const seen: string[] = []
  void turns.pause()
  block(GOSSIP_TURN + 1)
  const waits = async (name: string): Promise<void> => {
    await turns.pause()
    seen.push(name)
  }
  const waiting = ['a', 'b', 'c'].map(waits)
  for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    await turn()
    expect(seen).toEqual(expected)
  }
  await Promise.all(waiting)
  await turn()
  expect(turns.pause()).toBeUndefined()
})
