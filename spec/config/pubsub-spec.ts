import { describe, expect, it } from '@jest/globals'
import { defaultScoring } from '../../src/core/pubsub.js'
import { readPubsub, type PubsubConfig } from '../../src/config/pubsub.js'
import { messageId } from '../../src/wire/gossip/message.js'
import { bytes } from '../support/core.js'
import { thrown } from '../support/promises.js'

const message = { topic: 'block', data: bytes('b'), from: 'bob', sequence: 7n }

describe('the pubsub part of a config', () => {
  it('has the documented defaults', () => {
    const { settings, options, validators } = readPubsub()
    expect(settings).toEqual({
      maxMessageSize: 65_536,
      maxQueueSize: 4_194_304,
      guardedTopics: [],
      validationTimeout: 2_000,
      historyMessages: 256,
      historyBytes: 1_048_576,
      maxLargeMessage: 0,
    })
    expect(options).toMatchObject({ maxMessageSize: 65_536, maxQueueSize: 4_194_304, scoring: defaultScoring })
    expect(validators).toEqual({})
    expect(readPubsub({})).toEqual(readPubsub())
  })

  it('holds what was given, for the core and for the network alike', () => {
    const accept = (): 'accept' => 'accept'
    const { settings, options, validators } = readPubsub({
      maxMessageSize: 100_000,
      maxQueueSize: 200_000,
      validators: { block: accept },
      validationTimeout: 2_500,
      history: { messages: 0, bytes: 5 },
      largeMessages: { maxSize: 1_000_000 },
      scoring: { colocationWeight: -1, behaviourWeight: undefined },
    })
    expect(settings).toEqual({
      maxMessageSize: 100_000,
      maxQueueSize: 200_000,
      guardedTopics: ['block'],
      validationTimeout: 2_500,
      historyMessages: 0,
      historyBytes: 5,
      maxLargeMessage: 1_000_000,
    })
    expect([options.maxMessageSize, options.maxQueueSize]).toEqual([100_000, 200_000])
    expect(options.scoring).toEqual({ ...defaultScoring, colocationWeight: -1 })
    expect(validators).toEqual({ block: accept })
  })

  it.each<[string, unknown, string]>([
    ['a text', 'fast', 'pubsub must be an object, not "fast"'],
    ['an unknown key', { maxSize: 5 }, 'maxSize'],
    ['a message size too small for any message', { maxMessageSize: 10 }, 'not 10'],
    ['a message size that is no number', { maxMessageSize: '64k' }, 'not "64k"'],
    ['a queue smaller than one message', { maxQueueSize: 0 }, 'not 0'],
    ['a validator that is none', { validators: { block: 'accept' } }, 'must be a function, not "accept"'],
    ['validators that are a list', { validators: [] }, 'pubsub.validators must be an object'],
    ['a topic of a validator that is none', { validators: { '': () => 'accept' } }, 'a topic is a text'],
    ['a validator with no time', { validationTimeout: 0 }, 'not 0'],
    ['a validator with too much time', { validationTimeout: 3_000 }, 'from 1 to 2500, not 3000'],
    ['a history below 0', { history: { messages: -1 } }, 'not -1'],
    ['an unknown key of history', { history: { count: 5 } }, 'count'],
    ['large messages of no size', { largeMessages: { maxSize: 0 } }, 'not 0'],
    ['large messages without their size', { largeMessages: true }, 'pubsub.largeMessages must be an object, not true'],
    ['large messages that do not fit', { largeMessages: { maxSize: 2 ** 40 } }, `not ${2 ** 40}`],
    ['another kind of id', { messageId: 'hash' }, `must be 'content', 'unique' or a function, not "hash"`],
    ['an unknown weight', { scoring: { topicWeight: 1 } }, 'topicWeight'],
    ['a weight above 0', { scoring: { behaviourWeight: 1 } }, 'behaviourWeight must be a number at most 0, not 1'],
    ['a weight that is no number', { scoring: { behaviourWeight: Number.NaN } }, 'not NaN'],
    ['a decay of 1', { scoring: { behaviourDecay: 1 } }, 'behaviourDecay must be a number between 0 and 1, not 1'],
    ['thresholds in the wrong order', { scoring: { gossipThreshold: -90 } }, 'gossipThreshold ≥ publishThreshold'],
  ])('is refused with what is wrong: %s', (_what, config, said) => {
    const refusal = thrown(() => readPubsub(config as PubsubConfig))
    expect(refusal).toMatchObject({ code: 'InvalidConfig' })
    expect(refusal.message).toContain(said)
  })

  it('refuses largeMessages without their size with the name of it', () => {
    expect(() => readPubsub({ largeMessages: {} as { maxSize: number } })).toThrow('largeMessages.maxSize')
  })
})

describe('the id of a message', () => {
  it('is that of the bytes, as the Rust tinyp2p has it', () => {
    const { messageIdOf } = readPubsub().options
    expect(messageIdOf(message)).toBe(messageId(message.data))
    expect(messageIdOf({ ...message, from: 'carol', sequence: 8n })).toBe(messageIdOf(message))
  })

  it('is one of its own, if the config wants that', () => {
    const { messageIdOf } = readPubsub({ messageId: 'unique' }).options
    const ids = [message, { ...message, sequence: 8n }, { ...message, from: 'carol' }].map(messageIdOf)
    expect(new Set(ids).size).toBe(3)
  })

  it('is what a function says, and it must be a text', () => {
    expect(readPubsub({ messageId: ({ topic }) => `of ${topic}` }).options.messageIdOf(message)).toBe('of block')
    expect(readPubsub({ messageId: () => 'é'.repeat(64) }).options.messageIdOf(message)).toBe('é'.repeat(64))
    for (const id of ['', 7, undefined, 'x'.repeat(129), 'é'.repeat(65), 'half \ud83d']) {
      const { messageIdOf } = readPubsub({ messageId: () => id as string }).options
      expect(() => messageIdOf(message)).toThrow('pubsub.messageId must return a text of 1 to 128 bytes')
    }
  })

  it('is the same function in all nodes of a process', () => {
    expect(readPubsub().options.messageIdOf).toBe(readPubsub({ messageId: 'content' }).options.messageIdOf)
  })
})
