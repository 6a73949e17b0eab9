/**
 * TCP whose writes of one turn leave together. libp2p hands a socket each part of a frame by itself (a length of two
 * bytes, the cipher text, its tag), and without Nagle's algorithm that is a packet and a system call for each. So a socket
 * is corked by the first write of a turn, and uncorked in a microtask.
 */
import { tcp, type TCPOptions } from '@libp2p/tcp'
import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'

type TcpFactory = ReturnType<typeof tcp>

/** What libp2p's connection over a socket has, and does not say. */
type SocketConnection = MultiaddrConnection & {
  socket?: { cork(): void; uncork(): void }
  sendData?: (this: SocketConnection, data: unknown) => unknown
}

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
  const { socket, sendData } = connection
  if (typeof socket?.cork !== 'function' || typeof sendData !== 'function') {
    throw new Error('this version of @libp2p/tcp is not supported')
  }
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
    return sendData.call(connection, data)
  }
  return connection
}
