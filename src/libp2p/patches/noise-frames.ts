/**
 * Noise without two costs of each frame that is read.
 *
 * Package: @libp2p/noise 17.0.3, @libp2p/utils 7.4.1 (the decoder)
 * Private members: of an encrypted connection `decoder.lengthDecoder`, `handshake.decrypt`, and its own `decrypt`
 * Changes: the decoder of lengths throws nothing at the end of a packet, and a frame that came in two packets is not joined.
 * Without it: each packet costs a `RangeError`, which takes as long as the cipher of a small frame, and each large frame is
 *   copied into memory of its own. Requests are slower, and nothing else changes.
 * Missing option: none for either (the same throw elsewhere: https://github.com/ChainSafe/lodestar/issues/3467).
 * Guarded by: spec/integration/libp2p/noise-frames-spec.ts
 */
import { noise, type NoiseInit } from '@chainsafe/libp2p-noise'
import type { MessageStream, SecuredConnection } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { MAX_FRAME } from '../../platform/noise-crypto.js'
import { skipIdleEvents } from './idle-events.js'
import { hasMembers } from './supported.js'

type NoiseFactory = ReturnType<typeof noise>
type Bytes = Uint8Array | Uint8ArrayList

interface Encrypted extends MessageStream {
  decoder: { lengthDecoder: (data: { byteLength: number }) => number }
  handshake: { decrypt: (frame: Bytes) => Bytes }
  decrypt: (frame: Bytes) => Bytes
}

export function tunedNoise(init: NoiseInit): NoiseFactory {
  return (components) => {
    const encrypter = noise(init)(components)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    return Object.assign(encrypter, {
      secureInbound: async (...args: Parameters<typeof secureInbound>) => tune(await secureInbound(...args)),
      secureOutbound: async (...args: Parameters<typeof secureOutbound>) => tune(await secureOutbound(...args)),
    })
  }
}

const MEMBERS = {
  'decoder.lengthDecoder': 'writable function',
  'handshake.decrypt': 'function',
  decrypt: 'writable function',
} as const

function tune<Extensions>(secured: SecuredConnection<Extensions>): SecuredConnection<Extensions> {
  if (!hasMembers('@libp2p/noise', secured.connection, MEMBERS)) return secured
  const connection = secured.connection as Encrypted
  const { decoder, handshake } = connection
  const decodeLength = decoder.lengthDecoder
  const { decrypt } = handshake
  skipIdleEvents(connection)
  // An incomplete length counts as the longest frame, for which there is not enough either.
  decoder.lengthDecoder = (data) => (data.byteLength < 2 ? MAX_FRAME : decodeLength(data))
  // The decoder hands out one frame at a time, and its length of two bytes cannot be more than a frame may have. Stock Noise
  // joins the frame so that the cipher may write the plaintext over it; Node's cipher writes only into memory of its own.
  connection.decrypt = (frame) => decrypt(frame)
  return secured
}
