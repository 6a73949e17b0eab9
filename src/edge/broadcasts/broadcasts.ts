/** Broadcasts of peers, on their way to subscribers, to `for await` loops, and to the registered handler. */
import type { Heard, Overflow, SubscriptionId } from '../../core/terms.js'
import type { Command } from '../../core/events.js'
import { P2pError } from '../../errors.js'
import { checkNumber, checkOptions, firstLine, isThenable, messageOf, type Names } from '../checks.js'
import type { EventHandler } from '../answers/inbound.js'
import type { Logger } from '../log.js'
import { checkLimit, IterableObservable, Queue, type QueueLimit } from '../queue.js'
import { line } from '../../core/terms.js'

/** A message that another node has published on a topic. */
export interface Broadcast {
  /** The topic that it was published on. */
  readonly topic: string
  /** The payload. It is not used again, so you may keep it. All subscribers and the handler have the same: copy it before you write into it. */
  readonly data: Uint8Array
  /** Peer id of the signer. */
  readonly from: string
  /** Peer id of the neighbour that sent it to us. */
  readonly via: string
}

/** Options of `broadcasts$`. */
export interface BroadcastsOptions {
  /**
   * How many past broadcasts come first, from 1 to 1,000: the last ones that this node and up to three peers in the topic remember.
   * The new ones follow, each once. Default: only new ones. `InvalidConfig` without a topic.
   */
  replay?: number | undefined
  /** For a `for await` loop: how many broadcasts may wait while it is busy, from 1 to 65,536. Default 1,024. */
  buffer?: number | undefined
  /**
   * For a `for await` loop: what happens when more than `buffer` broadcasts wait. `error` (the default): the loop ends with
   * `Overloaded`. `dropOldest`: the newest `buffer` are kept. `conflate`: only the newest is kept. Dropped broadcasts are counted in
   * the status, and in `explain` as `bufferFull`.
   */
  onOverflow?: Overflow | undefined
}

const NAMES: Names<BroadcastsOptions> = { replay: true, buffer: true, onOverflow: true }
const DEFAULT_BUFFER = 1_024
const MAX_REPLAY = 1_000

/** One subscription, or one loop. */
interface Listener {
  next: (broadcast: Broadcast) => void
  complete: () => void
  /** It waits for the past broadcasts, and gets the new ones after them. */
  catchingUp: boolean
  /** Ids of the past broadcasts that it has got. The network may deliver them once more, as new ones. */
  replayed: Set<string> | undefined
}

export class Broadcasts {
  /** Listeners by topic; `undefined`: of all topics. The lists are never changed, only replaced. */
  private readonly listeners = new Map<string | undefined, readonly Listener[]>()
  /** Those that catch up, by the number of their subscription. */
  private readonly catchingUp = new Map<SubscriptionId, Listener>()
  private nextSubscription = 1
  private handle: EventHandler['handleBroadcast']
  private over = false

  constructor(
    private readonly push: (command: Command) => void,
    private readonly log: Logger,
  ) {}

  setHandler(handler: EventHandler): void {
    this.handle = handler.handleBroadcast?.bind(handler)
  }

  /**
   * The broadcasts of one topic, which is joined while it has listeners; without a topic, those of all joined topics.
   * @throws `InvalidConfig`
   */
  of(topic?: string, options: BroadcastsOptions = {}): IterableObservable<Broadcast> {
    const replay = checkReplay(topic, options)
    const { size = DEFAULT_BUFFER, onOverflow = 'error' } = checkLimit(options, 'broadcasts')
    return new IterableObservable<Broadcast>(
      (subscriber) =>
        this.listen(topic, replay, {
          next: (broadcast) => {
            subscriber.next(broadcast)
          },
          complete: () => {
            subscriber.complete()
          },
        }),
      () => this.iterate(topic, replay, { size, onOverflow }),
    )
  }

  private iterate(topic: string | undefined, replay: number | undefined, limit: QueueLimit): Queue<Broadcast> {
    let leave: (() => void) | undefined
    const queue: Queue<Broadcast> = new Queue<Broadcast>(
      {
        open: () => {
          leave = this.listen(topic, replay, {
            next: (broadcast) => {
              queue.push(broadcast)
            },
            complete: () => {
              queue.complete()
            },
          })
        },
        close: () => leave?.(),
        dropped: (broadcasts) => {
          for (const one of new Set(broadcasts.map((broadcast) => broadcast.topic))) {
            const count = broadcasts.filter((broadcast) => broadcast.topic === one).length
            this.push({ type: 'discarded', topic: one, count })
          }
        },
      },
      limit,
    )
    return queue
  }

  /** Returns what ends it. */
  private listen(
    topic: string | undefined,
    replay: number | undefined,
    observer: Pick<Listener, 'next' | 'complete'>,
  ): () => void {
    if (this.over) {
      observer.complete()
      return () => undefined
    }
    const listener: Listener = { ...observer, catchingUp: replay !== undefined, replayed: undefined }
    this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener])
    if (topic === undefined) return () => this.forget(topic, listener)
    if (replay === undefined) {
      this.push({ type: 'subscribe', topic })
      return () => {
        this.forget(topic, listener)
        this.push({ type: 'unsubscribe', topic })
      }
    }
    const subscription = this.nextSubscription++
    this.catchingUp.set(subscription, listener)
    this.push({ type: 'subscribe', topic, replay: { subscription, count: replay } })
    return () => {
      this.forget(topic, listener)
      this.catchingUp.delete(subscription)
      this.push({ type: 'unsubscribe', topic, subscription })
    }
  }

  private forget(topic: string | undefined, listener: Listener): void {
    const remaining = (this.listeners.get(topic) ?? []).filter((one) => one !== listener)
    if (remaining.length > 0) this.listeners.set(topic, remaining)
    else this.listeners.delete(topic)
  }

  // ---- the lane

  onBroadcast({ topic, data, from, via, id }: Heard): void {
    const broadcast: Broadcast = { topic, data, from, via }
    for (const listener of this.listeners.get(topic) ?? []) {
      if (!listener.catchingUp && listener.replayed?.delete(id) !== true) listener.next(broadcast)
    }
    for (const listener of this.listeners.get(undefined) ?? []) listener.next(broadcast)
    if (this.handle === undefined) return
    const failed = (error: unknown): void => {
      this.log('error', line`the handler failed on a broadcast of ${from}: ${firstLine(messageOf(error))}`, error)
    }
    try {
      const result = this.handle(topic, data, { from })
      if (isThenable(result)) Promise.resolve(result).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  /** The past broadcasts of a listener. From now on it gets the new ones. */
  onReplayed(subscription: SubscriptionId, broadcasts: Heard[]): void {
    const listener = this.catchingUp.get(subscription)
    if (listener === undefined) return
    this.catchingUp.delete(subscription)
    listener.catchingUp = false
    listener.replayed = new Set(broadcasts.map(({ id }) => id))
    for (const { topic, data, from, via } of broadcasts) listener.next({ topic, data, from, via })
  }

  end(): void {
    this.over = true
    const listeners = [...this.listeners.values()].flat()
    this.listeners.clear()
    this.catchingUp.clear()
    for (const listener of listeners) listener.complete()
  }
}

function checkReplay(topic: string | undefined, options: BroadcastsOptions): number | undefined {
  checkOptions(options, 'broadcasts$', NAMES)
  if (options.replay === undefined) return undefined
  if (topic === undefined) throw new P2pError('InvalidConfig', 'replay is for the broadcasts of one topic: name it')
  return checkNumber(options.replay, 'replay', 'broadcasts', 1, MAX_REPLAY)
}
