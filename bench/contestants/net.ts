/** node:net with the least framing: the limit of what JavaScript can do over a socket. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Contestant } from './contestant.js'
import { askOver, echoOver, listen } from './framed.js'

export const contestant: Contestant = {
  serve: () => listen(createServer({ noDelay: true }, echoOver)),
  async connect(port) {
    const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return askOver(socket)
  },
}
