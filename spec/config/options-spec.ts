/** Every option of a config is read: a value that is not the default makes another checked config. */
import { describe, expect, it } from '@jest/globals'
import { newNetworkKey } from '../../src/network-key.js'
import { readConfig, type NodeConfig } from '../../src/config/config.js'

/** An object of options that may all be left out has a row for each of them. Any other option has a value. */
type Row<Option> = [Option] extends [readonly unknown[]]
  ? Option
  : [object] extends [Option]
    ? string extends keyof Option
      ? Option
      : Rows<Option>
    : Option
type Rows<Options> = { readonly [Name in keyof Required<Options>]: Row<NonNullable<Options[Name]>> }

/** `createNode` reads these; spec/integration/ has what they do. */
type ReadElsewhere = 'secret' | 'scheduler' | 'logger'

const PEER = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'
const ADDRESS = '/ip4/192.0.2.1/tcp/9000'

/** An option without a row is a type error here. */
const ROWS: Rows<Omit<NodeConfig, ReadElsewhere>> = {
  listen: ADDRESS,
  announce: ADDRESS,
  dataDir: 'data',
  bootNodes: `${ADDRESS}/p2p/${PEER}`,
  keep: PEER,
  discoveryInterval: 60_000,
  topics: ['block'],
  stayConnected: 7,
  ping: { interval: 1, timeout: 2_000, test: 3 },
  reqResp: { connectionKeepAlive: 1, requestTimeout: 2, maxRequestSize: 3, maxResponseSize: 4 },
  pubsub: {
    maxMessageSize: 2_048,
    maxQueueSize: 4_096,
    messageId: 'unique',
    validators: { block: () => 'accept' },
    validationTimeout: 5,
    history: { messages: 6, bytes: 7 },
    largeMessages: { maxSize: 8 },
    scoring: {
      invalidMessageWeight: -1,
      invalidMessageDecay: 0.1,
      behaviourWeight: -2,
      behaviourDecay: 0.2,
      colocationWeight: -3,
      gossipThreshold: -4,
      publishThreshold: -40,
      graylistThreshold: -90,
    },
  },
  limits: {
    memory: 20_000_000,
    requests: 1,
    requestsPerPeer: 2,
    requestBytes: 3,
    requestBytesPerPeer: 4,
    answerBytes: 5,
    answerBytesPerPeer: 6,
    handlers: 7,
    handlersPerPeer: 8,
    answerIdleTimeout: 9,
    kadRate: 10,
    identifyRate: 11,
    pingRate: 12,
    gossipRate: 13,
    gossipByteRate: 4_096,
    gossipCacheBytes: 14,
    topicBytes: 14_000,
    largeBytes: 15,
    historyBytes: 16,
    authorizing: 17,
    authorizeTimeout: 18,
    streamRate: 19,
    connections: 20,
    connectionsPerPeer: 21,
    connectionsPerRange: 22,
    handshakes: 23,
    handshakesPerRange: 24,
    handshakeRate: 26,
  },
  access: {
    allow: '10.0.0.0/8',
    deny: ['192.0.2.1', '2001:db8::/32'],
    authorize: () => true,
    networkKey: newNetworkKey(),
  },
  name: 'bob',
  record: 'recording',
}

/** Each option alone, by its whole name, as a config. */
function* each(rows: object, path: string[] = []): Iterable<[name: string, config: NodeConfig]> {
  for (const [name, value] of Object.entries(rows) as [string, unknown][]) {
    const whole = [...path, name]
    // What validators, and large messages, are made of is no option.
    const isGroup =
      typeof value === 'object' && !Array.isArray(value) && !['validators', 'largeMessages'].includes(name)
    if (isGroup) yield* each(value as object, whole)
    else yield [whole.join('.'), whole.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as NodeConfig]
  }
}

describe('an option', () => {
  const standard = readConfig({})

  it.each([...each(ROWS)])('%s is read', (_, config) => {
    expect(readConfig(config)).not.toEqual(standard)
  })

  it.each([...each(ROWS)].filter(([name]) => name.includes('.')))(
    '%s in another place is told where it belongs',
    (name) => {
      const path = name.split('.')
      const whole = path.reduceRight((inner, group) => `${group}: { ${inner} }`)
      // By its own name, or by its whole one, and in a group that is not its own.
      const camelCased = path.reduce((left, right) => left + right.charAt(0).toUpperCase() + right.slice(1))
      const other = path[0] === 'reqResp' ? 'ping' : 'reqResp'
      for (const key of [path.at(-1)!, camelCased]) {
        expect(() => readConfig({ [key]: 5 })).toThrow(whole)
        expect(() => readConfig({ [other]: { [key]: 5 } })).toThrow(whole)
      }
    },
  )

  it('of the top level that is in a group is told so', () => {
    const misplaced = { reqResp: { discoveryInterval: 5 } } as NodeConfig
    expect(() => readConfig(misplaced)).toThrow('did you mean discoveryInterval at the top level?')
  })

  it('record.redact is read', () => {
    expect(readConfig({ record: { to: 'a', redact: true } })).not.toEqual(readConfig({ record: { to: 'a' } }))
  })

  it.each(['scheduler', 'logger'])('%s, which createNode reads, is checked', (name) => {
    expect(() => readConfig({ [name]: 5 })).toThrow(name)
  })
})
