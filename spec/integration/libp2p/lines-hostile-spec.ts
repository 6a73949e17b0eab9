/** Connections whose other side keeps to no rule of Yamux: over our TCP, without Noise, frames are said by hand. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, Stream, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'
import { handle } from '@libp2p/multistream-select'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Uint8ArrayList } from 'uint8arraylist'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { MUXER, NOISE, YAMUX } from '../../../src/libp2p/defaults.js'
import { Lines } from '../../../src/libp2p/guards/lines/lines.js'
import { Words } from '../../../src/libp2p/guards/lines/words.js'
import { transport } from '../../../src/libp2p/host.js'
import { quietLogger } from '../../../src/libp2p/logger.js'
import { tunedNoise } from '../../../src/libp2p/patches/noise-frames.js'
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

describe('the choice of an encrypter', () => {
  const word = (text: string): Buffer => Buffer.concat([Buffer.of(text.length + 1), Buffer.from(`${text}\n`)])
  let pair: TcpPair
  let told: number
  let words: Words

  beforeEach(async () => {
    told = 0
    pair = await tcpPair()
    words = new Words(pair.near, () => told++)
  })

  afterEach(() => pair.close())

  it('ends when proposals do not', async () => {
    let answers = 0
    pair.far.addEventListener('message', ({ data }) => (answers += Buffer.from(data.subarray()).toString().split('na').length - 1)) // prettier-ignore
    const choice = handle(pair.near, ['/noise'])
    pair.far.send(Buffer.concat([word('/multistream/1.0.0'), Buffer.alloc(60_000, Buffer.of(1, 10))]))
    await expect(choice).rejects.toThrow()
    expect(told).toBe(1)
    expect(pair.near.status).toBe('aborted')
    expect(answers).toBeLessThanOrEqual(MUXER.proposals)
  })

  it('lets libp2p read no more of a word without end than a choice needs', async () => {
    let read = 0
    pair.near.addEventListener('message', ({ data }) => (read += data.byteLength))
    pair.far.send(Buffer.alloc(200_000, 0x80))
    await pause(100)
    expect(read).toBe(MUXER.choice)
    expect(pair.near.status).toBe('open')
    expect(pair.near.readBufferLength).toBeLessThan(200_000)
  })

  it('keeps what was said ahead of it', async () => {
    const choice = handle(pair.near, ['/tls', '/noise'])
    const ahead = Buffer.from(new Uint8Array(300_000).map((_, i) => i % 251))
    pair.far.send(Buffer.concat([word('/multistream/1.0.0'), word('/nobody'), word('/noise'), ahead]))
    expect(await choice).toBe('/noise')
    await pause(30)
    words.end()
    await pause(30)
    const chunks: Uint8Array[] = []
    pair.near.addEventListener('message', ({ data }) => chunks.push(data.subarray().slice()))
    while (Buffer.concat(chunks).length < ahead.length) await pause(1)
    expect(Buffer.concat(chunks).equals(ahead)).toBe(true)
  })
})

describe('frames of Noise', () => {
  interface Open extends MessageStream {
    handshake: { encrypt: (data: Uint8Array) => Uint8Array | Uint8ArrayList }
  }
  let pair: TcpPair
  let near: MessageStream
  let far: Open
  let refused: [string, unknown][]

  /** Frames as they are on the wire, one for each. */
  const frames = (all: Uint8Array[]): Buffer =>
    Buffer.concat(
      all.flatMap((data) => {
        const sealed = far.handshake.encrypt(data).subarray()
        return [Buffer.of(sealed.length >> 8, sealed.length & 0xff), sealed]
      }),
    )

  beforeEach(async () => {
    refused = []
    pair = await tcpPair()
    const lines = new Lines(limitsOf(), (_, what, how) => refused.push([what, how]))
    const components = async () => {
      const privateKey = await generateKeyPair('Ed25519')
      const upgrader = { getStreamMuxers: () => new Map([['/yamux/1.0.0', {}]]) }
      return { privateKey, peerId: peerIdFromPrivateKey(privateKey), upgrader, logger: quietLogger() } as never
    }
    const guarded = lines.encrypting(tunedNoise(NOISE))(await components())
    const stock = noise()(await components())
    const ends = await Promise.all([guarded.secureInbound(pair.far), stock.secureOutbound(pair.near)])
    near = ends[0].connection
    far = ends[1].connection as Open
  })

  afterEach(() => pair.close())

  it('are decrypted in turns of the event loop, and all of them in the end', async () => {
    const heard: number[] = []
    near.addEventListener('message', ({ data }) => heard.push(...data.subarray()))
    pair.near.send(frames(Array.from({ length: 3_000 }, (_, i) => Uint8Array.of(i % 251))))
    let most = 0
    for (let before = 0; heard.length < 3_000; before = heard.length) {
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, heard.length - before)
    }
    expect(most).toBeLessThanOrEqual(MUXER.perTurnEach)
    expect(heard).toEqual(Array.from({ length: 3_000 }, (_, i) => i % 251))
    expect(refused).toEqual([])
  })

  it('arrive while others pause the connection now and then', async () => {
    let count = 0
    near.addEventListener('message', ({ data }) => {
      count += data.byteLength
      near.pause()
      setTimeout(() => near.status !== 'open' || near.resume(), 1)
    })
    pair.near.send(frames(Array.from({ length: 2_000 }, () => new Uint8Array(500))))
    while (count < 1_000_000) await pause(1)
    expect(near.status).toBe('open')
  })

  it.each([
    ['nothing in them', () => frames(Array.from({ length: 300 }, () => new Uint8Array()))],
    ['not even a tag', () => Buffer.alloc(600)],
  ])('with %s end the connection', async (_, bytes) => {
    const over = once(pair.far as unknown as EventTarget, 'close')
    pair.near.send(bytes())
    await over
    expect(refused).toEqual([['frameWaste', { own: true, hungUp: true }]])
    expect(near.status).toBe('aborted')
  })
})

describe('the choice of a muxer', () => {
  /** Says with the handshake nothing of muxers. */
  const plain: typeof noise = (init) => (components) => {
    const encrypter = noise(init)(components)
    const outbound = encrypter.secureOutbound.bind(encrypter)
    const inbound = encrypter.secureInbound.bind(encrypter)
    return Object.assign(encrypter, {
      secureOutbound: (...[under, options]: Parameters<typeof outbound>) => outbound(under, { ...options, skipStreamMuxerNegotiation: true }), // prettier-ignore
      secureInbound: (...[under, options]: Parameters<typeof inbound>) => inbound(under, { ...options, skipStreamMuxerNegotiation: true }), // prettier-ignore
    })
  }

  it('may come behind the handshake, from both sides', async () => {
    const host = (own: Parameters<typeof createLibp2p>[0]) =>
      createLibp2p({ ...own, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, connectionMonitor: { enabled: false } })
    const ours = await host(transport())
    const other = await host({ ...transport(), transports: [tcp()], connectionEncrypters: [plain()] })
    try {
      for (const [from, to] of [
        [other, ours],
        [ours, other],
      ] as const) {
        let heard = 0
        await to.handle('/bulk', (stream) => stream.addEventListener('message', ({ data }) => (heard += data.byteLength))) // prettier-ignore
        const stream = await from.dialProtocol(to.getMultiaddrs(), '/bulk')
        stream.send(new Uint8Array(200_000))
        while (heard < 200_000) await pause(1)
        await from.hangUp(to.peerId)
        await pause(50)
      }
    } finally {
      await Promise.all([ours.stop(), other.stop()])
    }
  })
})
