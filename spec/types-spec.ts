/** The public types. That they hold is `npm run typecheck`'s to find; here they are only written down. */
import { expectTypeOf } from 'expect-type'
import { of, type Observable, type SchedulerLike, type Subscription } from 'rxjs'
import { expect, it } from '@jest/globals'
import * as tinyp2p from 'tinyp2p'
import {
  bytes, createNode, defineProtocol, isP2pError, json, newSecret, nothing, P2pError, stream, unary, utf8,
  type Broadcast, type BroadcastOptions, type BroadcastsOptions, type ErrorCode, type EventHandler, type Explanation,
  type InboundRequest, type NodeConfig, type NodeStatus, type P2pNode, type PeerExplanation, type PeerState, type Published,
  type PubsubConfig, type Receipt, type Rejection, type Reply, type RequestContext, type RequestOptions,
  type StandardSchemaV1, type StopOptions, type TopicExplanation, type ValidationContext, type Validator, type Verdict,
} from 'tinyp2p' // prettier-ignore

/** Never runs: types are looked at, and nothing is started. */
const never = (): boolean => false

it('are exported, and nothing else is', () => {
  expect(Object.keys(tinyp2p).sort()).toEqual([
    ...[
      'P2pError',
      'bytes',
      'createNode',
      'defineProtocol',
      'isP2pError',
      'json',
      'newNetworkKey',
      'newSecret',
      'nothing',
    ],
    ...['stream', 'unary', 'utf8'],
  ])
})

it('of createNode: an optional config in, a promise of a node out', () => {
  expectTypeOf(createNode).parameters.toEqualTypeOf<[config?: NodeConfig]>()
  expectTypeOf(createNode).returns.resolves.toEqualTypeOf<P2pNode>()
  expectTypeOf(newSecret).toEqualTypeOf<() => string>()

  expectTypeOf<NodeConfig['listen']>().toEqualTypeOf<string | string[] | undefined>()
  expectTypeOf<NodeConfig['secret']>().toEqualTypeOf<string | Uint8Array | undefined>()
  expectTypeOf<NodeConfig['bootNodes']>().toEqualTypeOf<string | string[] | undefined>()
  expectTypeOf<NodeConfig['keep']>().toEqualTypeOf<string | string[] | undefined>()
  expectTypeOf<NodeConfig['dataDir']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<NodeConfig['discoveryInterval']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<NodeConfig['topics']>().toEqualTypeOf<string | string[] | undefined>()
  expectTypeOf<NodeConfig['scheduler']>().toEqualTypeOf<SchedulerLike | undefined>()
  expectTypeOf<NodeConfig['stayConnected']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<NonNullable<NodeConfig['ping']>>().toEqualTypeOf<{
    interval?: number
    timeout?: number
    test?: number
  }>()
  expectTypeOf<NonNullable<NodeConfig['reqResp']>>().toEqualTypeOf<{
    connectionKeepAlive?: number
    requestTimeout?: number
    maxRequestSize?: number
    maxResponseSize?: number
  }>()
})

