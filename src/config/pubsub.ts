/** The part of the public config that is about broadcasts: `pubsub`. */
import { defaultSettings, type Settings } from '../core/settings.js'
import { checkNumber, checkObject, checkTopic, entriesOf, inOption, show, type Names } from '../edge/checks.js'
import { checkValidator, type Validator } from '../edge/broadcasts/validators.js'
import { P2pError } from '../errors.js'
import {
  defaultScoring,
  type IdentifiedMessage,
  type MessageIdOf,
  type PubsubOptions,
  type Scoring,
} from '../core/pubsub.js'
import { isId, MAX_ID, messageId } from '../wire/gossip/message.js'
import type { Elsewhere, OptionTree } from './places.js'

/** The option `pubsub` of the config. Every option is optional. */
export interface PubsubConfig {
  /**
   * The largest broadcast that we send or take, encoded with its topic and signature: bytes from 1,024 to 1,073,741,824, default
   * 65,536. It must be the same in all nodes of a network: a node drops what is larger than its own, and so does the Rust tinyp2p.
   */
  maxMessageSize?: number | undefined
  /**
   * How many bytes may wait to be sent to one peer, from 1,024 to 1,073,741,824; default 4,194,304. Further broadcasts wait in the
   * node; those that cannot be sent within `requestTimeout` fail with `Overloaded`.
   */
  maxQueueSize?: number | undefined
  /**
   * How broadcasts are told apart. It must be the same in all nodes of a network. `content` (the default, and the Rust tinyp2p's):
   * the same bytes are the same broadcast, from whichever peer, and a repeat within a minute is `DuplicateMessage`. `unique`: each
   * broadcast is a new one. A function returns the id, a text of 1 to 128 bytes in UTF-8. It must not throw, because it also runs for
   * messages of strangers.
   */
  messageId?: 'content' | 'unique' | ((message: IdentifiedMessage) => string) | undefined
  /**
   * Topic (text of 1 to 256 characters) → its validator, as `node.validate` sets it, but from the first message on. Default:
   * none.
   */
  validators?: Readonly<Record<string, Validator>> | undefined
  /**
   * Milliseconds that a validator has, from 1 to 2,500; default 2,000. Not more, because other peers punish a peer that holds a
   * message back for 3 s.
   */
  validationTimeout?: number | undefined
  /**
   * What is kept of each topic for late subscribers: at most so many messages (0 to 100,000, default 256) and bytes (0 to
   * 1,073,741,824, default 1,048,576). With 0 messages nothing is kept.
   */
  history?: { messages?: number | undefined; bytes?: number | undefined } | undefined
  /**
   * Broadcasts that do not fit into a message, up to `maxSize` bytes (1 to 67,108,864): only their hash is gossiped, and a node that
   * receives the hash fetches the bytes from its neighbour. Default: off, because all nodes of the network must support it, and Rust
   * nodes do not.
   */
  largeMessages?: { maxSize: number } | undefined
  /** How a peer's score is computed, and what follows from it. Fields that are left out keep their defaults. */
  scoring?: { [Name in keyof Scoring]?: Scoring[Name] | undefined } | undefined
}

const NAMES: Names<PubsubConfig> = {
  maxMessageSize: true,
  maxQueueSize: true,
  messageId: true,
  validators: true,
  validationTimeout: true,
  history: true,
  largeMessages: true,
  scoring: true,
}
const HISTORY_NAMES: Names<NonNullable<PubsubConfig['history']>> = { messages: true, bytes: true }
const LARGE_NAMES: Names<NonNullable<PubsubConfig['largeMessages']>> = { maxSize: true }
const SCORING_NAMES = Object.fromEntries(Object.keys(defaultScoring).map((name) => [name, true as const]))
/** With the names of its groups. */
export const PUBSUB_OPTIONS: OptionTree = {
  ...NAMES,
  history: HISTORY_NAMES,
  largeMessages: LARGE_NAMES,
  scoring: SCORING_NAMES,
}
const MAX_SIZE = 2 ** 30
const MIN_MESSAGE = 1_024
const MAX_VALIDATION = 2_500

type PubsubSettings = Pick<
  Settings,
  | 'maxMessageSize'
  | 'maxQueueSize'
  | 'guardedTopics'
  | 'validationTimeout'
  | 'historyMessages'
  | 'historyBytes'
  | 'maxLargeMessage'
>

