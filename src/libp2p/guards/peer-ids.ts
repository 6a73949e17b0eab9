/**
 * Peer ids in multiaddrs that are no longer than peer ids are. As text they are base58, which takes the square of their length, and
 * `@multiformats/multiaddr` makes that text as soon as it sees the bytes: one message of identify with a peer id of 8 KiB would stand a
 * node still for 130 ms, and there may be ten of them on a stream. (Its registry is one for the process. Who else uses it there
 * cannot use such peer ids either.)
 */
import { CODE_P2P, registry } from '@multiformats/multiaddr'

/** The longest, bytes: those of keys and of hashes have 34 to 66. */
const LONGEST = 128

let isBounded = false

export function boundPeerIds(): void {
  if (isBounded) return
  isBounded = true
  const stock = registry.getProtocol(CODE_P2P)
  registry.addProtocol({
    ...stock,
    bytesToValue: (bytes) => {
      if (bytes.length > LONGEST) throw new Error(`a peer id of ${bytes.length} bytes in an address`)
      return stock.bytesToValue!(bytes)
    },
  })
}