it('of a node', () => {
  expectTypeOf<P2pNode['peerId']>().toEqualTypeOf<string>()
  expectTypeOf<P2pNode['addresses']>().toEqualTypeOf<string[]>()
  expectTypeOf<P2pNode['requests$']>().toEqualTypeOf<Observable<InboundRequest>>()
  expectTypeOf<P2pNode['status$']>().toEqualTypeOf<Observable<NodeStatus>>()
  expectTypeOf<P2pNode['peers$']>().toEqualTypeOf<Observable<PeerState[]>>()
  expectTypeOf<P2pNode['peer$']>().toEqualTypeOf<(peer: string) => Observable<PeerState>>()
  expectTypeOf<P2pNode['online']>().toEqualTypeOf<
    (options?: { peers?: number; timeout?: number; signal?: AbortSignal }) => Promise<void>
  >()
  expectTypeOf<P2pNode['setEventHandler']>().toEqualTypeOf<(handler: EventHandler) => void>()
  expectTypeOf<P2pNode['dial']>().toEqualTypeOf<(address: string) => Promise<string>>()
  expectTypeOf<P2pNode['knownPeers']>().toEqualTypeOf<() => Promise<Record<string, string[]>>>()
  expectTypeOf<P2pNode['status']>().toEqualTypeOf<() => Promise<NodeStatus>>()
  expectTypeOf<P2pNode['stop']>().toEqualTypeOf<(options?: StopOptions) => Promise<void>>()
  expectTypeOf<P2pNode['closed']>().toEqualTypeOf<Promise<P2pError | undefined>>()
  expectTypeOf<P2pNode>().toExtend<AsyncDisposable>()
  expectTypeOf<P2pNode['request']>().parameter(0).toEqualTypeOf<string>()
  expectTypeOf<P2pNode['request']>().parameter(1).toEqualTypeOf<Uint8Array>()
  expectTypeOf<P2pNode['request']>().returns.resolves.toEqualTypeOf<Uint8Array>()
  expectTypeOf<{ signal: AbortSignal; timeout: number }>().toExtend<RequestOptions>()
  expectTypeOf<P2pNode['request$']>().parameter(1).toEqualTypeOf<Uint8Array>()
  expectTypeOf<P2pNode['request$']>().returns.toExtend<Observable<Uint8Array> & AsyncIterable<Uint8Array>>()
  expectTypeOf<{ signal: AbortSignal; timeout: number; buffer: number; onOverflow: 'conflate' }>().toExtend<
    Parameters<P2pNode['request$']>[2]
  >()
  expectTypeOf<P2pNode['requestAny']>().parameter(0).toEqualTypeOf<readonly string[]>()
  expectTypeOf<P2pNode['requestAny']>().returns.resolves.toEqualTypeOf<{ peer: string; value: Uint8Array }>()
  expectTypeOf<P2pNode['requestAll']>().returns.toEqualTypeOf<
    Observable<{ peer: string; value: Uint8Array } | { peer: string; error: P2pError }>
  >()
  expectTypeOf<P2pNode['broadcast']>().parameter(0).toEqualTypeOf<string>()
  expectTypeOf<P2pNode['broadcast']>().parameter(1).toEqualTypeOf<Uint8Array>()
  expectTypeOf<P2pNode['broadcast']>().returns.resolves.toExtend<{ recipients: string[] }>()
  expectTypeOf<P2pNode['broadcast']>().parameter(2).toEqualTypeOf<BroadcastOptions | undefined>()
  expectTypeOf<P2pNode['broadcast']>().returns.resolves.toEqualTypeOf<Published>()
  expectTypeOf<P2pNode['broadcasts$']>().parameters.toEqualTypeOf<[topic?: string, options?: BroadcastsOptions]>()
  expectTypeOf<P2pNode['broadcasts$']>().returns.toExtend<Observable<Broadcast> & AsyncIterable<Broadcast>>()
  expectTypeOf<P2pNode['joined']>().returns.resolves.toEqualTypeOf<void>()
  expectTypeOf<P2pNode['validate']>().toEqualTypeOf<(topic: string, validator: Validator) => void>()
  expectTypeOf<P2pNode['topics$']>().toEqualTypeOf<Observable<string[]>>()
  expectTypeOf<P2pNode['subscribers$']>().toEqualTypeOf<(topic: string) => Observable<string[]>>()
})

it('of explanations: what is asked about says what comes', () => {
  if (never()) {
    const explain = (null as unknown as P2pNode).explain
    expectTypeOf(explain({ topic: 'block' })).resolves.toEqualTypeOf<TopicExplanation>()
    expectTypeOf(explain({ peer: 'bob' })).resolves.toEqualTypeOf<PeerExplanation>()
    expectTypeOf(explain('block')).resolves.toEqualTypeOf<Explanation>()
    // @ts-expect-error one or the other
    void explain({})
  }
  expectTypeOf<TopicExplanation['text']>().toEqualTypeOf<string>()
  expectTypeOf<PeerExplanation['text']>().toEqualTypeOf<string>()
})

