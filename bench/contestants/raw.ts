/**
 * js-libp2p by itself: a stream for each request, closed for writing behind it. The transport is ours
 * (src/libp2p/host.ts), and every limit is high enough that no request fails.
 */
import '../../src/platform/polyfill.js'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { CONNECTION_MANAGER, CONNECTION_MONITOR } from '../../src/libp2p/defaults.js'
import { quietLogger } from '../../src/libp2p/logger.js'
import { transport } from '../../src/libp2p/host.js'
import type { Contestant } from './contestant.js'

const PROTOCOL = '/bench/echo/1.0.0'
const STREAMS = { maxInboundStreams: 1_000, maxOutboundStreams: 1_000 }

type Transport = ReturnType<typeof transport>

function create(over: Transport): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    logger: quietLogger(),
    connectionManager: CONNECTION_MANAGER,
    connectionMonitor: CONNECTION_MONITOR,
    ...over,
  })
}

async function readAll(stream: Stream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) {
    if (chunk instanceof Uint8Array) chunks.push(chunk)
    else chunks.push(...chunk)
  }
  return Buffer.concat(chunks)
}

async function sendAll(stream: Stream, bytes: Uint8Array): Promise<void> {
  stream.send(bytes)
  await stream.close()
}

export function rawOver(over: () => Transport): Contestant {
  return {
    async serve() {
      const node = await create(over())
      const echo = async (stream: Stream): Promise<void> => sendAll(stream, await readAll(stream))
      await node.handle(PROTOCOL, echo, STREAMS)
      return node.getMultiaddrs().join()
    },
    async connect(address) {
      const node = await create(over())
      const connection = await node.dial(multiaddr(address))
      return {
        async ask(bytes) {
          const stream = await connection.newStream(PROTOCOL, STREAMS)
          const [reply] = await Promise.all([readAll(stream), sendAll(stream, bytes)])
          return reply
        },
      }
    },
  }
}

export const contestant: Contestant = rawOver(transport)
