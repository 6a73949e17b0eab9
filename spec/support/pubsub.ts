/** What a port is told about broadcasts, as a node does whose config says nothing. */
import { defaultScoring, type PubsubOptions } from '../../src/core/pubsub.js'
import { messageId } from '../../src/wire/gossip/message.js'

export const PUBSUB: PubsubOptions = {
  messageIdOf: ({ data }) => messageId(data),
  maxMessageSize: 65_536,
  maxQueueSize: 4 * 1024 * 1024,
  scoring: defaultScoring,
}
