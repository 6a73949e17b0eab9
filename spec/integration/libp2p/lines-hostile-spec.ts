/** Connections whose other side keeps to no rule of Yamux: over our TCP, without Noise, frames are said by hand. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Stream, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { MUXER, YAMUX } from '../../../src/libp2p/defaults.js'
import { Lines } from '../../../src/libp2p/guards/lines/lines.js'
import { tunedYamux } from '../../../src/libp2p/patches/yamux-streams.js'
import { FrameFlag, FrameType } from '../../../src/wire/yamux.js'
import { tcpPair, type TcpPair } from '../../support/tcp-pair.js'

const { DATA, WINDOW, PING } = FrameType
const { SYN, RST } = FrameFlag

function frame(type: number, flags: number, stream: number, length: number, body = new Uint8Array()): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(stream, 4)
  header.writeUInt32BE(length, 8)
  return Buffer.concat([header, body])
}

describe('a connection behind guards', () => {
  let pair: TcpPair
  let muxer: StreamMuxer
  let streams: Stream[]
  let refused: string[]
  /** For which of them the connection was closed. */
  let hungUp: string[]
  /** Which of them it did itself. */
  let own: string[]

  beforeEach(async () => {
    refused = []
    hungUp = []
    own = []
    streams = []
    pair = await tcpPair()
    const lines = new Lines(limitsOf({ streamRate: 200 }), (_, what, how) => {
      refused.push(what)
      if (how?.hungUp === true) hungUp.push(what)
      if (how?.own === true) own.push(what)
    })
    // The other end has none: it says what the spec says.
    muxer = lines
      .muxing(tunedYamux({ ...YAMUX, enableKeepAlive: false }))()
      .createStreamMuxer(pair.near)
    muxer.addEventListener('stream', ({ detail }) => {
      detail.protocol = '/known'
      streams.push(detail)
    })
  })

  afterEach(() => pair.close())

  /** The pair's near end has dialled, so the other side's streams have even numbers. */
  const opened = (amount: number, from = 2): Buffer =>
    Buffer.concat(Array.from({ length: amount }, (_, i) => frame(WINDOW, SYN, from + 2 * i, 0)))
  const ended = (): Promise<unknown> => once(pair.near as unknown as EventTarget, 'close')

  it('opens a part of many streams in a turn, and all of them in the end', async () => {
    pair.far.send(opened(400))
    while (streams.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(streams.length).toBeLessThan(400)
    while (streams.length < 400) await pause(1)
    expect(streams.map(({ id }) => Number(id))).toEqual(Array.from({ length: 400 }, (_, i) => 2 + 2 * i))
    expect(refused).toEqual([])
    expect(pair.near.status).toBe('open')
  })

  it('lets who opens more wait, loses nothing, and hangs up when that goes on', async () => {
    pair.far.send(opened(450))
    while (streams.length < 400) await pause(1)
    expect(streams.length).toBeLessThan(450)
    while (streams.length < 450) await pause(5)
    expect(refused).toEqual(['streamRate'])
    const over = ended()
    pair.far.send(opened(5_000, 1_000))
    await over
    expect(refused).toEqual(['streamRate', 'streamRate'])
  }, 15_000)

  it('does not count streams that have ended in good order', async () => {
    muxer.addEventListener('stream', ({ detail }) => void detail.close())
    for (let round = 0; round < 10; round++) {
      const ids = Array.from({ length: 100 }, (_, i) => 2 + 2 * (i + 100 * round))
      pair.far.send(Buffer.concat(ids.map((id) => frame(DATA, SYN | FrameFlag.FIN, id, 0))))
      while (streams.length < 100 * (round + 1)) await pause(1)
    }
    expect(refused).toEqual([])
  })

  it.each<[string, () => Buffer, string]>([
    ['a frame that is too long', () => frame(DATA, SYN, 2, 2 ** 32 - 1), 'frameMalformed'],
    ['pings without end', () => Buffer.concat(Array.from({ length: 50 }, (_, i) => frame(PING, SYN, 0, i))), 'frameRate'], // prettier-ignore
    ['streams that never were', () => Buffer.concat(Array.from({ length: 50 }, () => frame(WINDOW, 0, 100, 9))), 'frameWaste'], // prettier-ignore
  ])('ends at %s', async (_, bytes, why) => {
    const over = ended()
    pair.far.send(bytes())
    await over
    expect(refused).toEqual([why])
    expect(hungUp).toEqual([why])
    expect(own).toEqual([why])
    expect(muxer.status).toBe('closed')
  })

  it('hands on what there is of a long frame, and takes no memory for the rest', async () => {
    pair.far.send(frame(DATA, SYN, 2, 200_000, new Uint8Array(80_000).fill(7)))
    while (streams.length === 0) await pause(1)
    let heard = 0
    streams[0]!.addEventListener('message', ({ data }: StreamMessageEvent) => void (heard += data.byteLength))
    while (heard < 80_000) await pause(1)
    pair.far.send(new Uint8Array(120_000))
    while (heard < 200_000) await pause(1)
    pair.far.send(frame(DATA, RST, 2, 0))
    await once(streams[0]! as unknown as EventTarget, 'close')
    expect(heard).toBe(200_000)
  })

  it('resets streams whose protocol is not agreed upon, beyond their share', async () => {
    const lines = new Lines(limitsOf({ streamRate: 5_000 }), (_, what) => refused.push(what))
    const other = await tcpPair()
    const its: Stream[] = []
    lines
      .muxing(tunedYamux({ ...YAMUX, maxInboundStreams: 5_000, enableKeepAlive: false }))()
      .createStreamMuxer(other.near)
      .addEventListener('stream', ({ detail }) => its.push(detail))
    other.far.send(opened(MUXER.unagreedEach + 200))
    while (its.length < MUXER.unagreedEach + 200) await pause(1)
    expect(its.filter(({ status }) => status === 'open')).toHaveLength(MUXER.unagreedEach)
    expect(refused).toEqual(Array<string>(200).fill('streamUnagreed'))
    // One that is agreed upon makes room.
    for (const stream of its) stream.protocol = '/known'
    await pause(30)
    other.far.send(opened(1, 10_000))
    while (its.length < MUXER.unagreedEach + 201) await pause(1)
    expect(its.at(-1)!.status).toBe('open')
    await other.close()
  })
})
