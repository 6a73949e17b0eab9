/** What a dial decides before it opens a socket, and how its attempts become one answer. The host is a stand-in. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { DIALS } from '../../src/core/parameters.js'
import type { PortEvent } from '../../src/core/port.js'
import type { Connections } from '../../src/libp2p/connections.js'
import { Dialler } from '../../src/libp2p/dialling.js'
import { Gater } from '../../src/libp2p/gater.js'
import type { Host } from '../../src/libp2p/host.js'

const SELF = '12D3KooWKwVK6mTHm9PZQvTtJAyEZqGDFcEtgFiLQF9bqpZAuVSp'
const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const OTHER = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'
const THIRD = '12D3KooWGC6TvWhfagifX6GhkBuRdBzsfxkPLgKMTFBMDHpJbS4p'
const [A, B] = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'] as const

interface Attempt {
  address: string
  signal: AbortSignal
  answered(): void
  open(): void
  refuse(why: string): void
}

function connection(direction: 'inbound' | 'outbound' = 'outbound', address: string = A): Connection {
  const muxer = { status: 'open' }
  const remotePeer = peerIdFromString(PEER)
  return { status: 'open', direction, remotePeer, remoteAddr: multiaddr(address), muxer } as unknown as Connection
}

type Find = (name: string, family: 4 | 6) => Promise<string[]>
const noName: Find = (name) => Promise.reject(new Error(`nobody knows where ${name} is`))

/** A dialler whose host opens what the test says. `known`: the addresses in its peer store. */
function dialling({ known = [] as string[], denied = false, found = [] as string[], find = noName } = {}) {
  const events: PortEvent[] = []
  const attempts: Attempt[] = []
  const open: Connection[] = []
  let lookups = 0
  let onOpen = (_event: { detail: Connection }): void => undefined
  const host = {
    peerId: peerIdFromString(SELF),
    addEventListener: (_type: string, listener: typeof onOpen) => (onOpen = listener),
    getConnections: () => open,
    peerStore: {
      get: (id: unknown) =>
        Promise.resolve({ id, addresses: known.map((address) => ({ multiaddr: multiaddr(address) })) }),
      merge: () => Promise.resolve(),
    },
    services: {
      own: { list: () => [] },
      names: { find },
      kad: {
        async *findPeer() {
          lookups++
          await Promise.resolve()
          yield { name: 'FINAL_PEER', peer: { multiaddrs: found.map((address) => multiaddr(address)) } }
        },
      },
      transports: {
        dial: (address: Multiaddr, signal: AbortSignal, answered: () => void, ip?: string) =>
          new Promise<Connection>((resolve, reject) => {
            const refuse = (why: string): void => reject(new Error(why))
            signal.addEventListener('abort', () => refuse('aborted'))
            const where = address.toString().split('/p2p/')[0]! + (ip === undefined ? '' : ` at ${ip}`)
            attempts.push({
              address: where,
              signal,
              answered,
              open: () => resolve(connection('outbound', address.toString().split('/p2p/')[0])),
              refuse,
            })
          }),
      },
    },
  }
  const gater = new Gater(SELF, () => denied)
  const connections = { idOf: () => 7 } as unknown as Connections
  const dialler = new Dialler(host as unknown as Host, connections, gater, (event) => events.push(event))
  return {
    ...{ dialler, events, attempts, open },
    opened: (one: Connection) => onOpen({ detail: one }),
    lookups: () => lookups,
    tried: () => attempts.map(({ address }) => address),
  }
}

/** Lets promises run that wait for no timer. */
const settle = (): Promise<void> => jest.advanceTimersByTimeAsync(0).then(() => undefined)

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

