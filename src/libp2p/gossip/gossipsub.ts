/** Gossipsub, with our numbers and our message ids. What is joined and published is pubsub.ts's business. */
import {
  gossipsub,
  type GossipSub,
  type GossipSubComponents,
  type GossipsubOpts,
  type Message,
} from '@chainsafe/libp2p-gossipsub'
import type { IdentifiedMessage, PubsubOptions } from '../../core/pubsub.js'
import { GOSSIPSUB } from '../defaults.js'
import { scoringOptions } from './scores.js'
import { withoutKeepAlive } from '../peer-tags.js'

export function gossipsubService(
  { messageIdOf, scoring }: Pick<PubsubOptions, 'messageIdOf' | 'scoring'>,
  overrides: Partial<GossipsubOpts> = {},
): (components: GossipSubComponents) => GossipSub {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const init: Partial<GossipsubOpts> = {
    ...GOSSIPSUB,
    ...scoringOptions(scoring),
    // On the wire an id is the bytes of its text, as the origin's MessageId.
    msgIdFn: (message) => encoder.encode(messageIdOf(identified(message))),
    msgIdToStrFn: (id) => decoder.decode(id),
    ...overrides,
  }
  return (components) => gossipsub(init)(withoutKeepAlive(components))
}

/** A peer id's text is not cheap, and ids by content do not need it. */
function identified(message: Message): IdentifiedMessage {
  if (message.type !== 'signed') throw new Error('a message without a signature')
  const { topic, data, from, sequenceNumber } = message
  return {
    topic,
    data,
    sequence: sequenceNumber,
    get from() {
      return from.toString()
    },
  }
}
