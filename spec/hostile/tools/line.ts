/**
 * An encrypted connection to the victim with a Yamux of our own on it, which does what an attack says and no more. TCP, Noise and the
 * choice of the muxer are the stock ones. Each line has an identity of its own.
 */
import '../../../src/platform/polyfill.js'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import {
  TypedEventEmitter,
  type MessageStream,
  type PrivateKey,
  type Stream,
  type StreamMuxer,
  type StreamMuxerEvents,
} from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { Uint8ArrayList } from 'uint8arraylist'
import { join } from '../../support/bytes.js'
import type { Context } from '../attacks/attack.js'
import { ACK, DATA, greeting, header, PING, ping, RST, SYN, WINDOW, window } from './frames.js'
import { LineStream } from './line-stream.js'

/** Answers streams that the victim opens: gets the stream when its protocol is agreed upon. */
export type Serve = Record<string, (stream: LineStream) => void>

export interface LineOptions {
  /** The loopback address that it dials from. Attackers have another one than honest peers. */
  from?: string
  privateKey?: PrivateKey
  serve?: Serve
}

export const ATTACKERS = '127.0.0.9'

/** Of Noise, inside. */
interface Encrypted extends MessageStream {
  handshake: { encrypt(data: Uint8Array): Uint8Array | Uint8ArrayList }
  stream: MessageStream
}

class BareMuxer extends TypedEventEmitter<StreamMuxerEvents> implements StreamMuxer {
  readonly protocol = '/yamux/1.0.0'
  readonly streams: Stream[] = []
  readonly status = 'open'

  createStream(): Promise<Stream> {
    return Promise.reject(new Error('a line opens its streams by itself'))
  }

  abort(): void {
    // The connection under it is aborted.
  }

  async close(): Promise<void> {
    // There is nothing to wait for.
  }
}

export class Line {
  /** Says why, when the other side has ended it. */
  readonly closed: Promise<string>
  isOpen = true
  /** The other side's Yamux pings are answered. */
  answersPings = true
  private isSealed = false
  private leaves = false
  private left: Uint8Array = new Uint8Array()
  private nextId = 1
  private readonly streams = new Map<number, LineStream>()
  /** Ids of which the victim has said nothing yet. */
  private readonly unheard = new Set<number>()
  /** The victim has said its first word of a stream, or has reset it: until then it may wait in a buffer. */
  onHeard: (() => void) | undefined

  private constructor(
    readonly host: Libp2p,
    private readonly under: MessageStream,
    private readonly context: Context,
    private readonly serve: Serve,
  ) {
    under.addEventListener('message', ({ data: chunk }) => {
      this.hear(chunk instanceof Uint8Array ? chunk : chunk.subarray())
    })
    this.closed = new Promise((resolve) => {
      under.addEventListener('close', ({ error }) => {
        this.isOpen = false
        for (const stream of this.streams.values()) stream.over()
        // What the other side ends this one may close too, a moment before it hears of that.
        const why = this.leaves ? 'by itself' : reasonOf(error)
        if (!this.leaves) context.fate.gone(why)
        resolve(why)
      })
    })
    context.fate.line()
  }

  /** @throws when the victim lets nobody in */
  static async open(context: Context, options: LineOptions = {}): Promise<Line> {
    const { from = ATTACKERS, privateKey = await generateKeyPair('Ed25519'), serve = {} } = options
    let under: MessageStream | undefined
    const muxer = () => ({
      protocol: '/yamux/1.0.0',
      createStreamMuxer: (connection: MessageStream) => {
        under = connection
        return new BareMuxer()
      },
    })
    const host = await createLibp2p({
      privateKey,
      transports: [tcp({ dialOpts: { localAddress: from } as object })],
      connectionEncrypters: [noise()],
      streamMuxers: [muxer],
      connectionMonitor: { enabled: false },
    })
    try {
      await host.dial(multiaddr(context.victim.address), { signal: AbortSignal.timeout(10_000) })
      return new Line(host, under!, context, serve)
    } catch (error) {
      void host.stop()
      context.fate.refused(`no connection: ${reasonOf(error as Error)}`)
      throw error
    }
  }

