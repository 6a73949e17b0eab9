/** Handshakes begin and end in turns of the event loop. */
import { describe, expect, it } from '@jest/globals'
import { HandshakeTurns } from '../../../../src/libp2p/guards/lines/handshake-turns.js'

type What = Parameters<HandshakeTurns['wait']>[0]

function lab() {
  const gone: string[] = []
  const turns: (() => void)[] = []
  const handshakes = new HandshakeTurns((work) => turns.push(work))
  return {
    gone,
    turns,
    wait: (what: What, name: string, status: 'open' | 'closed' = 'open') =>
      handshakes.wait(what, { status }, () => gone.push(name)),
    turn: () => {
      turns.shift()!()
      return gone.splice(0)
    },
  }
}

describe('handshakes', () => {
  it('go on one in a turn, in their order, and those that are nearly done before those that begin', () => {
    const { gone, turns, turn, wait } = lab()
    wait('beginning', 'a')
    wait('beginning', 'b')
    expect([gone, turns.length]).toEqual([[], 1])
    expect(turn()).toEqual(['a'])
    wait('beginning', 'c')
    wait('lastWord', 'd')
    wait('lastWord', 'e')
    expect([turn(), turn(), turn(), turn()]).toEqual([['d'], ['e'], ['b'], ['c']])
    expect(turn()).toEqual([])
    expect(turns).toEqual([])
  })

  it('that are over take no turn', () => {
    const { turn, turns, wait } = lab()
    for (const name of ['a', 'b', 'c']) wait('beginning', name, 'closed')
    wait('beginning', 'd')
    wait('beginning', 'e', 'closed')
    expect(turn()).toEqual(['a', 'b', 'c', 'd'])
    expect(turn()).toEqual(['e'])
    expect(turns).toEqual([])
  })
})
