/**
 * Noise, whose reader does not make an error for each packet. The stock decoder of lengths learns that a packet is read to
 * its end by catching a `RangeError`, and making one, with its stack, costs as much as the cipher does for a small frame.
 * The same error can be thrown every time.
 */
import { noise, type NoiseInit } from '@chainsafe/libp2p-noise'
import type { MessageStream, SecuredConnection } from '@libp2p/interface'

type NoiseFactory = ReturnType<typeof noise>

/** What an encrypted connection has, and does not say. */
type Encrypted = MessageStream & { decoder?: { lengthDecoder?: (data: { byteLength: number }) => number } }

const TOO_SHORT = new RangeError('the length is not complete')

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
  const { decoder } = secured.connection as Encrypted
  const decode = decoder?.lengthDecoder
  if (decoder === undefined || typeof decode !== 'function') {
    throw new Error('this version of @libp2p/noise is not supported')
  }
  decoder.lengthDecoder = (data) => {
    if (data.byteLength < 2) throw TOO_SHORT
    return decode(data)
  }
  return secured
}
