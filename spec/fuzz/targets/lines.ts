/** Connections: Yamux as we look at it, stock Yamux behind that, and the negotiation of protocols. */
import '../../../src/platform/polyfill.js'
import type { StreamMuxer } from '@libp2p/interface'
import { limitsOf } from '../../../src/core/limits/limits.js'
import { YAMUX } from '../../../src/libp2p/defaults.js'
import { FrameRules } from '../../../src/libp2p/guards/lines/frame-rules.js'
import { Lines } from '../../../src/libp2p/guards/lines/lines.js'
import { tunedYamux } from '../../../src/libp2p/patches/yamux-streams.js'
import type { Random } from '../../../src/testing/network/random.js'
import { FrameFlag, FrameType, YamuxReader } from '../../../src/wire/yamux.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { bothWays, hold, isSame, oneOf, utf8 } from '../tools/chunks.js'
import { stock } from '../tools/stock.js'
import { SaidSocket, SaidStream } from '../tools/stream.js'

/** What a socket hands on at once. */
const CHUNK = 65_536
const { DATA, WINDOW, PING, GO_AWAY } = FrameType
const { SYN, ACK, FIN, RST } = FrameFlag

function frame(
  type: number,
  flags: number,
  stream: number,
  length: number,
  body: Uint8Array = new Uint8Array(),
): Uint8Array {
  const header = new Uint8Array(12)
  const view = new DataView(header.buffer)
  view.setUint8(1, type)
  view.setUint16(2, flags)
  view.setUint32(4, stream)
  view.setUint32(8, length)
  return join(header, body)
}

function someFrame(random: Random): Uint8Array {
  const stream = 1 + random.below(6)
  switch (random.below(8)) {
    case 0:
      return frame(WINDOW, SYN, 2 * stream, 0)
    case 1: {
      const body = random.bytes(random.below(20))
      return frame(DATA, oneOf(random, [0, SYN, FIN, RST, SYN | FIN]), 2 * stream, body.length, body)
    }
    case 2:
      return frame(
        WINDOW,
        oneOf(random, [0, ACK, FIN, RST]),
        stream,
        oneOf(random, [0, 1, 262_144, 2 ** 31, 2 ** 32 - 1]),
      )
    case 3:
      return frame(PING, oneOf(random, [SYN, ACK]), 0, random.below(1_000))
    case 4:
      return random.below(8) === 0 ? frame(GO_AWAY, 0, 0, random.below(3)) : frame(WINDOW, SYN, 2 * stream, 0)
    default: {
      const body = random.bytes(random.below(20))
      return frame(DATA, 0, oneOf(random, [1, 2, 2, 4]), body.length, body)
    }
  }
}

function frames(random: Random): Uint8Array {
  const opened = frame(WINDOW, SYN, 2, 0)
  return join(random.bytes(1), opened, ...Array.from({ length: 1 + random.below(5) }, () => someFrame(random)))
}

function manyFrames(random: Random, size: number): Uint8Array {
  const body = new Uint8Array(oneOf(random, [0, 1, 8, 1_000]))
  const kinds = [
    frame(DATA, 0, 2, body.length, body),
    frame(DATA, 0, 4_000_000, body.length, body),
    frame(WINDOW, 0, 2, 1),
    frame(WINDOW, ACK, 1, 2 ** 32 - 1),
    frame(PING, ACK, 0, 1),
  ]
  const piece = oneOf(random, kinds)
  const opened = join(random.bytes(1), frame(WINDOW, SYN, 2, 0))
  return join(opened, ...Array.from({ length: Math.ceil(size / piece.length) }, () => piece))
}

function rules(): FrameRules {
  const made = new FrameRules(
    true,
    { openings: { isOwn: true, take: () => 0, putBack: () => undefined }, frames: { isOwn: true, take: () => 0 } },
    { isFree: () => true, use: () => undefined },
  )
  made.add(1)
  return made
}

/** What goes on to the muxer, or why not. */
function passed(chunks: Uint8Array[]): { out: Uint8Array; end: string } {
  const reader = new YamuxReader()
  const its = rules()
  const out: Uint8Array[] = []
  for (const chunk of chunks) {
    const read = reader.read(chunk, out, its.see)
    if (read < chunk.length) return { out: join(...out), end: its.why }
  }
  return { out: join(...out), end: 'taken' }
}

