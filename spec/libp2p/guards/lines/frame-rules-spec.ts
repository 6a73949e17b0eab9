import { beforeEach, describe, expect, it } from '@jest/globals'
import { MUXER } from '../../../../src/libp2p/defaults.js'
import { LineRates } from '../../../../src/libp2p/guards/lines/openings.js'
import { FrameRules } from '../../../../src/libp2p/guards/lines/frame-rules.js'
import { FrameFlag, FrameType } from '../../../../src/wire/yamux.js'

const { DATA, WINDOW, PING, GO_AWAY, UNKNOWN } = FrameType
const { SYN, ACK, FIN, RST } = FrameFlag
const KiB = 1_024

describe('the rules of frames', () => {
  let rules: FrameRules
  let wait: number
  let isOwn: boolean
  /** What the turn has been used for, in frames, and how much it may be. */
  let used: number
  let room: number

  /** The other side has even numbers. */
  beforeEach(() => {
    wait = 0
    isOwn = true
    used = 0
    room = Infinity
    const openings = {
      ...{ take: () => wait, putBack: () => undefined },
      get isOwn() {
        return isOwn
      },
    }
    const { frames } = new LineRates(1).of({ peer: 'a', range: 'a' }, 0)
    rules = new FrameRules(
      true,
      { openings, frames },
      { isFree: () => used < room, use: (work) => void (used += work) },
    )
    rules.add(1)
    rules.see(WINDOW, SYN, 2, 0)
  })

  const ends = (type: number, flags: number, stream: number, length = 0): void => {
    expect(rules.see(type, flags, stream, length)).toBe('end')
    expect(rules.hasEnded).toBe(true)
  }
  const takes = (amount: number, type: number, flags: number, stream: number, length = 0): void => {
    let taken = 0
    while (taken < amount && rules.see(type, flags, stream, length) === 'take') taken++
    expect(taken).toBe(amount)
  }

  it.each<[string, number, number, number, number]>([
    ['of an unknown type', 9, 0, 1, 0],
    ['of an unknown version', UNKNOWN, 0, 1, 0],
    ['with unknown flags', DATA, 16, 2, 0],
    ['with data for no stream', DATA, 0, 0, 1],
    ['with a window for no stream', WINDOW, 0, 0, 1],
    ['with a ping for a stream', PING, SYN, 2, 0],
    ['with a ping that is none', PING, FIN, 0, 0],
    ['with a goodbye for a stream', GO_AWAY, 0, 2, 0],
    ['longer than any window', DATA, 0, 2, 4 * KiB * KiB + 1],
    ['of 4 GiB', DATA, SYN, 4, 2 ** 32 - 1],
    ['longer than the first window', DATA, SYN, 4, 256 * KiB + 1],
    ['that opens one of our streams', DATA, SYN, 3, 0],
  ])('end a connection with a frame %s', (_, type, flags, stream, length) => {
    ends(type, flags, stream, length)
    expect(rules.why).toBe('frameMalformed')
  })

  it('say whether the other side has to wait for what it did itself', () => {
    wait = 5
    for (const own of [true, false]) {
      isOwn = own
      expect(rules.see(WINDOW, SYN, 4, 0)).toBe('wait')
      expect(rules).toMatchObject({ why: 'streamRate', own, wait: 5 })
    }
    ends(9, 0, 1)
    expect(rules.own).toBe(true)
  })

  it('take frames as large as a window', () => {
    takes(100, DATA, 0, 2, 4 * KiB * KiB)
    takes(1, DATA, SYN, 4, 256 * KiB)
  })

  it('let nobody open streams after a goodbye', () => {
    takes(1, GO_AWAY, 0, 0, 0)
    takes(10, DATA, 0, 2, 32)
    ends(WINDOW, SYN, 4)
  })

  it('make who opens too many wait, and those who let others have a turn', () => {
    wait = 12
    expect(rules.see(DATA, SYN, 4, 20)).toBe('wait')
    expect(rules).toMatchObject({ why: 'streamRate', wait: 12, hasEnded: false })
    wait = room = 0
    expect(rules.see(DATA, SYN, 4, 20)).toBe('wait')
    expect(rules.why).toBe('turn')
    room = Infinity
    takes(1, DATA, SYN, 4, 20)
    expect([...rules.opened]).toEqual([2, 4])
  })

  it('count a stream once, however often it is opened', () => {
    takes(3, DATA, SYN, 4, 20)
    expect([...rules.opened]).toEqual([2, 4])
  })

  it('bound pings, and not their answers', () => {
    takes(2 * MUXER.pings, PING, SYN, 0)
    takes(1_000, PING, ACK, 0)
    ends(PING, SYN, 0)
    expect(rules.why).toBe('frameRate')
  })

  it('take so many frames in a turn, whatever they are', () => {
    const least = used
    takes(1, DATA, SYN, 4, 4_096)
    expect(used - least).toBe(1 + MUXER.opening + 1)
    takes(1, DATA, 0, 4, 4 * KiB * KiB)
    expect(used - least).toBe(1 + MUXER.opening + 1 + 1 + 16)
    for (const [type, flags, stream, length] of [
      [DATA, 0, 2, 8],
      [DATA, 0, 2, 1_000],
      [WINDOW, 0, 1, 32],
      [PING, ACK, 0, 1],
      [DATA, 0, 6, 0],
    ] as const) {
      room = used + 1
      takes(1, type, flags, stream, length)
      expect(rules.see(type, flags, stream, length)).toBe('wait')
      expect(rules.why).toBe('turn')
    }
  })

  it.each([1, 8, 40, 4_000])('make who sends many frames of %d bytes wait, and blame nobody', (size) => {
    takes(2 * MUXER.frames, DATA, 0, 2, size)
    expect(rules.see(DATA, 0, 2, size)).toBe('wait')
    expect(rules).toMatchObject({ why: 'frameRate', own: false })
    rules.now += 1_001
    takes(MUXER.frames, DATA, 0, 2, size)
  })

  it('make who sends many small frames wait', () => {
    takes(2 * MUXER.frames, WINDOW, 0, 2, 32)
    expect(rules.see(WINDOW, 0, 2, 32)).toBe('wait')
    expect(rules).toMatchObject({ why: 'frameRate', own: true })
    expect(rules.see(DATA, 0, 2, 1)).toBe('wait')
    rules.now += 1_001
    takes(MUXER.frames, WINDOW, 0, 1, 32)
  })

  it('let a thousand streams end on both sides at once', () => {
    for (let id = 4; id <= 2_000; id += 2) takes(1, DATA, SYN, id, 30)
    for (let id = 4; id <= 2_000; id += 2) rules.delete(id)
    // Their requests were under way, and their ends.
    for (let id = 4; id <= 2_000; id += 2) {
      takes(1, DATA, 0, id, 40)
      takes(1, DATA, FIN, id, 0)
      takes(1, WINDOW, RST, id, 0)
    }
  })

  it('let 4 MiB come for a stream that we have reset', () => {
    rules.delete(2)
    takes(64, DATA, 0, 2, 64 * KiB)
  })

  it.each<[string, number, number, number, number]>([
    ['data for streams that have ended', DATA, 0, 2, 50],
    ['windows for streams that have ended', WINDOW, 0, 2, 1_000],
    ['data for streams that never were', DATA, 0, 4, 50],
    ['windows for streams of ours that never were', WINDOW, 0, 3, 1_000],
  ])('end a connection with %s, without end', (_, type, flags, stream, length) => {
    rules.delete(2)
    for (let i = 0; i < 2 * MUXER.waste && !rules.hasEnded; i++) rules.see(type, flags, stream, length)
    expect(rules.see(type, flags, stream, length)).toBe('end')
    expect(rules.why).toBe('frameWaste')
  })

  it.each<[string, number, number, number]>([
    ['empty frames', DATA, 0, 0],
    ['windows of nothing', WINDOW, 0, 0],
    ['windows beyond all windows', WINDOW, 0, 2 ** 32 - 1],
  ])('end a connection with %s, soon', (_, type, flags, length) => {
    takes(20, type, flags, 1, length)
    for (let i = 0; i < 400 && !rules.hasEnded; i++) rules.see(type, flags, 1, length)
    expect(rules.why).toBe('frameWaste')
  })
})
