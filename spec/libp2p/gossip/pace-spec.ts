/** How fast peers may gossip. */
import { beforeEach, describe, expect, it } from '@jest/globals'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { Pace } from '../../../src/libp2p/gossip/pace.js'

const LIMITS = limitsOf({ gossipRate: 100, gossipByteRate: 10_000 })
const NAMED = 'named'

let now: number
let told: string[]
let pace: Pace

const waits = (peer: string): boolean => pace.pause(peer) !== undefined

function meet(peer: string, address = '/ip4/127.0.0.1/tcp/1'): void {
  pace.meet({ remotePeer: { toString: () => peer }, remoteAddr: multiaddr(address) } as Connection)
}

async function from(address: string): Promise<string> {
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  meet(peer, address)
  return peer
}

beforeEach(() => {
  now = 0
  told = []
  pace = new Pace(
    LIMITS,
    (peer) => peer === NAMED,
    (peer, what) => told.push(`${peer} ${what}`),
    () => now,
  )
  for (const peer of ['a', 'b', NAMED]) meet(peer)
})

describe('a peer', () => {
  it('has two seconds of its rate at once, and then waits as long as it has said too much', () => {
    pace.work('a', 200)
    expect(waits('a')).toBe(false)
    expect(pace.owes('a')).toBe(false)
    pace.work('a', 50)
    expect([waits('a'), pace.owes('a')]).toEqual([true, true])
    expect(told).toEqual(['a gossipRate'])
    now = 499
    expect(waits('a')).toBe(true)
    now = 500
    expect([waits('a'), pace.owes('a')]).toEqual([false, false])
  })

  it('is read on by itself', async () => {
    pace.work('a', 201)
    await pace.pause('a')
    now = 10
    expect(waits('a')).toBe(false)
  })

  it('waits for its bytes in the same way', () => {
    pace.bytes('a', 20_000)
    expect(waits('a')).toBe(false)
    pace.bytes('a', 1_000)
    expect(waits('a')).toBe(true)
    now = 100
    expect(waits('a')).toBe(false)
  })

  it('keeps no other one waiting', () => {
    pace.work('a', 10_000)
    pace.work('b', 1)
    expect([waits('a'), waits('b')]).toEqual([true, false])
  })

  it('has more when the config names it', () => {
    pace.work(NAMED, 3_200)
    expect(waits(NAMED)).toBe(false)
    pace.work(NAMED, 100)
    expect(waits(NAMED)).toBe(true)
  })

  it('that has gone is read at once, and waits when it is back', async () => {
    const peer = await from('/ip4/127.0.0.1/tcp/1')
    pace.work(peer, 1_000)
    const pause = pace.pause(peer)
    pace.leave(peer)
    await pause
    expect(waits(peer)).toBe(false)
    pace.work(peer, 1)
    expect(waits(peer)).toBe(false)
    meet(peer)
    expect(waits(peer)).toBe(true)
  })
})

describe('peers of one range of addresses', () => {
  it('have four times as much together', async () => {
    const peers = await Promise.all([1, 2, 3, 4, 5].map((host) => from(`/ip4/5.6.7.${host}/tcp/1`)))
    for (const peer of peers.slice(0, 4)) pace.work(peer, 200)
    expect(peers.map(waits)).toEqual([false, false, false, false, false])
    pace.work(peers[4]!, 100)
    expect(peers.map(waits)).toEqual([false, false, false, false, true])
    const another = await from('/ip4/5.6.8.1/tcp/1')
    pace.work(another, 100)
    expect(waits(another)).toBe(false)
    expect(told).toEqual([`${peers[4]!} gossipRate`])
  })

  it('are each for themselves on this machine', async () => {
    const peers = await Promise.all([1, 2, 3, 4, 5, 6].map((port) => from(`/ip4/127.0.0.1/tcp/${port}`)))
    for (const peer of peers) pace.work(peer, 200)
    expect(peers.map(waits)).toEqual(Array(6).fill(false))
  })
})

it('forgets those who have gone when it knows too many', async () => {
  for (let at = 0; at < 5_000; at++) {
    meet(`${at}`)
    pace.work(`${at}`, 1_000)
    pace.leave(`${at}`)
  }
  meet('0')
  expect(waits('0')).toBe(false)
})

it('forgets again one whose last words are counted after it was forgotten', () => {
  const crowd = (name: string): void => {
    for (let at = 0; at < 5_000; at++) {
      meet(`${name}${at}`)
      pace.leave(`${name}${at}`)
    }
  }
  meet('late')
  pace.leave('late')
  crowd('x')
  pace.work('late', 1_000)
  expect([pace.owes('late'), waits('late')]).toEqual([true, false])
  crowd('y')
  expect(pace.owes('late')).toBe(false)
})