/** What these frames say: data by stream, whatever frames it is divided into, and all else in order. */
function said(bytes: Uint8Array): { data: Record<number, string>; rest: string[] } {
  const data: Record<number, string> = {}
  const rest: string[] = []
  for (let at = 0; at + 12 <= bytes.length;) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at)
    const [type, flags, stream, length] = [view.getUint16(0), view.getUint16(2), view.getUint32(4), view.getUint32(8)]
    const body = type === DATA ? bytes.subarray(at + 12, at + 12 + length) : new Uint8Array()
    at += 12 + body.length
    if (type !== DATA) rest.push([type, flags, stream, length].join())
    else {
      const begins = (flags & SYN) === 0 ? '' : 'open '
      const ends = (flags & RST) !== 0 ? ' reset' : (flags & FIN) !== 0 ? ' end' : ''
      data[stream] = `${data[stream] ?? ''}${begins}${Buffer.from(body).toString('hex')}${ends}`
    }
  }
  return { data, rest }
}

const headers: Target = {
  name: 'yamux: headers and rules',
  share: 4,
  most: CHUNK,
  outcomes: 3,
  good: frames,
  large: manyFrames,
  read(input) {
    const { whole, pieces } = bothWays(input)
    const [one, other] = [passed([whole]), passed(pieces)]
    hold(one.end === other.end, `it is ${one.end} in one piece, and not ${other.end}`)
    hold(one.out.length <= whole.length + 12, 'nothing is added but a header')
    // A frame that is cut may go on as several, so what they say is compared.
    if (one.end !== 'taken') hold(isSame(said(one.out), said(other.out)), 'the same goes on')
    return one.end
  },
}

const lines = new Lines(limitsOf(), () => undefined)
const makeMuxer = lines.muxing(tunedYamux({ ...YAMUX, enableKeepAlive: false }))()

const muxer: Target = {
  name: 'yamux: the stock muxer',
  share: 0.3,
  most: CHUNK,
  memory: 512,
  good: frames,
  large: manyFrames,
  async read(input) {
    const { pieces } = bothWays(input)
    const socket = new SaidSocket(input[0]! % 2 === 0 ? 'inbound' : 'outbound')
    const made: StreamMuxer = makeMuxer.createStreamMuxer(socket)
    let bytes = 0
    let streams = 0
    made.addEventListener('stream', ({ detail }) => {
      streams++
      detail.addEventListener('message', ({ data }) => (bytes += data.byteLength))
    })
    socket.say(...pieces)
    await Promise.resolve()
    const outcome = `${socket.status}, ${streams === 0 ? 'no stream' : 'streams'}, ${bytes === 0 ? 'nothing said' : 'bytes'}`
    hold(bytes <= input.length, 'no more is read than was said')
    if (socket.status === 'open') socket.abort(new Error('the input is over'))
    return outcome
  },
}

interface Negotiation {
  handle(stream: SaidStream, protocols: string[], options?: object): Promise<string>
  select(stream: SaidStream, protocols: string[], options?: object): Promise<string>
}

let negotiation: Negotiation
const WORDS = ['/multistream/1.0.0\n', '/a/1.0.0\n', '/b/1.0.0\n', 'na\n', 'ls\n', '\n', '', 'x', '__proto__\n']
const PROTOCOLS = ['/a/1.0.0', '/b/1.0.0']

function word(text: string): Uint8Array {
  const bytes = utf8(text)
  return join(Uint8Array.of(bytes.length), bytes)
}

function negotiating(name: string, side: keyof Negotiation): Target {
  return {
    name,
    share: 0.2,
    most: CHUNK,
    // (Stock: a listener answers each proposal. guards/lines/unagreed.ts ends it after some.)
    memory: 1_024,
    outcomes: 4,
    throws: [
      ...['InvalidMessageError', 'UnsupportedProtocolError', 'UnexpectedEOFError', 'InvalidDataLengthError'],
      ...['InvalidDataLengthLengthError', 'InvalidMessageLengthError', 'StreamResetError', 'StreamStateError'],
    ],
    prepare: async () => void (negotiation = await stock('@libp2p/multistream-select', 'index.js')),
    good: (random) =>
      join(
        random.bytes(1),
        word(WORDS[0]!),
        ...Array.from({ length: random.below(4) }, () => word(oneOf(random, WORDS))),
        word(oneOf(random, WORDS.slice(1, 3))),
      ),
    async read(input) {
      const { pieces } = bothWays(input)
      const stream = new SaidStream(side === 'handle' ? 'inbound' : 'outbound')
      // As libp2p does, and its stream is guarded by unagreed.ts: so many proposals, and no more.
      let answers = 0
      const send = stream.send.bind(stream)
      stream.send = (data) => {
        if (answers++ > 16) stream.abort(new UnsupportedProtocolError())
        return send(data)
      }
      const outcome = negotiation[side](stream, PROTOCOLS)
      stream.say(...pieces).finish()
      return outcome
    },
  }
}

class UnsupportedProtocolError extends Error {
  override readonly name = 'UnsupportedProtocolError'
}

export const connections: Target[] = [
  headers,
  muxer,
  negotiating('negotiation: listener', 'handle'),
  negotiating('negotiation: dialler', 'select'),
]
