import { describe, expect, it } from '@jest/globals'
import { limitsOf, type Limits } from '../../../src/core/limits/limits.js'
import { accountOf, noteAnswered } from '../../../src/core/requests/accounts.js'
import { Core } from '../../support/core.js'

/** Connections of a node with these limits; the number of each is that of its opening. */
class Crowd {
  readonly core: Core
  private last = 0

  constructor(limits: Partial<Limits>, keep: string[] = []) {
    this.core = new Core({
      ...{ connectionKeepAlive: 1e9, pingInterval: 1e9 },
      limits: limitsOf(limits),
      keep: Object.fromEntries(keep.map((peer) => [peer, []])),
    })
  }

  /** Opens one, and says which ones are closed. */
  open(peer: string, address = `/ip4/80.1.${this.last % 250}.1/tcp/1`): number[] {
    const out = this.core.in({ type: 'connectionOpened', connection: ++this.last, peer, address, inbound: true })
    return out.flatMap((effect) => (effect.type === 'closeConnection' ? [effect.connection] : []))
  }
}

describe('places for connections', () => {
  it('go to who comes in, from the newest that is of no use', () => {
    const crowd = new Crowd({ connections: 16 })
    for (let i = 1; i <= 16; i++) expect(crowd.open(`${i}`)).toEqual([])
    crowd.core.at(5_000)
    expect(crowd.open('a')).toEqual([16])
    expect(crowd.open('b')).toEqual([15])
    expect(crowd.core.state.counts.peers.get('16')!.refused).toEqual({ connections: 1 })
    expect(crowd.core.state.connections.all.size).toBe(16)
  })

  it('are an eighth for those who have just come in: of more of them the oldest makes room', () => {
    const crowd = new Crowd({ connections: 16 })
    for (let i = 1; i <= 16; i++) crowd.open(`${i}`)
    crowd.core.at(5_000)
    for (const peer of ['a', 'b']) crowd.open(peer)
    expect([crowd.open('c'), crowd.open('d'), crowd.open('e')]).toEqual([[17], [18], [19]])
    crowd.core.at(10_000)
    expect(crowd.open('f')).toEqual([21])
  })

  it('stay with those of use', () => {
    const crowd = new Crowd({ connections: 3 })
    for (const peer of ['a', 'b', 'c']) crowd.open(peer)
    crowd.core.in({ type: 'tableChanged', peer: 'c', addresses: ['/ip4/80.1.1.1/tcp/1'] })
    crowd.core.at(5_000)
    expect(crowd.open('d')).toEqual([2])
  })

  it('stay with whom we ask, also when all others are new', () => {
    const crowd = new Crowd({ connections: 2 })
    crowd.open('a')
    crowd.core.request(1, 'a')
    for (const peer of ['b', 'c', 'd', 'e']) crowd.open(peer)
    expect([...crowd.core.state.connections.byPeer.keys()]).toEqual(['a', 'e'])
  })

  it('stay with peers of the config, however many', () => {
    const crowd = new Crowd({ connections: 2 }, ['a', 'b', 'c'])
    for (const peer of ['a', 'b', 'c']) expect(crowd.open(peer)).toEqual([])
    expect(crowd.open('d')).toEqual([4])
  })

  it('are few for one peer', () => {
    const crowd = new Crowd({ connectionsPerPeer: 2 })
    expect([crowd.open('a'), crowd.open('b'), crowd.open('a')]).toEqual([[], [], []])
    expect(crowd.open('a')).toHaveLength(1)
    expect(crowd.core.state.connections.byPeer.get('a')).toHaveLength(2)
  })

  it('are few for one range of addresses, but on this machine', () => {
    const crowd = new Crowd({ connectionsPerRange: 2 })
    const near = (peer: string): number[] => crowd.open(peer, '/ip4/80.200.1.7/tcp/1')
    expect([near('a'), near('b'), crowd.open('x')]).toEqual([[], [], []])
    expect(near('c')).toEqual([1])
    for (let i = 0; i < 5; i++) expect(crowd.open(`local ${i}`, '/ip4/127.0.0.1/tcp/1')).toEqual([])
  })

  describe('among strangers that behave', () => {
    /** The peer has asked something, which was answered. */
    const use = ({ core: { state } }: Crowd, peer: string): void => {
      noteAnswered({ account: accountOf(state, peer) })
    }
    /** So many peers of `ranges` ranges that were answered a minute ago. */
    const crowdOf = (amount: number, ranges: number): Crowd => {
      const crowd = new Crowd({ connections: 40 })
      for (let i = 1; i <= amount; i++) {
        crowd.open(`eve ${i}`, `/ip4/80.2.${i % ranges}.1/tcp/1`)
        use(crowd, `eve ${i}`)
      }
      crowd.core.at(60_000)
      return crowd
    }
    const names = ({ core }: Crowd): string[] => [...core.state.connections.byPeer.keys()]

    it('of a few ranges go before a newcomer that is of use, also when that one is idle just now', () => {
      const crowd = crowdOf(40, 5)
      crowd.open('newcomer', '/ip4/80.9.1.1/tcp/1')
      use(crowd, 'newcomer')
      crowd.core.at(64_000)
      for (let i = 0; i < 15; i++) {
        crowd.open(`stranger ${i}`, `/ip4/80.10.${i}.1/tcp/1`)
        use(crowd, `stranger ${i}`)
        crowd.core.at(65_000 + i * 4_000)
      }
      expect(names(crowd)).toContain('newcomer')
      expect(names(crowd).filter((peer) => peer.startsWith('stranger'))).toHaveLength(15)
    })

    it('go before a newcomer that is of use, also while many strangers come from where that one is', () => {
      const crowd = crowdOf(40, 8)
      const near = (peer: string): void => {
        crowd.open(peer, '/ip4/80.9.1.1/tcp/1')
        use(crowd, peer)
      }
      near('newcomer')
      crowd.core.at(64_000)
      for (let i = 0; i < 5; i++) near(`stranger ${i}`)
      for (let i = 0; i < 10; i++) crowd.open(`other ${i}`, `/ip4/80.10.${i}.1/tcp/1`)
      expect(names(crowd)).toContain('newcomer')
    })

    it('lose against those that were there before, though these are of one range and they are of many', () => {
      const crowd = crowdOf(10, 1)
      const old = names(crowd)
      for (let i = 0; i < 60; i++) {
        crowd.open(`mallory ${i}`, `/ip4/80.20.${i}.1/tcp/1`)
        use(crowd, `mallory ${i}`)
        crowd.core.at(66_000 + i * 4_000)
      }
      crowd.core.at(400_000)
      for (let i = 60; i < 80; i++) crowd.open(`mallory ${i}`, `/ip4/80.20.${i}.1/tcp/1`)
      expect(names(crowd)).toEqual(expect.arrayContaining(old))
    })

    it('and are of no use yet, make room by ranges too', () => {
      const crowd = new Crowd({ connections: 16 })
      crowd.open('alone', '/ip4/80.1.1.1/tcp/1')
      for (let i = 2; i <= 15; i++) crowd.open(`${i}`, `/ip4/80.2.${i % 3}.1/tcp/1`)
      crowd.open('alone too', '/ip4/80.3.1.1/tcp/1')
      crowd.core.at(5_000)
      // The newest of the two largest crowds.
      expect(crowd.open('a')).toEqual([15])
      expect(names(crowd)).toEqual(expect.arrayContaining(['alone', 'alone too']))
    })
  })
})
