/**
 * node:tls with the least framing: the limit of an encrypted socket. A key that both sides know takes the place of
 * certificates, which no file here could hold for long; the cipher of the frames is the same.
 */
import { once } from 'node:events'
import { connect, createServer, type SecureContextOptions } from 'node:tls'
import type { Contestant } from './contestant.js'
import { askOver, echoOver, listen } from './framed.js'

const KEY = Buffer.alloc(32, 'benchmark')
/** Node has keys without certificates up to TLS 1.2. */
const OPTIONS: SecureContextOptions = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' }

export const contestant: Contestant = {
  serve: () => listen(createServer({ ...OPTIONS, noDelay: true, pskCallback: () => KEY }, echoOver)),
  async connect(port) {
    const socket = connect({
      ...OPTIONS,
      host: '127.0.0.1',
      port: Number(port),
      pskCallback: () => ({ psk: KEY, identity: 'bench' }),
      // Whoever knows the key is the server.
      checkServerIdentity: () => undefined,
    })
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    return askOver(socket)
  },
}
