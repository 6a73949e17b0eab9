/**
 * Our session without the lane: the same bytes, written and read by the same codec, over one stream of the same libp2p
 * node; but by hand. A map of resolvers, one write a turn, and nothing else: no state, no effects, no RxJS, no deadlines,
 * no credit, no limits. What ours costs above it is the price of the lane.
 */
import '../../src/platform/polyfill.js'
import type { Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { privateKeyOf } from '../../src/identity.js'
import { newSecret } from '../../src/secret.js'
import { plain } from '../../src/libp2p/request-streams.js'
import { REQUEST_STREAMS } from '../../src/libp2p/defaults.js'
import { Gater } from '../../src/libp2p/gater.js'
import { createHost, type Host } from '../../src/libp2p/host.js'
import { copyIfSmall } from '../../src/wire/gather.js'
import { PUBSUB } from '../harness/pubsub.js'
import { SESSION } from '../../src/wire/protocols.js'
import { FrameType, LAST, MAX_CHUNK, MORE, WITHOUT_HELLO } from '../../src/wire/session/format.js'
import {
  createReader,
  createRequestFields,
  readFrames,
  readHello,
  readRequest,
  type Frame,
  type Violation,
} from '../../src/wire/session/reader.js'
import {
  createWriter,
  takeChunks,
  writeHello,
  writeReply,
  writeRequest,
  type FrameWriter,
} from '../../src/wire/session/writer.js'
import type { Contestant } from './contestant.js'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
/** Guess of what a frame takes beside its payload. */
const HEAD = 24
/** What `node.request` says with the same settings. */
const REQUEST = { timeout: 60_000, credit: 1_048_608, one: true, service: false, lossy: undefined }

interface Value {
  id: number
  payload: Uint8Array
}

/** Collects the values of one turn, and writes them at its end. */
class Outbox {
  private values: Value[] = []
  private greeted = false

  constructor(
    private readonly stream: Stream,
    private readonly hello: (writer: FrameWriter) => void,
    private readonly write: (writer: FrameWriter, value: Value) => void,
  ) {}

  push(id: number, payload: Uint8Array): void {
    if (payload.length > MAX_CHUNK) throw new Error('a value must fit into one frame here')
    if (this.values.push({ id, payload }) === 1) queueMicrotask(() => this.flush())
  }

  private flush(): void {
    const { values } = this
    this.values = []
    let expected = 2 * HEAD
    for (const { payload } of values) expected += HEAD + payload.length
    const writer = createWriter(expected)
    if (!this.greeted) {
      this.greeted = true
      this.hello(writer)
    }
    for (const value of values) this.write(writer, value)
    const [first = new Uint8Array(), ...more] = takeChunks(writer)
    // A false is no matter: as much waits as is in flight, and no more.
    this.stream.send(more.length === 0 ? first : new Uint8ArrayList(first, ...more))
  }
}

function onFrames(stream: Stream, take: (frame: Frame) => Violation | undefined): void {
  const reader = createReader()
  stream.addEventListener('message', ({ data }) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      const violation = readFrames(reader, plain(chunk), take)
      if (violation !== undefined) stream.abort(new Error(violation))
    }
  })
}

function echo(stream: Stream): void {
  const outbox = new Outbox(
    stream,
    (writer) => writeHello(writer, WITHOUT_HELLO),
    (writer, { id, payload }) => writeReply(writer, id, payload, 0, payload.length, true, true),
  )
  const fields = createRequestFields()
  onFrames(stream, (frame) => {
    if (frame.type === FrameType.HELLO) return undefined
    if (frame.type !== FrameType.REQUEST || (frame.flags & MORE) !== 0) return 'only whole requests are served here'
    const violation = readRequest(frame, fields)
    if (violation === undefined) outbox.push(frame.id, copyIfSmall(frame.bytes, frame.at, frame.end))
    return violation
  })
}

async function create(): Promise<Host> {
  const privateKey = await privateKeyOf(newSecret())
  const gater = new Gater(peerIdFromPrivateKey(privateKey).toString())
  gater.listensOn(LISTEN)
  const host = await createHost({ privateKey, pubsub: PUBSUB }, LISTEN, gater)
  await host.handle(SESSION, echo, REQUEST_STREAMS)
  await host.start()
  return host
}

export const contestant: Contestant = {
  async serve() {
    const host = await create()
    return host.getMultiaddrs().join()
  },
  async connect(address) {
    const host = await create()
    const stream = await host.dialProtocol(multiaddr(address), SESSION, REQUEST_STREAMS)
    const resolvers = new Map<number, (reply: Uint8Array) => void>()
    let last = 0
    const outbox = new Outbox(stream, writeHello, (writer, { id, payload }) =>
      writeRequest(writer, id, REQUEST, payload, payload.length),
    )
    onFrames(stream, (frame) => {
      if (frame.type === FrameType.HELLO) return readHello(frame, { ...WITHOUT_HELLO })
      if (frame.type !== FrameType.REPLY || (frame.flags & LAST) === 0) return 'only whole replies are taken here'
      resolvers.get(frame.id)?.(copyIfSmall(frame.bytes, frame.at, frame.end))
      resolvers.delete(frame.id)
      return undefined
    })
    return {
      ask: (bytes) =>
        new Promise((resolve) => {
          resolvers.set(++last, resolve)
          outbox.push(last, bytes)
        }),
    }
  },
}
