/** protomux-rpc over hyperswarm's secret-stream (Noise, libsodium), over a plain socket. Corked, so a turn is one write. */
import SecretStream from '@hyperswarm/secret-stream'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import ProtomuxRPC from 'protomux-rpc'
import type { Contestant } from './contestant.js'
import { listen } from './framed.js'

function rpcOver(socket: Socket, isInitiator: boolean): ProtomuxRPC {
  const stream = new SecretStream(isInitiator, socket)
  // The client's process is ended and not closed.
  stream.on('error', () => socket.destroy())
  return new ProtomuxRPC(stream)
}

export const contestant: Contestant = {
  serve: () =>
    listen(
      createServer({ noDelay: true }, (socket) => {
        rpcOver(socket, false).respond('echo', (request) => request)
      }),
    ),
  async connect(port) {
    const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
    await once(socket, 'connect')
    const rpc = rpcOver(socket, true)
    await rpc.fullyOpened()
    let corked = false
    const uncork = (): void => {
      corked = false
      rpc.uncork()
    }
    return {
      ask(bytes) {
        if (!corked) {
          corked = true
          rpc.cork()
          queueMicrotask(uncork)
        }
        return rpc.request('echo', bytes)
      },
    }
  },
}
