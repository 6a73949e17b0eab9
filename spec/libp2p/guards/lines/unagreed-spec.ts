/** Streams whose protocol is not agreed upon, in shares by peer and by range of addresses. */
import '../../../../src/platform/polyfill.js'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { MUXER } from '../../../../src/libp2p/defaults.js'
import { Unagreed } from '../../../../src/libp2p/guards/lines/unagreed.js'
import { SaidStream } from '../../../fuzz/tools/stream.js'

describe('streams that are not agreed upon', () => {
  let refused: string[]
  let now: number
  let unagreed: Unagreed

  beforeEach(() => {
    refused = []
    now = 0
    unagreed = new Unagreed(
      (peer, what, { own } = {}) => refused.push(`${peer} ${what}${own ? ' of its own' : ''}`),
      (peer) => peer === 'friend',
      () => now,
    )
  })

  /** Streams of this peer, as many as it may have: no more than so many. */
  function open(peer: string, most = 2 * MUXER.unagreed, range = peer): SaidStream[] {
    const streams: SaidStream[] = []
    for (let at = 0; at < most; at++) {
      const stream = new SaidStream()
      unagreed.add({ peer, range }, stream)
      if (stream.status !== 'open') break
      streams.push(stream)
    }
    return streams
  }

  const alive = (streams: SaidStream[]): number => streams.filter(({ status }) => status === 'open').length

  it.each([
    ['one after the other', 12, 250],
    ['in small parts', 64, 40],
    ['with one each', 1_000, 1],
  ])('leave room for whoever comes, when others have taken all of it %s', (_, peers, each) => {
    const all: SaidStream[][] = []
    for (let at = 0; at < peers; at++) all.push(open(`${at}`, each))
    now = 5_000
    refused = []
    const its = open('newcomer', 10)
    // Of those that have one each, whoever has as many finds no more.
    expect(its).toHaveLength(each === 1 ? 1 : 10)
    expect(alive(its)).toBe(its.length)
    expect(alive(all.flat())).toBe(875 - its.length)
    expect(refused.slice(0, its.length).every((line) => / of its own$/.test(line))).toBe(true)
    // The named ones have what is theirs.
    expect(alive(open('friend', 50))).toBe(50)
  })

  it('are taken from whoever holds most, the oldest first, who is to blame only when they are old', () => {
    const large = open('large', 250)
    for (let at = 0; at < 20; at++) open(`${at}`, 40)
    const left = alive(large)
    refused = []
    now = 999
    for (let at = 0; refused.length === 0; at++) open(`young ${at}`, 40)
    expect(refused).toEqual(expect.not.arrayContaining([expect.stringMatching(/of its own/)]))
    refused = []
    now = 1_000
    open('old', 1)
    expect(refused).toEqual([expect.stringMatching(/of its own$/)])
    expect(large.slice(0, 250 - left).every(({ status }) => status === 'aborted')).toBe(true)
  })

  it('are shared by ranges of addresses', () => {
    const many: SaidStream[] = []
    for (let at = 0; at < 100; at++) many.push(...open(`here ${at}`, 30, 'here'))
    // As much as is free besides.
    expect(alive(many)).toBe(438)
    const others: SaidStream[] = []
    for (let at = 0; at < 3; at++) others.push(...open(`there ${at}`, 200, `there ${at}`))
    expect(alive(many)).toBeLessThan(300)
    const neighbour = open('neighbour', 3, 'here')
    expect(alive(neighbour)).toBe(3)
    expect(alive(others) + alive(many) + 3).toBeLessThanOrEqual(875)
  })

  it('of a peer that the config names are not taken by others', () => {
    const its = open('friend', 250)
    for (let at = 0; at < 200; at++) open(`${at}`, 20)
    expect(alive(its)).toBe(250)
  })

  it('are bounded for each peer, and one more is reset', () => {
    expect(open('a')).toHaveLength(MUXER.unagreedEach)
    const stream = new SaidStream()
    expect(unagreed.add({ peer: 'a', range: 'a' }, stream)).toBe(false)
    expect(stream.status).toBe('aborted')
    expect(refused).toEqual(['a streamUnagreed of its own', 'a streamUnagreed of its own'])
  })

  it('are 875 of all peers that the config does not name, and 1,000 with those that it does', () => {
    const strangers: SaidStream[] = []
    for (let at = 0; at < 100; at++) strangers.push(...open(`${at}`, 20))
    expect(alive(strangers)).toBe(875)
    expect(open('friend').length).toBeGreaterThan(0)
  })

  it('count no more when they are agreed upon, or over', () => {
    const [first, second] = open('a')
    first!.protocol = '/known'
    second!.vanish()
    expect(open('a', 5)).toHaveLength(2)
  })

  it('may have 16 proposals each', () => {
    const [stream] = open('a', 1)
    for (let at = 0; at <= MUXER.proposals; at++) stream!.send(new Uint8Array(3))
    expect(stream!.status).toBe('open')
    expect(() => stream!.send(new Uint8Array(3))).toThrow()
    expect(stream!.status).toBe('aborted')
    expect(refused).toEqual(['a streamUnagreed of its own'])
  })
})
