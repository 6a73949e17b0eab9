/** Streams whose protocol is not agreed upon, in shares by peer. */
import '../../../../src/platform/polyfill.js'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { MUXER } from '../../../../src/libp2p/defaults.js'
import { Unagreed } from '../../../../src/libp2p/guards/lines/unagreed.js'
import { SaidStream } from '../../../fuzz/tools/stream.js'

describe('streams that are not agreed upon', () => {
  let refused: string[]
  let unagreed: Unagreed

  beforeEach(() => {
    refused = []
    unagreed = new Unagreed(
      (peer, what) => refused.push(`${peer} ${what}`),
      (peer) => peer === 'friend',
    )
  })

  /** Streams of this peer, as many as it may have: no more than so many. */
  function open(peer: string, most = 2 * MUXER.unagreed): SaidStream[] {
    const streams: SaidStream[] = []
    for (let at = 0; at < most; at++) {
      const stream = new SaidStream()
      unagreed.add(peer, stream)
      if (stream.status !== 'open') break
      streams.push(stream)
    }
    return streams
  }

  it('are bounded for each peer, and one more is reset', () => {
    expect(open('a')).toHaveLength(MUXER.unagreedEach)
    const stream = new SaidStream()
    expect(unagreed.add('a', stream)).toBe(false)
    expect(stream.status).toBe('aborted')
    expect(refused).toEqual(['a streamUnagreed', 'a streamUnagreed'])
  })

  it('are 875 of all peers that the config does not name, and 1,000 with those that it does', () => {
    let strangers = 0
    for (let at = 0; at < 1_000; at++) strangers += open(`${at}`).length
    expect(strangers).toBe(875)
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
    expect(refused).toEqual(['a streamUnagreed'])
  })
})
