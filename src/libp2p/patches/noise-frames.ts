/**
 * Noise, whose reader saves two things for each frame.
 *
 * It throws nothing for each packet. The stock decoder of lengths learns that a packet is read to its end by catching a
 * `RangeError`, and making and throwing one costs as much as the cipher does for a small frame. A length that is more than
 * what is there says the same.
 *
 * And it does not join frames that came in two packets, as every large one does, in memory of their own. The stock reader
 * does, so that the cipher may write the plaintext over it; Node's cipher writes nowhere but into memory that it allocates.
 */
import { noise, type NoiseInit } from '@chainsafe/libp2p-noise'
import type { MessageStream, SecuredConnection } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { MAX_FRAME } from '../../platform/noise-crypto.js'
import { skipUnheard } from './idle-events.js'

type NoiseFactory = ReturnType<typeof noise>
type Bytes = Uint8Array | Uint8ArrayList

/** What an encrypted connection has, and does not say. */
interface Encrypted extends MessageStream {
  decoder?: { lengthDecoder?: (data: { byteLength: number }) => number }
  handshake?: { decrypt?: (frame: Bytes) => Bytes }
  decrypt?: (frame: Bytes) => Bytes
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

function tune<Extensions>(secured: SecuredConnection<Extensions>): SecuredConnection<Extensions> {
  const connection = secured.connection as Encrypted
  const { decoder, handshake } = connection
  const decode = decoder?.lengthDecoder
  const decrypt = handshake?.decrypt
  if (
    decoder === undefined ||
    typeof decode !== 'function' ||
    typeof decrypt !== 'function' ||
    typeof connection.decrypt !== 'function'
  ) {
    throw new Error('this version of @libp2p/noise is not supported')
  }
  skipUnheard(connection)
  // What is not complete counts as the longest.
  decoder.lengthDecoder = (data) => (data.byteLength < 2 ? MAX_FRAME : decode(data))
  // The decoder hands out one frame at a time, and its length of two bytes cannot be more than a frame may have.
  connection.decrypt = (frame) => decrypt(frame)
  return secured
}