describe('a dial', () => {
  it.each([
    ['this node', SELF, false, 'that is our own peer id'],
    ['a peer that is denied', PEER, true, 'the peer is denied'],
  ])('of %s fails at once', (_, target, denied, message) => {
    const { dialler, events, attempts } = dialling({ denied })
    dialler.dial(target, [A])
    expect(events).toMatchObject([{ type: 'dialFailed', target, failure: { message }, tried: [] }])
    expect(attempts).toEqual([])
  })

  it('of a peer that is connected succeeds at once, over a connection that still carries streams', () => {
    const { dialler, events, attempts, open } = dialling()
    open.push({ ...connection(), status: 'closing' }, connection())
    dialler.dial(PEER, [A])
    expect([events, attempts]).toEqual([[{ type: 'dialled', target: PEER, peer: PEER, connection: 7 }], []])
  })

  it('tries the next address when one is late, and ends it when another has come through', async () => {
    const { dialler, events, attempts, tried } = dialling()
    dialler.dial(PEER, [A, B])
    expect(tried()).toEqual([A])
    await jest.advanceTimersByTimeAsync(DIALS.stagger)
    expect(tried()).toEqual([A, B])
    attempts[1]!.open()
    await settle()
    expect(events).toMatchObject([{ type: 'dialled', target: PEER }])
    expect(attempts[0]!.signal.aborted).toBe(true)
    dialler.stop()
  })

  it('tries an address once more beside while nothing has come from there, and no more once something has', async () => {
    const { dialler, attempts } = dialling()
    dialler.dial(PEER, [A])
    await jest.advanceTimersByTimeAsync(DIALS.again)
    expect(attempts).toHaveLength(2)
    await jest.advanceTimersByTimeAsync(DIALS.again)
    // The first goes on; of those beside it there is one.
    expect(attempts.map(({ signal }) => signal.aborted)).toEqual([false, true, false])
    attempts[0]!.answered()
    await jest.advanceTimersByTimeAsync(2 * DIALS.again)
    expect(attempts).toHaveLength(3)
    dialler.stop()
    expect(attempts.every(({ signal }) => signal.aborted)).toBe(true)
  })

  describe('in a process that stood still', () => {
    /** From now on every timer that fires is late by a second. */
    function late(): void {
      const now = performance.now.bind(performance)
      jest.spyOn(performance, 'now').mockImplementation(() => now() + 1_000)
    }
    afterEach(() => void jest.restoreAllMocks())

    it('reads the answers that are there before its time is over', async () => {
      const { dialler, events, attempts } = dialling()
      dialler.dial(PEER, [A])
      await jest.advanceTimersByTimeAsync(5_000)
      dialler.dial(PEER, [B])
      await jest.advanceTimersByTimeAsync(DIALS.timeout - 5_001)
      late()
      await jest.advanceTimersByTimeAsync(1)
      expect(events).toEqual([])
      attempts.find(({ address, signal }) => address === B && !signal.aborted)!.open()
      await settle()
      expect(events.map(({ type }) => type)).toEqual(['dialled', 'dialled'])
    })

    it('and before it gives the attempt beside the first one up', async () => {
      const { dialler, attempts } = dialling()
      dialler.dial(PEER, [A])
      await jest.advanceTimersByTimeAsync(2 * DIALS.again - 1)
      late()
      await jest.advanceTimersByTimeAsync(1)
      expect(attempts.map(({ signal }) => signal.aborted)).toEqual([false, false])
      attempts[1]!.answered()
      await jest.advanceTimersByTimeAsync(2 * DIALS.again)
      expect(attempts.map(({ signal }) => signal.aborted)).toEqual([false, false])
      dialler.stop()
    })
  })

  it('fails with each address and its reason, once for each time that it was asked', async () => {
    const { dialler, events, attempts } = dialling()
    dialler.dial(PEER, [A])
    dialler.dial(PEER, [B])
    await jest.advanceTimersByTimeAsync(DIALS.stagger)
    attempts[0]!.refuse('refused')
    attempts[1]!.refuse('Can not dial self')
    await settle()
    const tried = [
      { address: `${A}/p2p/${PEER}`, reason: 'refused' },
      { address: `${B}/p2p/${PEER}`, reason: 'this node itself, or one with its secret, is there' },
    ]
    expect(events).toMatchObject([
      { type: 'dialFailed', tried },
      { type: 'dialFailed', tried },
    ])
  })

  it('of many addresses that hang comes to the last one in time, with one socket each', async () => {
    const { dialler, events, attempts, tried } = dialling()
    const many = Array.from({ length: 100 }, (_, index) => `/ip4/192.0.2.${index + 1}/tcp/1`)
    dialler.dial(PEER, many)
    await jest.advanceTimersByTimeAsync(DIALS.allWithin)
    expect(tried()).toContain(many.at(-1))
    expect(attempts.length).toBeLessThan(many.length + 2 * DIALS.few)
    attempts.find(({ address }) => address === many.at(-1))!.open()
    await settle()
    expect(events).toMatchObject([{ type: 'dialled' }])
    dialler.stop()
  })

  it('says how many addresses it could not try', async () => {
    const { dialler, events } = dialling()
    dialler.dial(
      PEER,
      Array.from({ length: 120 }, (_, index) => `/ip4/192.0.2.${index + 1}/tcp/1`),
    )
    await jest.advanceTimersByTimeAsync(DIALS.timeout)
    expect(events).toMatchObject([
      { failure: { message: expect.stringMatching(/; 20 more were not tried$/) as unknown } },
    ])
  })

  it('of a peer with many addresses that hang leaves room for other dials', async () => {
    const { dialler, tried } = dialling()
    const crowd = (peer: string, net: number): void =>
      dialler.dial(
        peer,
        Array.from({ length: 100 }, (_, index) => `/ip4/192.0.${net}.${index + 1}/tcp/1`),
      )
    crowd(PEER, 2)
    crowd(OTHER, 3)
    await jest.advanceTimersByTimeAsync(DIALS.allWithin)
    dialler.dial(THIRD, [A])
    await settle()
    expect(tried().at(-1)).toBe(A)
    dialler.stop()
  })

  it('is answered when the peer connects to us, and then lets its own attempt go on', async () => {
    const { dialler, events, attempts, opened } = dialling()
    dialler.dial(PEER, [A])
    opened(connection('inbound'))
    await settle()
    expect(events).toMatchObject([{ type: 'dialled' }])
    expect(attempts[0]!.signal.aborted).toBe(false)
    dialler.stop()
  })

  it('looks the peer up at once when nothing is known of it, and later when what is known does not answer', async () => {
    const unknown = dialling({ found: [B] })
    unknown.dialler.dial(PEER, [])
    await settle()
    expect([unknown.lookups(), unknown.tried()]).toEqual([1, [B]])
    unknown.dialler.stop()

    const known = dialling({ known: [A], found: [B] })
    known.dialler.dial(PEER, [])
    await settle()
    expect([known.lookups(), known.tried()]).toEqual([0, [A]])
    await jest.advanceTimersByTimeAsync(DIALS.lookupAfter)
    expect(known.lookups()).toBe(1)
    expect(known.tried()).toContain(B)
    known.dialler.stop()
  })

  it('says so when nobody knows an address', async () => {
    const { dialler, events } = dialling()
    dialler.dial(PEER, [])
    await settle()
    expect(events).toMatchObject([{ failure: { message: 'nobody that we could ask knows an address of it' } }])
  })
})

