/**
 * A private network: connections are encrypted with a pre-shared key below everything else, as those of go-libp2p are
 * (https://github.com/libp2p/specs/blob/master/pnet/Private-Networks-PSK-V1.md).
 *
 * A wrong key only makes noise of what is read, and a negotiation would wait for the rest of it. So whoever is dialled looks at the first
 * bytes, and hangs up at once if they are none of a negotiation; and nobody waits long for the other side's nonce.
 */
import type { ConnectionProtector, MessageStream, MultiaddrConnection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { OTHER_NETWORK } from '../core/access/lists.js'
import { NONCE_TIMEOUT } from './defaults.js'

/** The first bytes of each negotiation: the length of `/multistream/1.0.0` and a line feed, and its beginning. */
const NEGOTIATION = Uint8Array.of(0x13, ...new TextEncoder().encode('/mu'))

/** `other`: a socket whose other side has another key, or none. */
export function privateNetwork(
  protector: ConnectionProtector,
  other: (socket: MultiaddrConnection) => void,
): ConnectionProtector {
  return {
    async protect(connection, options) {
      if (!isSocket(connection)) return protector.protect(connection, options)
      const socket = connection
      const enough = AbortSignal.timeout(NONCE_TIMEOUT)
      const signal = options?.signal === undefined ? enough : AbortSignal.any([options.signal, enough])
      try {
        const protectedBy = await protector.protect(socket, { ...options, signal })
        if (socket.direction === 'inbound') await checkBeginning(protectedBy, signal)
        return protectedBy
      } catch (error) {
        // An attempt that was given up says nothing about the other side.
        if (options?.signal?.aborted !== true) other(socket)
        socket.abort(error as Error)
        throw new Error(OTHER_NETWORK, { cause: error })
      }
    },
  }
}

/** The upgrader hands on what the transport has given to it. */
function isSocket(connection: MessageStream): connection is MultiaddrConnection {
  return 'remoteAddr' in connection
}

async function checkBeginning(connection: MessageStream, signal: AbortSignal): Promise<void> {
  const bytes = byteStream(connection)
  const head = (await bytes.read({ bytes: NEGOTIATION.length, signal })).subarray()
  if (!head.every((byte, at) => byte === NEGOTIATION[at])) throw new Error('what it says is no negotiation')
  bytes.unwrap()
  connection.unshift(head)
}
