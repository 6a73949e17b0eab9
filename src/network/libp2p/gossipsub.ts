/** Gossipsub, with our numbers and our message ids. What is joined and published is pubsub.ts's business. */
import { gossipsub, type GossipSub, type GossipSubComponents, type GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import { GOSSIPSUB } from './defaults.js'
import { withoutKeepAlive } from './without-keep-alive.js'

export function gossipsubService(
  messageId: (data: Uint8Array) => string,
  overrides: Partial<GossipsubOpts> = {},
): (components: GossipSubComponents) => GossipSub {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const init: Partial<GossipsubOpts> = {
    ...GOSSIPSUB,
    // On the wire an id is the bytes of its text, as the origin's MessageId.
    msgIdFn: (message) => encoder.encode(messageId(message.data)),
    msgIdToStrFn: (id) => decoder.decode(id),
    ...overrides,
  }
  return (components) => gossipsub(init)(withoutKeepAlive(components))
}
