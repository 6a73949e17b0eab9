/** Sizes of broadcasts, for specs of what just fits and what does not. */
import { encodedMessageSize } from '../../src/wire/gossip/message.js'

/** The most data that fits into an RPC of `frameLimit` bytes, which holds an empty message at least. */
export function maxDataLength(topic: string, frameLimit: number): number {
  // Lengths that need a longer varint take a few bytes more than an empty message tells.
  let length = frameLimit - encodedMessageSize(topic, 0)
  while (encodedMessageSize(topic, length) > frameLimit) length--
  return length
}