describe('a name', () => {
  const NAME = '/dns/b.example/tcp/1'
  const [FOUR, SIX] = ['192.0.2.1', '2001:db8::1']

  it('is replaced by the addresses of its host, which race: those of each family as soon as they are known', async () => {
    const find: Find = (_, family) =>
      family === 4 ? Promise.resolve([FOUR]) : new Promise((resolve) => setTimeout(resolve, 100, [SIX]))
    const { dialler, events, attempts, tried } = dialling({ find })
    dialler.dial(PEER, [NAME])
    await settle()
    expect(tried()).toEqual([`${NAME} at ${FOUR}`])
    await jest.advanceTimersByTimeAsync(DIALS.stagger - 1)
    expect(tried()).toHaveLength(1)
    await jest.advanceTimersByTimeAsync(1)
    expect(tried()).toEqual([`${NAME} at ${FOUR}`, `${NAME} at ${SIX}`])
    attempts[1]!.open()
    await settle()
    expect(events).toMatchObject([{ type: 'dialled', target: PEER }])
    expect(attempts[0]!.signal.aborted).toBe(true)
    dialler.stop()
  })

  it('of one family is looked up for that family', async () => {
    const asked: unknown[] = []
    const find: Find = (name, family) => (asked.push([name, family]), Promise.resolve([family === 4 ? FOUR : SIX]))
    const { dialler, tried } = dialling({ find })
    for (const name of ['/dns4/b.example/tcp/1', '/dns6/b.example/tcp/2']) dialler.dial(name, [])
    await settle()
    expect(asked).toEqual([['b.example', 4], ['b.example', 6]]) // prettier-ignore
    expect(tried()).toEqual([`/dns4/b.example/tcp/1 at ${FOUR}`, `/dns6/b.example/tcp/2 at ${SIX}`])
    dialler.stop()
  })

  it('that is being looked up is looked up once, and holds up no other address', async () => {
    let lookups = 0
    const find: Find = () => (lookups++, new Promise(() => undefined))
    const { dialler, tried } = dialling({ find })
    dialler.dial(PEER, ['/dns4/b.example/tcp/1', B])
    await jest.advanceTimersByTimeAsync(DIALS.stagger)
    expect(tried()).toEqual([B])
    await jest.advanceTimersByTimeAsync(4 * DIALS.again)
    expect(lookups).toBe(1)
    dialler.stop()
  })

  it('that is replaced lets the others wait for their turn', async () => {
    const find: Find = () => Promise.resolve([FOUR])
    const { dialler, tried } = dialling({ find })
    dialler.dial(PEER, ['/dns4/b.example/tcp/1', B])
    await settle()
    expect(tried()).toEqual([`/dns4/b.example/tcp/1 at ${FOUR}`])
    await jest.advanceTimersByTimeAsync(DIALS.stagger)
    expect(tried().at(-1)).toBe(B)
    dialler.stop()
  })

  it('is said to have failed, with its addresses or with why there are none', async () => {
    const find: Find = (_, family) => (family === 4 ? Promise.resolve([FOUR, '192.0.2.2']) : noName('b.example', 6))
    const { dialler, events, attempts } = dialling({ find })
    dialler.dial(PEER, [NAME, '/dns6/b.example/tcp/2'])
    await settle()
    attempts[0]!.refuse('connect ECONNREFUSED 192.0.2.1:1')
    await settle()
    attempts[1]!.refuse('no route')
    await settle()
    const reason = 'connect ECONNREFUSED 192.0.2.1:1 (nothing listens on this port), 192.0.2.2: no route'
    expect(events).toMatchObject([{ type: 'dialFailed' }])
    expect((events[0] as { tried: unknown }).tried).toEqual(
      expect.arrayContaining([
        { address: `${NAME}/p2p/${PEER}`, reason },
        { address: `/dns6/b.example/tcp/2/p2p/${PEER}`, reason: 'nobody knows where b.example is' },
      ]),
    )
  })
})
