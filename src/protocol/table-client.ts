/** A protocol's client at run time: what client.ts says in types. */
import { catchError, concatMap, defer, EMPTY, filter, finalize, tap, type Observable } from 'rxjs'
import type { Broadcast, BroadcastsOptions } from '../edge/broadcasts/broadcasts.js'
import type { BroadcastOptions, Published } from '../edge/broadcasts/publishing.js'
import type { PeerFailure, PeerValue, RequestAllOptions, RequestAnyOptions } from '../edge/requests/fan-out.js'
import type { RequestOptions, StreamOptions } from '../edge/requests/outbound.js'
import { isThenable, reading } from '../edge/checks.js'
import { IterableObservable } from '../edge/queue.js'
import { P2pError } from '../errors.js'
import type { P2pNode } from '../node/p2p-node.js'
import type { TypedBroadcast, TypedValue } from './client.js'
import { then, type Awaitable, type Codec } from './codecs.js'
import { Deadline } from './deadline.js'
import type { TableMethod, Tables } from './definition.js'
import { MappedIterator, mapStream, SKIP, toObservable } from './mapped.js'
import { callError, decodeReply, encodeRequest, encodeValue, fail, type NamedMethod } from './values.js'

/** How many broadcasts of a topic may wait for their codec, per subscriber. */
const MAX_WAITING = 256

type AnyCall = (value?: unknown, options?: object) => unknown
type Heard = TypedBroadcast<string, unknown>
type Outcome = TypedValue<unknown> | PeerFailure

export class TableClient {
  dropped = 0

  constructor(
    private readonly tables: Tables,
    private readonly node: P2pNode,
  ) {}

  peer(peer: string): Record<string, AnyCall> {
    return this.calls((method) =>
      method.table.kind === 'unary'
        ? (value, options) => this.first(peer, method, value, options)
        : (value, options) => this.stream(peer, method, value, options),
    )
  }

  any(peers: readonly string[]): Record<string, AnyCall> {
    return this.calls(
      (method) => (value, options) => this.firstOf(peers, method, value, options),
      (table) => table.kind === 'unary',
    )
  }

  all(peers: readonly string[]): Record<string, AnyCall> {
    return this.calls(
      (method) => (value, options) => this.allOf(peers, method, value, options),
      (table) => table.kind === 'unary',
    )
  }

  private calls(
    make: (method: NamedMethod) => AnyCall,
    isMeant: (table: TableMethod) => boolean = () => true,
  ): Record<string, AnyCall> {
    const meant = [...this.tables.methods].filter(([, table]) => isMeant(table))
    return Object.fromEntries(
      meant.map(([name, table]) => [name, make({ name: `${this.tables.name}/${name}`, table })]),
    )
  }

  private async first(peer: string, method: NamedMethod, value: unknown, options?: RequestOptions): Promise<unknown> {
    const deadline = new Deadline(this.node, options)
    const request = encodeRequest(deadline, method, value)
    const reply = await this.node
      .request(peer, isThenable(request) ? await request : request, deadline.rest(options))
      .catch(fail)
    return decodeReply(deadline, peer, method, reply)
  }

  private async firstOf(
    peers: readonly string[],
    method: NamedMethod,
    value: unknown,
    options?: RequestAnyOptions,
  ): Promise<TypedValue<unknown>> {
    const deadline = new Deadline(this.node, options)
    const request = await encodeRequest(deadline, method, value)
    const { peer, value: reply } = await this.node.requestAny(peers, request, deadline.rest(options)).catch(fail)
    return { peer, value: await decodeReply(deadline, peer, method, reply) }
  }

  private allOf(
    peers: readonly string[],
    method: NamedMethod,
    value: unknown,
    options?: RequestAllOptions,
  ): Observable<Outcome> {
    return defer(() => {
      const deadline = new Deadline(this.node, options)
      const decoded = (outcome: PeerValue | PeerFailure): Awaitable<Outcome> => {
        if ('error' in outcome) return { ...outcome, error: callError(outcome.error) }
        const { peer, value: reply } = outcome
        return then(decodeReply(deadline, peer, method, reply), (decodedValue) => ({ peer, value: decodedValue }))
      }
      const failed = ({ peer }: { peer: string }, error: unknown): Observable<Outcome> =>
        toObservable<Outcome>({ peer, error: error as P2pError })
      return toObservable(encodeRequest(deadline, method, value)).pipe(
        concatMap((request) => this.node.requestAll(peers, request, deadline.rest(options))),
        concatMap((outcome) =>
          defer(() => toObservable(decoded(outcome))).pipe(catchError((error: unknown) => failed(outcome, error))),
        ),
      )
    })
  }

  private stream(peer: string, method: NamedMethod, value: unknown, options?: StreamOptions): Observable<unknown> {
    return mapStream(() => {
      const deadline = new Deadline(this.node, options)
      return {
        open: () =>
          then(encodeRequest(deadline, method, value), (request) =>
            this.node.request$(peer, request, deadline.rest(options)),
          ),
        // Each value has its own time, because the deadline is that of the first one.
        make: (reply) => decodeReply(new Deadline(this.node, options), peer, method, reply),
        failed: fail,
      }
    })
  }

  async broadcast(topic: string, value: unknown, options?: BroadcastOptions): Promise<Published> {
    const { wire, codec } = this.topic(topic)
    const deadline = new Deadline(this.node, { signal: reading('the options of a broadcast', () => options?.signal) })
    return this.node.broadcast(wire, await encodeValue(deadline, codec, value, `a broadcast of ${topic}`), options)
  }

  broadcasts$(topic: string, options?: BroadcastsOptions): IterableObservable<Heard> {
    const { wire, codec } = this.topic(topic)
    // (What is wrong with the options is found here.)
    const heard$ = this.node.broadcasts$(wire, options)
    const decode = (broadcast: Broadcast): Awaitable<Heard> =>
      then(
        new Deadline(this.node).within(`a broadcast of ${topic}`, () => codec.decode(broadcast.data)),
        (data) => ({ ...broadcast, topic, data }),
      )
    const drop = (): typeof SKIP => (this.dropped++, SKIP)
    return new IterableObservable<Heard>(
      (subscriber) => this.decoded(heard$, decode, drop).subscribe(subscriber),
      () =>
        new MappedIterator<Broadcast, Heard>(
          () => heard$[Symbol.asyncIterator](),
          // One peer's bad data must not end the loop.
          async (broadcast) => {
            try {
              return await decode(broadcast)
            } catch {
              return drop()
            }
          },
        ),
    )
  }

  private decoded(
    heard$: Observable<Broadcast>,
    decode: (broadcast: Broadcast) => Awaitable<Heard>,
    drop: () => void,
  ): Observable<Heard> {
    return defer(() => {
      let waiting = 0
      return heard$.pipe(
        // A flood must not fill our memory while a codec takes its time.
        filter(() => waiting < MAX_WAITING || (drop(), false)),
        tap(() => waiting++),
        concatMap((broadcast) =>
          defer(() => toObservable(decode(broadcast))).pipe(
            // One peer's bad data must not end the observable.
            catchError(() => (drop(), EMPTY)),
            finalize(() => waiting--),
          ),
        ),
      )
    })
  }

  private topic(topic: string): { wire: string; codec: Codec<unknown> } {
    const found = this.tables.topics.get(topic)
    if (found !== undefined) return found
    throw new P2pError('InvalidConfig', `the protocol has no topic ${JSON.stringify(topic)}`)
  }
}
