/** gossipsub, with our numbers, our message ids, and parts of ours where it has an option. pubsub.ts joins and publishes. */
import {
  gossipsub,
  type GossipSub,
  type GossipSubComponents,
  type GossipsubOpts,
  type Message,
} from '@chainsafe/libp2p-gossipsub'
import { limitsOf, type Limits } from '../../core/limits/limits.js'
import type { IdentifiedMessage, PubsubOptions } from '../../core/pubsub.js'
import { GOSSIPSUB } from '../defaults.js'
import { withoutKeepAlive } from '../peer-tags.js'
import { MessageCache } from './message-cache.js'
import { GossipRegistrar } from './registrar.js'
import { scoringOptions } from './scores.js'
import { decodeText } from '../../wire/text.js'

export interface Gossipsub extends GossipSub {
  readonly registrar: GossipRegistrar
  /** The option of this name. */
  readonly messageCache: MessageCache
}

export function gossipsubService(
  { messageIdOf, scoring }: Pick<PubsubOptions, 'messageIdOf' | 'scoring'>,
  overrides: Partial<GossipsubOpts> = {},
  { gossipCacheBytes }: Pick<Limits, 'gossipCacheBytes'> = limitsOf(),
): (components: GossipSubComponents) => Gossipsub {
  const encoder = new TextEncoder()
  const init = {
    ...GOSSIPSUB,
    ...scoringOptions(scoring),
    // On the wire an id is the UTF-8 of its text, as in the Rust tinyp2p.
    msgIdFn: (message: Message) => encoder.encode(messageIdOf(identified(message))),
    msgIdToStrFn: decodeText,
    ...overrides,
  }
  return (components) => {
    const registrar = new GossipRegistrar(components.registrar)
    const messageCache = new MessageCache(init.mcacheLength!, init.mcacheGossip!, init.msgIdToStrFn, gossipCacheBytes)
    const pubsub = gossipsub({ ...init, messageCache: messageCache.option })(registrar.in(withoutKeepAlive(components)))
    return Object.assign(pubsub, { registrar, messageCache })
  }
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
