/** One connection under the muxer, whose bytes come out of the spec's hands. */
import '../../../../src/platform/polyfill.js'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Stream, StreamMuxer } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { MUXER, YAMUX } from '../../../../src/libp2p/defaults.js'
import { Guarded } from '../../../../src/libp2p/guards/lines/guarded.js'
import { quietLogger } from '../../../../src/libp2p/logger.js'
import { tunedYamux } from '../../../../src/libp2p/patches/yamux-streams.js'
import { FrameFlag, FrameType } from '../../../../src/wire/yamux.js'

const { DATA, WINDOW, PING } = FrameType
const { SYN, ACK, FIN, RST } = FrameFlag

function frame(type: number, flags: number, stream: number, length = 0): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(stream, 4)
  header.writeUInt32BE(length, 8)
  return type === DATA ? Buffer.concat([header, Buffer.alloc(length, 7)]) : header
}

/** We have dialled: the other side's streams have even numbers. */
class Line extends AbstractMultiaddrConnection {
  /** Is its socket read? */
  isRead = true

  constructor() {
    const log = quietLogger()!.forComponent('line')
    super({ remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'), direction: 'outbound', log })
  }

  override sendData(data: Uint8ArrayList) {
    return { sentBytes: data.byteLength, canSendMore: true }
  }
  override sendReset = (): void => undefined
  override sendPause = (): void => void (this.isRead = false)
  override sendResume = (): void => void (this.isRead = true)
  override sendClose = async (): Promise<void> => undefined
}

describe('a guarded connection', () => {
  let line: Line
  let muxer: StreamMuxer
  /** What was told, and with a `!` what it was hung up on for. */
  let refused: string[]
  /** Streams whose protocol is not agreed upon, as they were told. */
  let told: Stream[]
  let isOneTooMany: boolean
  /** What the rate of streams says: to wait so long, ms. */
  let wait: () => number
  let frameWait: () => number
  /** What is left of the turn, in frames. */
  let room: number
  let putBack: number
  /** Those who let others have a turn. */
  let turns: (() => void)[]

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] })
    refused = []
    told = []
    isOneTooMany = false
    wait = () => 0
    frameWait = () => 0
    room = Infinity
    putBack = 0
    turns = []
    line = new Line()
    const guarded = new Guarded(
      line,
      {
        openings: { take: () => wait(), putBack: () => void putBack++, isOwn: true },
        frames: { take: () => frameWait(), isOwn: true },
      },
      { isFree: () => room > 0, use: (work) => void (room -= work) },
      {
        refused: (what, { hungUp = false }) => refused.push(hungUp ? `${what}!` : what),
        opened(stream) {
          told.push(stream)
          if (isOneTooMany) stream.abort(new Error('one too many'))
          return !isOneTooMany
        },
        wait: (go) => turns.push(go),
      },
    )
    muxer = tunedYamux({ ...YAMUX, enableKeepAlive: false })().createStreamMuxer(line)
    guarded.follow(muxer)
    muxer.addEventListener('stream', () => undefined)
  })

  afterEach(() => {
    line.abort(new Error('the test is over'))
    jest.useRealTimers()
  })

  const receive = (...frames: Uint8Array[]): void => line.onData(Buffer.concat(frames))
  const toldIds = (): number[] => told.map(({ id }) => Number(id))
  const openIds = (): number[] => muxer.streams.map(({ id }) => Number(id))

  it('tells each stream that the other side opens', () => {
    receive(frame(WINDOW, SYN, 2), frame(DATA, SYN, 4, 20))
    receive(frame(DATA, 0, 2, 20), frame(WINDOW, SYN, 6))
    expect(toldIds()).toEqual([2, 4, 6])
  })

  it.each<[string, number, number]>([
    ['whose header alone is there', 12, 1_000],
    ['of which a byte is missing', 1_011, 1_000],
    ['that is long, and whose header alone is there', 12, 65_537],
    ['that is long, and of which some is there', 500, 65_537],
    ['whose header is cut', 7, 1_000],
    ['that is long, and whose header is cut', 7, 65_537],
  ])('tells one that is opened by a frame %s', (_, size, length) => {
    receive(frame(WINDOW, SYN, 2))
    for (let id = 4; id < 24; id += 2) {
      const opening = frame(DATA, SYN, id, length)
      // Behind a small frame of a stream that is there.
      receive(frame(DATA, 0, 2, 9), opening.subarray(0, size))
      receive(opening.subarray(size))
      // No stray: it is known.
      receive(frame(DATA, 0, id, 9))
    }
    expect(toldIds()).toEqual(openIds())
    expect(toldIds()).toHaveLength(11)
    expect(refused).toEqual([])
  })

  it('tells one that is opened again by the bytes that have reset it', () => {
    receive(frame(WINDOW, SYN, 2))
    receive(frame(WINDOW, RST, 2), frame(WINDOW, SYN, 2), frame(DATA, 0, 2, 9))
    expect(toldIds()).toEqual([2, 2])
    expect(told[1]).toBe(muxer.streams[0])
    expect(told[0]!.status).toBe('reset')
    // It is there: its frames are no waste.
    for (let i = 0; i < 2 * MUXER.waste + 10; i++) receive(frame(WINDOW, 0, 2, 1))
    expect(refused).toEqual([])
  })

  it('tells one once that is opened twice', () => {
    receive(frame(WINDOW, SYN, 2), frame(WINDOW, SYN, 2))
    receive(frame(WINDOW, SYN, 2))
    expect(toldIds()).toEqual([2])
  })

  it('tells those that are opened while we open some', () => {
    muxer.addEventListener('stream', () => void muxer.createStream())
    receive(...Array.from({ length: 5 }, (_, i) => frame(WINDOW, SYN, 2 + 2 * i)))
    expect(toldIds()).toEqual([2, 4, 6, 8, 10])
  })

  it('tells none that are reset at once', () => {
    receive(frame(WINDOW, SYN, 2), frame(WINDOW, RST, 2))
    expect(told).toEqual([])
    for (let i = 0; i < 2 * MUXER.waste; i++) receive(frame(WINDOW, 0, 2, 1))
    expect(refused).toEqual([])
    receive(frame(WINDOW, 0, 2, 1))
    expect(refused).toEqual(['frameWaste!'])
  })

  it('gives a stream back when it has ended in good order, and not when it was reset', async () => {
    receive(frame(WINDOW, SYN | FIN, 2), frame(WINDOW, SYN, 4), frame(WINDOW, SYN, 6))
    const [first] = told
    await first!.close()
    receive(frame(WINDOW, RST, 4))
    told[2]!.abort(new Error('we end it'))
    expect(putBack).toBe(1)
  })

  it('knows our streams, until they end', async () => {
    const stream = await muxer.createStream()
    receive(frame(WINDOW, ACK, 1), ...Array.from({ length: 2 * MUXER.waste + 10 }, () => frame(WINDOW, 0, 1, 1)))
    expect(refused).toEqual([])
    stream.abort(new Error('we end it'))
    receive(...Array.from({ length: 2 * MUXER.waste + 10 }, () => frame(WINDOW, 0, 1, 1)))
    expect(refused).toEqual(['frameWaste!'])
  })

  it('hangs up on who opens more and more that are not agreed upon', () => {
    isOneTooMany = true
    const most = (2 * MUXER.waste) / MUXER.empty
    receive(...Array.from({ length: most }, (_, i) => frame(WINDOW, SYN, 2 + 2 * i)))
    expect(refused).toEqual([])
    receive(...Array.from({ length: 20 }, (_, i) => frame(WINDOW, SYN, 10_000 + 2 * i)))
    expect(refused).toEqual(['frameWaste!'])
    expect(line.status).toBe('aborted')
    // Those of the same bytes have ended with it.
    expect(told).toHaveLength(most + 1)
  })

  it('lets others have a turn, loses nothing, and blames nobody', () => {
    room = 2 * (1 + MUXER.opening)
    receive(...Array.from({ length: 5 }, (_, i) => frame(WINDOW, SYN, 2 + 2 * i)))
    expect(toldIds()).toEqual([2, 4])
    expect(line.isRead).toBe(false)
    for (const expected of [4, 5]) {
      room = 2 * (1 + MUXER.opening)
      turns.shift()!()
      jest.advanceTimersByTime(0)
      expect(told).toHaveLength(expected)
    }
    expect(toldIds()).toEqual([2, 4, 6, 8, 10])
    expect(line.isRead).toBe(true)
    expect(turns).toEqual([])
    expect(refused).toEqual([])
  })

  it('does not read while a rate is exceeded, and says so once', () => {
    let isFree = false
    wait = () => (isFree ? 0 : 500)
    receive(frame(WINDOW, SYN, 2), frame(WINDOW, SYN, 4))
    expect(refused).toEqual(['streamRate'])
    expect(line.isRead).toBe(false)
    jest.advanceTimersByTime(2_000)
    expect(refused).toEqual(['streamRate'])
    expect(line.isRead).toBe(false)
    expect(told).toEqual([])
    isFree = true
    jest.advanceTimersByTime(500)
    expect(toldIds()).toEqual([2, 4])
    expect(line.isRead).toBe(true)
  })

  it('hangs up when that goes on for too long', () => {
    wait = () => 500
    receive(frame(WINDOW, SYN, 2))
    jest.advanceTimersByTime(MUXER.patience)
    expect(line.status).toBe('open')
    jest.advanceTimersByTime(1_000)
    expect(refused).toEqual(['streamRate', 'streamRate!'])
    expect(line.status).toBe('aborted')
  })

  it('begins to count anew when it was well in between', () => {
    let waits = 500
    wait = () => waits
    for (let round = 0; round < 3; round++) {
      waits = 500
      receive(frame(WINDOW, SYN, 2 + 2 * round))
      jest.advanceTimersByTime(MUXER.patience - 1_000)
      waits = 0
      jest.advanceTimersByTime(3_000)
    }
    expect(refused).toEqual(['streamRate', 'streamRate', 'streamRate'])
    expect(toldIds()).toEqual([2, 4, 6])
    expect(line.status).toBe('open')
  })

  it.each([1, 8, 31, 64, 1_000])('reads later, and no more than that, who sends data in pieces of %d bytes', (size) => {
    receive(frame(WINDOW, SYN, 2))
    let left = 10
    frameWait = () => (left-- > 0 ? 0 : 500)
    receive(...Array.from({ length: 40 }, () => frame(DATA, 0, 2, size)))
    expect(line.isRead).toBe(false)
    expect(muxer.streams[0]!.readBufferLength).toBe(10 * size)
    jest.advanceTimersByTime(2 * MUXER.patience)
    left = Infinity
    jest.advanceTimersByTime(500)
    expect(muxer.streams[0]!.readBufferLength).toBe(40 * size)
    expect(line.isRead).toBe(true)
    expect(refused).toEqual(['frameRate'])
  })

  it('hangs up on who gives windows back too fast, without end', () => {
    receive(frame(WINDOW, SYN, 2))
    frameWait = () => 500
    receive(frame(WINDOW, 0, 2, 1))
    jest.advanceTimersByTime(MUXER.patience + 1_000)
    expect(refused).toEqual(['frameRate', 'frameRate!'])
  })

  it('hangs up at once on what nobody may say, and reads nothing after it', () => {
    receive(frame(WINDOW, SYN, 2), frame(9, 0, 0), frame(WINDOW, SYN, 4))
    expect(refused).toEqual(['frameMalformed!'])
    expect(line.status).toBe('aborted')
    receive(frame(WINDOW, SYN, 6))
    expect(openIds()).toEqual([])
    expect(refused).toEqual(['frameMalformed!'])
  })

  it.each(['ended', 'aborted'])('waits for nothing more when the connection has %s', (how) => {
    wait = () => 500
    receive(frame(WINDOW, SYN, 2))
    if (how === 'aborted') line.abort(new Error('gone'))
    else line.onTransportClosed()
    wait = () => 0
    jest.advanceTimersByTime(10_000)
    expect(told).toEqual([])
    expect(refused).toEqual(['streamRate'])
    expect(jest.getTimerCount()).toBe(0)
  })

  it('waits for no turn when the connection has ended', () => {
    room = 1
    receive(frame(PING, ACK, 0), frame(WINDOW, SYN, 2))
    line.abort(new Error('gone'))
    room = Infinity
    for (const go of turns) go()
    expect(told).toEqual([])
  })
})
