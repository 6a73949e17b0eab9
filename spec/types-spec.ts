/** The public types. That they hold is `npm run typecheck`'s to find; here they are only written down. */
import { expectTypeOf } from 'expect-type'
import type { Observable, SchedulerLike } from 'rxjs'
import { expect, it } from '@jest/globals'
import * as tinyp2p from 'tinyp2p'
import {
  createNode, newSecret, P2pError, isP2pError,
  type Broadcast, type ErrorCode, type EventHandler, type InboundRequest, type NodeConfig, type NodeStatus, type P2pNode, type RequestOptions,
} from 'tinyp2p' // prettier-ignore

/** Never runs: types are looked at, and nothing is started. */
const never = (): boolean => false

it('are exported, and nothing else is', () => {
  expect(Object.keys(tinyp2p).sort()).toEqual(['P2pError', 'createNode', 'isP2pError', 'newSecret'])
})

it('of createNode: an optional config in, a promise of a node out', () => {
  expectTypeOf(createNode).parameters.toEqualTypeOf<[config?: NodeConfig]>()
  expectTypeOf(createNode).returns.resolves.toEqualTypeOf<P2pNode>()
  expectTypeOf(newSecret).toEqualTypeOf<() => string>()

  expectTypeOf<NodeConfig['listen']>().toEqualTypeOf<string | string[] | undefined>()
  expectTypeOf<NodeConfig['secret']>().toEqualTypeOf<string | Uint8Array | undefined>()
  expectTypeOf<NodeConfig['bootNodes']>().toEqualTypeOf<string | string[] | undefined>()
  expectTypeOf<NodeConfig['discoveryInterval']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<NodeConfig['topics']>().toEqualTypeOf<string[] | undefined>()
  expectTypeOf<NodeConfig['scheduler']>().toEqualTypeOf<SchedulerLike | undefined>()
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
  expectTypeOf<P2pNode['setEventHandler']>().toEqualTypeOf<(handler: EventHandler) => void>()
  expectTypeOf<P2pNode['dial']>().toEqualTypeOf<(address: string) => Promise<string>>()
  expectTypeOf<P2pNode['knownPeers']>().toEqualTypeOf<() => Promise<Record<string, string[]>>>()
  expectTypeOf<P2pNode['status']>().toEqualTypeOf<() => Promise<NodeStatus>>()
  expectTypeOf<P2pNode['stop']>().toEqualTypeOf<() => Promise<void>>()
  expectTypeOf<P2pNode>().toExtend<AsyncDisposable>()
  expectTypeOf<P2pNode['request']>().parameter(0).toEqualTypeOf<string>()
  expectTypeOf<P2pNode['request']>().parameter(1).toEqualTypeOf<Uint8Array>()
  expectTypeOf<P2pNode['request']>().returns.resolves.toEqualTypeOf<Uint8Array>()
  expectTypeOf<{ signal: AbortSignal; timeout: number }>().toExtend<RequestOptions>()
  expectTypeOf<P2pNode['broadcast']>().parameter(0).toEqualTypeOf<string>()
  expectTypeOf<P2pNode['broadcast']>().parameter(1).toEqualTypeOf<Uint8Array>()
  expectTypeOf<P2pNode['broadcast']>().returns.resolves.toExtend<{ recipients: string[] }>()
  expectTypeOf<P2pNode['broadcasts$']>().toEqualTypeOf<(topic?: string) => Observable<Broadcast>>()
})

it('of what a node gives', () => {
  expectTypeOf<NodeStatus>().toExtend<{
    peerId: string
    addresses: string[]
    knownPeersCount: number
    knownPeers: Record<string, string[]>
    connections: string[]
  }>()
  expectTypeOf<Broadcast>().toExtend<{ topic: string; data: Uint8Array; from: string; via: string }>()
  expectTypeOf<InboundRequest>().toExtend<{ from: string; data: Uint8Array; signal: AbortSignal }>()
  expectTypeOf<InboundRequest['respond']>().parameter(0).toExtend<unknown>()
  expectTypeOf<Uint8Array>().toExtend<Parameters<InboundRequest['respond']>[0]>()
  expectTypeOf<InboundRequest['reject']>().toEqualTypeOf<(reason?: string) => void>()
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
      { handleBroadcast: (topic, data, { from }) => void [topic, data, from] },
      { handleBroadcast: async () => undefined },
      // @ts-expect-error a text is no answer
      { handleInboundRequest: () => 'text' },
    ]
    void handlers
  }
})

it('of errors: a code that can be told apart', () => {
  expectTypeOf(P2pError).instance.toExtend<Error>()
  expectTypeOf<P2pError['code']>().toEqualTypeOf<ErrorCode>()
  expectTypeOf<P2pError['retryAfterMs']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<ErrorCode>().toEqualTypeOf<
    | 'InvalidConfig' | 'InvalidSecretKey' | 'InvalidAddress' | 'InvalidPeerId' | 'ListenError' | 'DialError'
    | 'RequestRejected' | 'RequestTimeout' | 'RequestTooLarge' | 'ResponseTooLarge' | 'ConnectionLost' | 'Overloaded'
    | 'Aborted' | 'NotSubscribed' | 'PublishError' | 'DuplicateMessage' | 'MessageTooLarge' | 'HandlerAlreadySet'
    | 'NodeStopped'
  >() // prettier-ignore
  const error: unknown = new P2pError('DialError', 'nobody there')
  if (isP2pError(error, 'DialError')) expectTypeOf(error.code).toEqualTypeOf<'DialError'>()
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