/** Checks it and fills in the defaults. @throws `InvalidConfig` */
export function readPubsub(
  config: PubsubConfig = {},
  elsewhere?: Elsewhere,
): {
  settings: PubsubSettings
  options: PubsubOptions
  validators: Readonly<Record<string, Validator>>
} {
  checkObject(config, 'pubsub', NAMES, elsewhere)
  const { validators = {}, history = {}, largeMessages, scoring = {} } = config
  checkObject(validators, 'pubsub.validators')
  const named = entriesOf(validators, 'pubsub.validators')
  checkObject(history, 'pubsub.history', HISTORY_NAMES, elsewhere)
  if (largeMessages !== undefined) checkObject(largeMessages, 'pubsub.largeMessages', LARGE_NAMES, elsewhere)
  const standard = defaultSettings
  const number = (value: number | undefined, what: string, unit: string, least: number, most: number, none: number) =>
    value === undefined ? none : checkNumber(value, `pubsub.${what}`, unit, least, most)
  const settings: PubsubSettings = {
    maxMessageSize: number(
      config.maxMessageSize,
      'maxMessageSize',
      'bytes',
      MIN_MESSAGE,
      MAX_SIZE,
      standard.maxMessageSize,
    ),
    maxQueueSize: number(config.maxQueueSize, 'maxQueueSize', 'bytes', MIN_MESSAGE, MAX_SIZE, standard.maxQueueSize),
    guardedTopics: named.map(([topic, validator]) => {
      checkValidator(validator, topic)
      return inOption('pubsub.validators', () => checkTopic(topic))
    }),
    validationTimeout: number(
      config.validationTimeout,
      'validationTimeout',
      'ms',
      1,
      MAX_VALIDATION,
      standard.validationTimeout,
    ),
    historyMessages: number(history.messages, 'history.messages', 'messages', 0, 100_000, standard.historyMessages),
    historyBytes: number(history.bytes, 'history.bytes', 'bytes', 0, MAX_SIZE, standard.historyBytes),
    // There is no default size: the option names it.
    maxLargeMessage:
      largeMessages === undefined
        ? standard.maxLargeMessage
        : checkNumber(largeMessages.maxSize, 'pubsub.largeMessages.maxSize', 'bytes', 1, standard.limits.largeBytes),
  }
  const options: PubsubOptions = {
    messageIdOf: messageIdOf(config.messageId),
    maxMessageSize: settings.maxMessageSize,
    maxQueueSize: settings.maxQueueSize,
    scoring: checkScoring(scoring),
  }
  return { settings, options, validators: Object.fromEntries(named) }
}

/** The same functions for all nodes of a process: a simulated network then computes an id once for all of them. */
const contentId: MessageIdOf = ({ data }) => messageId(data)
const uniqueId: MessageIdOf = ({ from, sequence }) => `${from}/${sequence}`

function messageIdOf(kind: unknown): MessageIdOf {
  if (kind === undefined || kind === 'content') return contentId
  if (kind === 'unique') return uniqueId
  if (typeof kind === 'function') return checkedId(kind as MessageIdOf)
  throw new P2pError('InvalidConfig', `pubsub.messageId must be 'content', 'unique' or a function, not ${show(kind)}`)
}

/** Checks what a user's function returns. */
function checkedId(of: MessageIdOf): MessageIdOf {
  return (message) => {
    const id: unknown = of(message)
    if (typeof id === 'string' && isId(id)) return id
    throw new P2pError('InvalidConfig', `pubsub.messageId must return a text of 1 to ${MAX_ID} bytes, not ${show(id)}`)
  }
}

function checkScoring(scoring: NonNullable<PubsubConfig['scoring']>): Scoring {
  checkObject(scoring, 'pubsub.scoring', SCORING_NAMES)
  const named = (Object.entries(scoring) as [string, unknown][]).filter(([, value]) => value !== undefined)
  const whole: Scoring = { ...defaultScoring, ...Object.fromEntries(named) }
  for (const [name, value] of Object.entries(whole) as [keyof Scoring, unknown][]) {
    const isDecay = name.endsWith('Decay')
    if (typeof value !== 'number' || Number.isNaN(value) || (isDecay ? value <= 0 || value >= 1 : value > 0)) {
      const range = isDecay ? 'between 0 and 1' : 'at most 0'
      throw new P2pError('InvalidConfig', `pubsub.scoring.${name} must be a number ${range}, not ${show(value)}`)
    }
  }
  const { gossipThreshold, publishThreshold, graylistThreshold } = whole
  if (gossipThreshold < publishThreshold || publishThreshold < graylistThreshold) {
    const message = 'pubsub.scoring must have gossipThreshold ≥ publishThreshold ≥ graylistThreshold'
    throw new P2pError('InvalidConfig', message)
  }
  return whole
}
