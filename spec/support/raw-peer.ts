/** A libp2p node with the stock parts and nothing of ours: it speaks whatever a spec makes it say on request streams. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, Stream, StreamMuxer } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { REQUEST_RESPONSE_V1 } from '../../src/wire/protocols.js'
import { within } from './nodes.js'

/** Of yamux and of libp2p: as many streams as one likes. */
const MANY = 100_000

const streams = { maxInboundStreams: MANY, maxOutboundStreams: MANY }

/** What a dialler says to have a request stream, and what a listener answers that speaks the protocol. */
export const GREETING = new Uint8Array(
  Buffer.concat(
    ['/multistream/1.0.0\n', `${REQUEST_RESPONSE_V1}\n`].map((line) =>
      Buffer.concat([Buffer.of(line.length), Buffer.from(line)]),
    ),
  ),
)

/** What a stream did that a spec opened. */
export interface Heard {
  bytes: Uint8Array
  /** `ended`: in good order; `reset`: not. */
  end: 'ended' | 'reset'
}

export class RawPeer {
  private constructor(private readonly host: Libp2p) {}

  /** `serve` gets each request stream that is opened to it. */
  static async start(serve?: (stream: Stream) => void): Promise<RawPeer> {
    const host = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux(streams)],
      connectionMonitor: { enabled: false },
    })
    const peer = new RawPeer(host)
    if (serve !== undefined) await host.handle(REQUEST_RESPONSE_V1, serve, streams)
    return peer
  }

  get address(): string {
    return this.host.getMultiaddrs()[0]!.toString()
  }

  connect(address: string): Promise<Connection> {
    return this.host.dial(multiaddr(address))
  }

  async open(address: string): Promise<Stream> {
    return (await this.connect(address)).newStream(REQUEST_RESPONSE_V1, streams)
  }

  /**
   * A stream below libp2p, which waits for nothing: what is sent on it goes out behind the negotiation's first words,
   * and what comes back begins with the answer to those (`GREETING`).
   */
  async openHastily(address: string): Promise<Stream> {
    const connection = (await this.connect(address)) as Connection & { muxer: StreamMuxer }
    const stream = await connection.muxer.createStream()
    stream.send(GREETING)
    return stream
  }

  /** Sends these chunks, ends (or does not) its write side, and tells what comes back until the stream is over. */
  async say(address: string, chunks: Uint8Array[], end: 'close' | 'stay' = 'close'): Promise<Heard> {
    const stream = await this.open(address)
    const heard = hear(stream)
    try {
      for (const chunk of chunks) {
        if (!stream.send(chunk))
          await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
      }
      if (end === 'close') await stream.close()
    } catch {
      // It was reset meanwhile, which is what `heard` tells.
    }
    return within(8_000, heard, 'the end of the stream')
  }

  async stop(): Promise<void> {
    await this.host.stop()
  }
}

/** Everything that comes on the stream, and how that ends. */
export function hear(stream: Stream): Promise<Heard> {
  const chunks: Uint8Array[] = []
  return new Promise((resolve) => {
    const over = (end: Heard['end']): void => resolve({ bytes: new Uint8Array(Buffer.concat(chunks)), end })
    stream.addEventListener('message', ({ data }) => chunks.push(data instanceof Uint8Array ? data : data.subarray()))
    stream.addEventListener('remoteCloseWrite', () => {
      if (stream.readBufferLength === 0) queueMicrotask(() => over('ended'))
    })
    stream.addEventListener('close', ({ error }) => over(error === undefined ? 'ended' : 'reset'))
    if (stream.status !== 'open') over(stream.status === 'closed' ? 'ended' : 'reset')
  })
}
