/** ws: a message for each request and each reply, tagged with an id; no encryption, no compression. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Contestant } from './contestant.js'

const ID_BYTES = 4
const OPTIONS = { perMessageDeflate: false, skipUTF8Validation: true }

export const contestant: Contestant = {
  async serve() {
    const server = new WebSocketServer({ ...OPTIONS, host: '127.0.0.1', port: 0 })
    server.on('connection', (socket) => {
      const corked = corking(socket)
      socket.on('message', (message: Buffer) => corked(message))
      // The client's process is ended and not closed.
      socket.on('error', () => socket.terminate())
    })
    await once(server, 'listening')
    return String((server.address() as AddressInfo).port)
  },
  async connect(port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, OPTIONS)
    await once(socket, 'open')
    const corked = corking(socket)
    const resolvers = new Map<number, (reply: Uint8Array) => void>()
    let last = 0
    socket.on('message', (message: Buffer) => {
      const id = message.readUInt32LE(0)
      resolvers.get(id)?.(message.subarray(ID_BYTES))
      resolvers.delete(id)
    })
    return {
      ask: (bytes) =>
        new Promise((resolve) => {
          last = (last + 1) >>> 0
          resolvers.set(last, resolve)
          const message = Buffer.allocUnsafe(ID_BYTES + bytes.length)
          message.writeUInt32LE(last)
          message.set(bytes, ID_BYTES)
          corked(message)
        }),
    }
  },
}

/** Messages of one turn leave in one write. ws has no option for it; its socket does. */
function corking(socket: WebSocket): (message: Buffer) => void {
  const { _socket: raw } = socket as WebSocket & { _socket: { cork(): void; uncork(): void } }
  let corked = false
  const uncork = (): void => {
    corked = false
    raw.uncork()
  }
  return (message) => {
    if (!corked) {
      corked = true
      raw.cork()
      queueMicrotask(uncork)
    }
    socket.send(message)
  }
}
