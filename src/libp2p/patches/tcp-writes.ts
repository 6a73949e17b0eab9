/**
 * TCP whose writes of one turn leave together. libp2p hands a socket each part of a frame by itself (a length of two
 * bytes, the cipher text, its tag), and without Nagle's algorithm that is a packet and a system call for each. So a socket
 * is corked by the first write of a turn, and uncorked in a microtask.
 *
 * What libp2p hands over is taken whole. The stock connection stops behind the chunk with which the socket is full, which
 * a corked one is at 16 KiB: the tag of a large frame waited for the drain, and the other side for the tag, so that each
 * such frame took two writes. The chunks are encrypted already and would otherwise wait in libp2p, so nothing more is held;
 * that the socket is full is said all the same, and whoever writes next waits for the drain.
 */
import { tcp, type TCPOptions } from '@libp2p/tcp'
import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { skipUnheard } from './idle-events.js'

type TcpFactory = ReturnType<typeof tcp>

/** What libp2p's connection over a socket has, and does not say. */
type SocketConnection = MultiaddrConnection & {
  socket?: { cork(): void; uncork(): void; write(chunk: Uint8Array): boolean }
  sendData?: (data: Uint8ArrayList) => { sentBytes: number; canSendMore: boolean }
}

/** What is sent at once is joined up to this size, bytes: the copy costs less than a list of parts does on its way down. */
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
      return (connection: SocketConnection, ...rest: unknown[]) => method(cork(connection), ...rest)
    },
  })
}

function cork(connection: SocketConnection): SocketConnection {
  const { socket } = connection
  if (typeof socket?.cork !== 'function' || typeof connection.sendData !== 'function') {
    throw new Error('this version of @libp2p/tcp is not supported')
  }
  skipUnheard(connection)
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
  const all = Buffer.allocUnsafe(data.byteLength)
  let at = 0
  for (const chunk of data) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
