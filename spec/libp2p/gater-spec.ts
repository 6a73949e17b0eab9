import { describe, expect, it } from '@jest/globals'
import { Gater } from '../../src/libp2p/gater.js'

const OWN = '/ip4/51.1.0.1/tcp/1'
const HEARSAY = '/ip4/51.2.0.1/tcp/1'
const HOUR = 3_600_000

function gater() {
  const clock = { now: 0 }
  return { clock, gate: new Gater('self', undefined, () => clock.now) }
}

describe('what a peer has said of itself', () => {
  it('outranks what others say, with and without its peer id at the end', () => {
    const { gate } = gater()
    expect(gate.best('bob', [HEARSAY, OWN])).toEqual([HEARSAY, OWN])
    gate.told('bob', [OWN])
    expect(gate.best('bob', [HEARSAY, OWN])).toEqual([OWN])
    expect(gate.best('bob', [HEARSAY, `${OWN}/p2p/bob`])).toEqual([`${OWN}/p2p/bob`])
    expect(gate.best('carol', [HEARSAY, OWN])).toEqual([HEARSAY, OWN])
  })

  it('is replaced by what it says next', () => {
    const { gate } = gater()
    gate.told('bob', [OWN])
    gate.told('bob', ['/ip4/51.1.0.2/tcp/1'])
    expect(gate.best('bob', [OWN, '/ip4/51.1.0.2/tcp/1'])).toEqual(['/ip4/51.1.0.2/tcp/1'])
  })

  it('holds while the peer is connected, and an hour longer', () => {
    const { gate, clock } = gater()
    gate.told('bob', [OWN])
    clock.now = 100 * HOUR
    expect(gate.best('bob', [HEARSAY, OWN])).toEqual([OWN])
    gate.left('bob')
    clock.now = 101 * HOUR - 1
    expect(gate.best('bob', [HEARSAY, OWN])).toEqual([OWN])
    clock.now = 101 * HOUR
    expect(gate.best('bob', [HEARSAY, OWN])).toEqual([HEARSAY, OWN])
    expect(gate.isOwnWord('bob', OWN)).toBe(false)
  })

  it('ends when the peer is not there', () => {
    const { gate } = gater()
    gate.told('bob', [OWN])
    gate.forget('bob')
    expect(gate.best('bob', [HEARSAY, OWN])).toEqual([HEARSAY, OWN])
  })

  it('does not make an address of nowhere good', () => {
    const { gate } = gater()
    gate.told('bob', ['/ip4/0.0.0.0/tcp/1', '/ip4/127.0.0.1/tcp/1'])
    expect(gate.best('bob', ['/ip4/0.0.0.0/tcp/1', '/ip4/127.0.0.1/tcp/1', HEARSAY])).toEqual([HEARSAY])
  })
})
