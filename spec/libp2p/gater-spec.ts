import { describe, expect, it } from '@jest/globals'
import { REMEMBERED_PEERS } from '../../src/libp2p/defaults.js'
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

  it('or that of others is given once, as often as the peer store may have it', () => {
    const { gate } = gater()
    expect(gate.best('bob', [HEARSAY, OWN, HEARSAY, `${OWN}/p2p/bob`])).toEqual([HEARSAY, `${OWN}/p2p/bob`])
    const places = Array.from({ length: 100 }, (_, i) => `/ip4/51.1.0.2/tcp/${i + 1}`)
    const bounded = gate.best('bob', places)
    expect(gate.best('bob', places.flatMap((place) => [place, place]))).toEqual(bounded) // prettier-ignore
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
    expect(gate.isSelfReported('bob', OWN)).toBe(false)
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

describe('an address', () => {
  const LOOPBACK = '/ip4/127.0.0.1/tcp/1'

  it('of loopback is good of a peer that is there, or that we have not met while another one is', () => {
    const { gate } = gater()
    expect(gate.accepts('bob', LOOPBACK)).toBe(false)
    gate.connected('carol', OWN)
    expect(gate.accepts('bob', LOOPBACK)).toBe(false)
    gate.connected('bob', LOOPBACK)
    gate.connected('bob', OWN)
    expect(['bob', 'carol', 'dave'].map((peer) => gate.accepts(peer, LOOPBACK))).toEqual([true, false, true])
  })

  it('of loopback is good for a node that listens nowhere else', () => {
    const { gate } = gater()
    gate.listensOn([LOOPBACK, OWN])
    expect(gate.accepts('bob', LOOPBACK)).toBe(false)
    gate.listensOn([LOOPBACK])
    expect(gate.accepts('bob', LOOPBACK)).toBe(true)
  })

  it('of our own is good, but for that of every interface', () => {
    const { gate } = gater()
    expect(gate.accepts('self', LOOPBACK)).toBe(true)
    expect(gate.accepts('self', '/ip4/0.0.0.0/tcp/1')).toBe(false)
  })
})

describe('what is remembered of peers', () => {
  it('has a bound: the oldest that is not connected goes first', () => {
    const { gate } = gater()
    const loopback = '/ip4/127.0.0.1/tcp/1'
    gate.connected('good', loopback)
    gate.told('good', [OWN])
    for (let i = 0; i <= REMEMBERED_PEERS; i++) {
      gate.connected(`p${i}`, OWN)
      gate.told(`p${i}`, [OWN])
      gate.left(`p${i}`)
    }
    expect(['good', 'p0', 'p1', 'p2'].map((peer) => gate.isSelfReported(peer, OWN))).toEqual([true, false, false, true])
    expect(['good', 'p0'].map((peer) => gate.accepts(peer, loopback))).toEqual([true, true])
    expect(gate.accepts('p2', loopback)).toBe(false)
  })
})

describe('a peer', () => {
  it('is denied where the test says so, and nowhere else', () => {
    expect(gater().gate.whyNot('bob')).toBeUndefined()
    const gate = new Gater('self', (peer) => peer === 'bob')
    expect([gate.whyNot('bob'), gate.whyNot('carol')]).toEqual(['the peer is denied', undefined])
  })
})
