/** What libp2p gives as Node Buffers, as the plain `Uint8Array`s that everything behind the port works with. */
import { COPY_BELOW } from '../wire/gather.js'

/** The same memory. */
export function plain(chunk: Uint8Array): Uint8Array {
  if (chunk.constructor === Uint8Array) return chunk
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

/** For a user to keep: small ones are copied, so that they do not keep a whole network buffer alive. */
export function keepable(data: Uint8Array): Uint8Array {
  return data.length < COPY_BELOW ? new Uint8Array(data) : plain(data)
}