it('of validators: a verdict, now or later', () => {
  expectTypeOf<Verdict>().toEqualTypeOf<'accept' | 'ignore' | 'reject'>()
  expectTypeOf<() => Verdict>().toExtend<Validator>()
  expectTypeOf<(data: Uint8Array, context: ValidationContext) => Promise<Verdict>>().toExtend<Validator>()
  expectTypeOf<() => boolean>().not.toExtend<Validator>()
  expectTypeOf<Published['receipts$']>().toEqualTypeOf<Observable<Receipt> | undefined>()
  expectTypeOf<NonNullable<NodeConfig['pubsub']>>().toEqualTypeOf<PubsubConfig>()
})

it('of what a node gives', () => {
  expectTypeOf<NodeStatus>().toExtend<{
    peerId: string
    addresses: string[]
    knownPeersCount: number
    knownPeers: Record<string, string[]>
    connections: string[]
    topics: Record<string, { subscribers: number; dropped: number }>
  }>()
  expectTypeOf<Broadcast>().toExtend<{ topic: string; data: Uint8Array; from: string; via: string }>()
  expectTypeOf<InboundRequest>().toExtend<{ from: string; data: Uint8Array; signal: AbortSignal }>()
  expectTypeOf<InboundRequest['respond']>().toEqualTypeOf<(reply: Reply) => void>()
  expectTypeOf<Uint8Array>().toExtend<Reply>()
  expectTypeOf<Promise<Uint8Array>>().toExtend<Reply>()
  expectTypeOf<AsyncIterable<Uint8Array>>().toExtend<Reply>()
  expectTypeOf<Observable<Uint8Array>>().toExtend<Reply>()
  expectTypeOf<Promise<Observable<Uint8Array>>>().toExtend<Reply>()
  expectTypeOf<Buffer>().toExtend<Reply>()
  expectTypeOf<string>().not.toExtend<Reply>()
  expectTypeOf<Observable<string>>().not.toExtend<Reply>()
  expectTypeOf<InboundRequest['reject']>().toEqualTypeOf<(reason?: string | Rejection) => void>()
  expectTypeOf<{ code: 'Gone'; message: string; retryAfterMs: number }>().toExtend<Rejection>()
})

it('of a handler: both methods are optional, and may be asynchronous or not', () => {
  expectTypeOf<object>().toExtend<EventHandler>()
  if (never()) {
    const handlers: EventHandler[] = [
      {},
      { handleInboundRequest: (data) => data },
      {
        handleInboundRequest: async (data, { from, signal }) =>
          signal.aborted ? data : new TextEncoder().encode(from),
      },
      {
        handleInboundRequest: async function* (data) {
          yield data
        },
      },
      { handleInboundRequest: async (data) => of(data) },
      { handleBroadcast: (topic, data, { from }) => void [topic, data, from] },
      { handleBroadcast: async () => undefined },
      // @ts-expect-error a text is no answer
      { handleInboundRequest: () => 'text' },
      // @ts-expect-error nor are many
      { handleInboundRequest: () => of('text') },
    ]
    void handlers
  }
})

it('of errors: a code that can be told apart', () => {
  expectTypeOf(P2pError).instance.toExtend<Error>()
  expectTypeOf<P2pError['code']>().toEqualTypeOf<ErrorCode>()
  expectTypeOf<P2pError['retryAfterMs']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<P2pError['remoteCode']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<ErrorCode>().toEqualTypeOf<
    | 'InvalidConfig' | 'InvalidSecretKey' | 'InvalidAddress' | 'InvalidPeerId' | 'ListenError' | 'DialError'
    | 'Denied'
    | 'RequestRejected' | 'RequestTimeout' | 'RequestTooLarge' | 'ResponseTooLarge' | 'ConnectionLost' | 'Overloaded'
    | 'Aborted' | 'NotSubscribed' | 'PublishError' | 'DuplicateMessage' | 'MessageTooLarge' | 'HandlerAlreadySet'
    | 'NodeStopped' | 'UnknownProtocol' | 'InvalidResponse'
  >() // prettier-ignore
  const error: unknown = new P2pError('DialError', 'nobody there')
  if (isP2pError(error, 'DialError')) expectTypeOf(error.code).toEqualTypeOf<'DialError'>()
})

interface Block {
  height: number
  transactions: string[]
}