  /** As it is; waits until more can be written. Nothing happens on a line that is over. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.isOpen || this.isSealed || this.push(bytes)) return
    const over = this.context.fate.waits()
    await Promise.race([this.under.onDrain().catch(() => undefined), this.closed, this.context.over])
    over()
  }

  /** Without waiting; `false`: it is full. */
  push(bytes: Uint8Array): boolean {
    if (!this.isOpen || this.isSealed) return false
    try {
      return this.under.send(bytes)
    } catch {
      return false
    }
  }

  /** A frame of Noise for each piece. From here on nothing else is said on this line: their order is that of the cipher. */
  sealed(pieces: Uint8Array[]): Uint8Array {
    this.isSealed = true
    const { handshake } = this.under as Encrypted
    const parts = pieces.map((piece) => handshake.encrypt(piece).subarray())
    return Buffer.concat(parts.flatMap((part) => [Uint8Array.of(part.length >> 8, part.length & 0xff), part]))
  }

  /** Waits until more can be written. */
  async sendSealed(bytes: Uint8Array): Promise<void> {
    const { stream } = this.under as Encrypted
    if (!this.isOpen || stream.send(bytes)) return
    const over = this.context.fate.waits()
    await Promise.race([stream.onDrain().catch(() => undefined), this.closed, this.context.over])
    over()
  }

  /** An id for a stream that nobody here keeps. */
  freshId(): number {
    const id = this.nextId
    this.nextId += 2
    if (this.onHeard !== undefined) this.unheard.add(id)
    return id
  }

  /** Opens a stream and says its protocol, and what is to be said behind it, without waiting for an answer. */
  stream(protocol: string, first: Uint8Array = new Uint8Array()): LineStream {
    const id = this.freshId()
    const stream = new LineStream(id, this, this.context, protocol)
    this.streams.set(id, stream)
    stream.open(join(greeting(protocol), first))
    return stream
  }

  forget(id: number): void {
    this.streams.delete(id)
  }

  /** Reads nothing more, ever: the victim's socket fills. */
  deaf(): void {
    this.under.pause()
  }

  async end(): Promise<void> {
    this.leaves = true
    this.under.abort(new Error('the attacker leaves'))
    await this.host.stop()
  }

  private hear(chunk: Uint8Array): void {
    let bytes = this.left.length === 0 ? chunk : join(this.left, chunk)
    while (bytes.length >= 12) {
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      const type = view.getUint8(1)
      const flags = view.getUint16(2)
      const id = view.getUint32(4)
      const length = view.getUint32(8)
      const size = type === DATA ? length : 0
      if (bytes.length < 12 + size) break
      this.take(type, flags, id, length, bytes.subarray(12, 12 + size))
      bytes = bytes.subarray(12 + size)
    }
    this.left = bytes.slice()
  }

  private take(type: number, flags: number, id: number, length: number, payload: Uint8Array): void {
    if (type === PING) {
      if ((flags & SYN) !== 0 && this.answersPings) this.push(ping(length, ACK))
      return
    }
    if (type !== DATA && type !== WINDOW) return
    if (this.unheard.delete(id)) this.onHeard?.()
    if ((flags & SYN) !== 0) this.accept(id)
    const stream = this.streams.get(id)
    if (stream === undefined) {
      // What nobody here keeps must still not end for want of credit.
      if (type === DATA && length > 0 && (flags & RST) === 0) this.push(window(id, length))
      return
    }
    if (type === WINDOW) stream.credited(length)
    else if (length > 0) stream.hear(payload)
    if ((flags & RST) !== 0) stream.reset()
  }

  private accept(id: number): void {
    this.push(header(WINDOW, ACK, id, 0))
    this.streams.set(id, LineStream.inbound(id, this, this.context, this.serve))
  }
}

function reasonOf(error: Error | undefined): string {
  if (error === undefined) return 'closed'
  const { code, name, message } = error as Error & { code?: string }
  return code ?? (/ECONN\w+|EPIPE/.exec(message)?.[0] || (name === 'Error' ? message.slice(0, 60) : name))
}
