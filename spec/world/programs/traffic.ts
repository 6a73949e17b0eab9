/**
 * Plain TCP and UDP without anything of ours, to measure a world itself. Orders (see ../orders.ts):
 * - `serve {}`: listens on TCP port 7 (echoes) and 9 (takes everything, and tells at the end how much), and on UDP port 9.
 * - `connect { host }`: gives the address from which port 7 saw us, and ours.
 * - `serveFrom { host, port }`: connects to port 7 of the host from that port, then listens on it as port 7 does.
 * - `pause { host, ms }`: connects, says nothing for so long, and waits for an echo.
 * - `roundTrips { host, amount }`: gives the times of one-byte echoes, ms; connects once.
 * - `send { host, bytes }`: sends so much to port 9; gives the time from the first byte to the word that all has come, ms.
 * - `datagrams { host, amount }`: sends so many, one a ms.
 * - `taken {}`: gives the numbers of the datagrams that have come, in their order.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { takeOrders } from './take-orders.js'

type Order = { id: number; do: string; host: string; amount: number; bytes: number; ms: number; port?: number }

const taken: number[] = []

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, '::')
  await once(server, 'listening')
}

function echoServer(): Server {
  return createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.write(`${socket.remoteAddress!.replace('::ffff:', '')} ${socket.remotePort}\n`)
    socket.pipe(socket).on('error', () => socket.destroy())
  })
}

async function connected(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

async function obey(order: Order): Promise<unknown> {
  const { host, amount } = order
  switch (order.do) {
    case 'serve': {
      const sink = createServer({ allowHalfOpen: true }, (socket) => {
        let bytes = 0
        socket.on('data', (data) => (bytes += data.length))
        socket.on('end', () => socket.end(String(bytes))).on('error', () => socket.destroy())
      })
      const datagrams = createSocket('udp4', (data) => taken.push(data.readUInt32BE(0)))
      datagrams.bind(9)
      await Promise.all([listening(echoServer(), 7), listening(sink, 9), once(datagrams, 'listening')])
      return undefined
    }
    case 'connect': {
      const socket = await connected(host, order.port ?? 7)
      const [seen] = (await once(socket, 'data')) as [Buffer]
      const own = `${socket.localAddress} ${socket.localPort}`
      socket.destroy()
      return { seen: seen.toString().trim(), own }
    }
    case 'serveFrom': {
      const socket = connect({ host, port: 7, localPort: order.port! })
      await once(socket, 'data')
      socket.resetAndDestroy()
      await listening(echoServer(), order.port!)
      return undefined
    }
    case 'pause': {
      const socket = await connected(host, 7)
      await once(socket, 'data')
      await new Promise((resolve) => setTimeout(resolve, order.ms))
      socket.write('x')
      await once(socket, 'data')
      socket.destroy()
      return undefined
    }
    case 'roundTrips': {
      const socket = await connected(host, 7)
      await once(socket, 'data')
      const times: number[] = []
      while (times.length < amount) {
        const start = performance.now()
        socket.write('x')
        await once(socket, 'data')
        times.push(performance.now() - start)
      }
      socket.destroy()
      return times
    }
    case 'send': {
      const socket = await connected(host, 9)
      const start = performance.now()
      socket.end(Buffer.alloc(order.bytes))
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      if (Number(bytes.toString()) !== order.bytes) throw new Error(`${bytes.toString()} of ${order.bytes} bytes came`)
      return performance.now() - start
    }
    case 'datagrams': {
      const socket = createSocket('udp4')
      for (let number = 0; number < amount; number++) {
        const data = Buffer.alloc(100)
        data.writeUInt32BE(number)
        socket.send(data, 9, host)
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      socket.close()
      return undefined
    }
    case 'taken':
      return taken
    default:
      throw new Error(`what is ${order.do}?`)
  }
}

takeOrders(obey)