/** A schema that reads a text as a date. */
type DateSchema = StandardSchemaV1<string, Date>

function chain() {
  return defineProtocol({
    name: 'chain',
    codecs: { block: json<Block>(), date: {} as DateSchema },
    methods: {
      tip: unary(nothing, 'block'),
      at: unary('date', json<Block | null>()),
      raw: unary(utf8, bytes),
      since: stream(json<number>(), 'block'),
      dates: stream(nothing, 'date'),
    },
    topics: { mined: 'block', seen: 'date', text: utf8 },
  })
}

it('of a protocol: calls are inferred from its tables, and of a schema both sides', () => {
  type Protocol = ReturnType<typeof chain>
  type Client = ReturnType<Protocol['client']>
  type Peer = ReturnType<Client['peer']>
  type Handlers = Parameters<Protocol['serve']>[1]
  type Values<T> = Observable<T> & AsyncIterable<T>
  expectTypeOf<keyof Peer>().toEqualTypeOf<'tip' | 'at' | 'raw' | 'since' | 'dates'>()
  expectTypeOf<Peer['tip']>().toBeCallableWith()
  expectTypeOf<Peer['tip']>().toBeCallableWith(undefined, { timeout: 5 })
  expectTypeOf<Peer['tip']>().returns.toEqualTypeOf<Promise<Block>>()
  expectTypeOf<Peer['at']>().parameters.toEqualTypeOf<[value: string, options?: RequestOptions]>()
  expectTypeOf<Peer['at']>().returns.toEqualTypeOf<Promise<Block | null>>()
  expectTypeOf<Peer['raw']>().parameter(0).toEqualTypeOf<string>()
  expectTypeOf<Peer['raw']>().returns.toEqualTypeOf<Promise<Uint8Array>>()
  expectTypeOf<Peer['since']>().toBeCallableWith(5, { onOverflow: 'conflate' })
  expectTypeOf<Peer['since']>().returns.toEqualTypeOf<Values<Block>>()
  expectTypeOf<Peer['dates']>().returns.toEqualTypeOf<Values<Date>>()

  expectTypeOf<Handlers['tip']>().returns.toEqualTypeOf<Block | PromiseLike<Block>>()
  expectTypeOf<Handlers['at']>().parameters.toEqualTypeOf<[value: Date, context: RequestContext]>()
  expectTypeOf<Handlers['dates']>().returns.toExtend<
    AsyncIterable<string> | Observable<string> | PromiseLike<AsyncIterable<string> | Observable<string>>
  >()
  expectTypeOf<Protocol['serve']>().returns.toEqualTypeOf<Subscription>()
  if (never()) {
    const client = chain().client({} as P2pNode)
    expectTypeOf(client.broadcasts$('mined')).toExtend<Observable<{ topic: 'mined'; data: Block; from: string }>>()
    expectTypeOf(client.broadcasts$('seen')).toExtend<Observable<{ data: Date }>>()
    void client.broadcast('seen', '2026-01-01')
    // @ts-expect-error a date is what comes out
    void client.broadcast('seen', new Date())
    // @ts-expect-error no such topic
    void client.broadcasts$('other')
    // @ts-expect-error the height is missing
    void client.peer('bob').since()
    // @ts-expect-error no such method
    void client.peer('bob').other
    // @ts-expect-error handlers are missing
    const incomplete: Handlers = { tip: () => ({ height: 1, transactions: [] }) }
    void incomplete
    // @ts-expect-error no codec is called so
    defineProtocol({ codecs: { block: json<Block>() }, methods: { tip: unary(nothing, 'blok') } })
    // @ts-expect-error a text is no method
    defineProtocol({ methods: { tip: 'block' } })
  }
})

it('refuse what is wrong', () => {
  if (never()) {
    // @ts-expect-error misspelt
    void createNode({ bootnodes: [] })
    // @ts-expect-error not a text
    void createNode({ listen: 3000 })
    const node = {} as P2pNode
    // @ts-expect-error texts are not bytes
    void node.request('peer', 'text')
    // @ts-expect-error no data
    void node.broadcast('topic')
    // @ts-expect-error read-only
    node.peerId = 'other'
  }
})
