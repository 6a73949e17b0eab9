/**
 * TCP whose writes of one turn leave together.
 *
 * Package: @libp2p/tcp 11.0.28
 * Private members: `socket` and `sendData` of a connection
 * Changes: the first write of a turn corks the socket, and a microtask uncorks it. The socket takes each send whole.
 * Without it: each part of a frame (a length of two bytes, the cipher text, its tag) is a packet and a system call, and the
 *   tag of a large frame waits until the socket has drained. Requests are slower, and nothing else changes.
 * Missing option: access to the socket, or writes of several chunks at once.
 * Guarded by: spec/integration/libp2p/tcp-writes-spec.ts, spec/integration/libp2p/transport-spec.ts
 *
 * The stock connection stops behind the chunk with which the socket is full, at 16 KiB (64 KiB from Node 22) when it is corked.
 * The chunks that follow are encrypted already and would wait in libp2p instead, so no more memory is held here. The full socket is still
 * reported, and the next writer waits for the drain.
 */
import { tcp, type TCPOptions } from '@libp2p/tcp'
import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from '../../platform/bytes.js'
import { skipIdleEvents } from './idle-events.js'
import { hasMembers } from './supported.js'

type TcpFactory = ReturnType<typeof tcp>

interface SocketConnection extends MultiaddrConnection {
  socket: { cork(): void; uncork(): void; write(chunk: Uint8Array): boolean }
  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean }
}

/** Up to this size, bytes, a send is joined: the copy costs less than a list of parts does on its way down. */
const JOIN_UP_TO = 8_192

export function corkedTcp(options: TCPOptions): TcpFactory {
  return (components) => {
    const transport = tcp(options)(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      dial: ((address, dialOptions) =>
        dial(address, { ...dialOptions, upgrader: corking(dialOptions.upgrader) })) satisfies Transport['dial'],
      createListener: ((listenOptions) =>
        createListener({
          ...listenOptions,
          upgrader: corking(listenOptions.upgrader),
        })) satisfies Transport['createListener'],
    })
  }
}

/** The upgrader is the first to get a connection, before any byte of it is written. */
function corking(upgrader: Upgrader): Upgrader {
  return new Proxy(upgrader, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => unknown
      if (name !== 'upgradeInbound' && name !== 'upgradeOutbound') return method
      return (connection: MultiaddrConnection, ...rest: unknown[]) => method(cork(connection), ...rest)
    },
  })
}

const MEMBERS = {
  'socket.cork': 'function',
  'socket.uncork': 'function',
  'socket.write': 'function',
  sendData: 'writable function',
} as const

function cork(stock: MultiaddrConnection): MultiaddrConnection {
  if (!hasMembers('@libp2p/tcp', stock, MEMBERS)) return stock
  const connection = stock as SocketConnection
  const { socket } = connection
  skipIdleEvents(connection)
  let corked = false
  const uncork = (): void => {
    corked = false
    socket.uncork()
  }
  connection.sendData = (data) => {
    if (!corked) {
      corked = true
      socket.cork()
      queueMicrotask(uncork)
    }
    let canSendMore = true
    const { byteLength } = data
    if (byteLength <= JOIN_UP_TO) canSendMore = socket.write(joined(data))
    else for (const chunk of data) canSendMore = socket.write(chunk)
    return { sentBytes: byteLength, canSendMore }
  }
  return connection
}

function joined(data: Uint8ArrayList): Uint8Array {
  const all = allocUnsafe(data.byteLength)
  let at = 0
  for (const chunk of data) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
