/** One request to several peers: to have the first answer (the others are cancelled), or every answer. */
import { catchError, from, map, mergeMap, Observable, of, timer, type SchedulerLike, type Subscription } from 'rxjs'
import { isP2pError, P2pError } from '../../errors.js'
import { MAX_DELAY } from '../../platform/timers.js'
import { checkNumber, checkOptions, checkSignal, show, type Names } from '../checks.js'
import { abortable } from '../signals.js'
import type { OutboundRequests, RequestOptions } from './outbound.js'

/** Options of `requestAny`. `timeout` holds for each request. */
export interface RequestAnyOptions extends RequestOptions {
  /** Milliseconds until the next peer is asked too, from 0 on. Default 0: all are asked at once. */
  hedgeAfter?: number | undefined
}

/** Options of `requestAll`. `timeout` holds for each request. */
export interface RequestAllOptions extends RequestOptions {
  /** How many peers are asked at once, from 1 on. Default 64. */
  concurrency?: number | undefined
}

/** The answer of one of several peers. */
export interface PeerValue {
  /** The peer id or multiaddr that the caller gave. */
  peer: string
  /** The response. */
  value: Uint8Array
}

/** The failure of one of several peers. */
export interface PeerFailure {
  /** The peer id or multiaddr that the caller gave. */
  peer: string
  /** What `request` would have rejected with. */
  error: P2pError
}

const ANY_NAMES: Names<RequestAnyOptions> = { signal: true, timeout: true, hedgeAfter: true }
const ALL_NAMES: Names<RequestAllOptions> = { signal: true, timeout: true, concurrency: true }
const DEFAULT_CONCURRENCY = 64
/** Failures whose texts an error shows; its cause has all. */
const SHOWN = 5

/** A peer and how it is asked. */
interface Candidate {
  peer: string
  reply$: Observable<Uint8Array>
}

/** Emits the first answer and completes, or errors when all peers have failed. @throws for bad arguments. */
export function requestAny(
  requests: OutboundRequests,
  scheduler: SchedulerLike,
  peers: readonly string[],
  data: Uint8Array,
  options: RequestAnyOptions,
): Observable<PeerValue> {
  checkOptions(options, 'requestAny', ANY_NAMES)
  const { hedgeAfter = 0, signal, timeout } = options
  const candidates = candidatesOf(requests, peers, data, { timeout })
  checkNumber(hedgeAfter, 'hedgeAfter', 'ms', 0, MAX_DELAY)
  if (candidates.length === 0) throw new P2pError('InvalidConfig', 'requestAny needs at least one peer to ask')
  return abortable(firstOf(candidates, hedgeAfter, scheduler), checkSignal(signal))
}

function firstOf(candidates: Candidate[], hedgeAfter: number, scheduler: SchedulerLike): Observable<PeerValue> {
  return new Observable((subscriber) => {
    const failures: P2pError[] = []
    let asked = 0
    let hedge: Subscription | undefined

    const failed = (error: unknown): void => {
      failures.push(error as P2pError)
      // Nothing can be asked of a node that is over.
      if (isP2pError(error, 'NodeStopped')) subscriber.error(error)
      else if (failures.length === candidates.length) subscriber.error(nobody(failures))
      else askNext()
    }
    /** The next peer; or, with nothing to wait for, all of them. */
    const askNext = (): void => {
      hedge?.unsubscribe()
      do {
        const candidate = candidates[asked]
        if (candidate === undefined || subscriber.closed) return
        asked++
        const { peer, reply$ } = candidate
        const answered = (value: Uint8Array): void => {
          subscriber.next({ peer, value })
          subscriber.complete()
        }
        subscriber.add(reply$.subscribe({ next: answered, error: failed }))
      } while (hedgeAfter === 0)
      hedge = timer(hedgeAfter, scheduler).subscribe(askNext)
      subscriber.add(hedge)
    }
    askNext()
  })
}

/** All have failed: the error acts as the last of them, and has all as its cause. */
function nobody(failures: P2pError[]): P2pError {
  const { code, remoteCode } = failures.at(-1)!
  const waits = failures.flatMap(({ retryAfterMs }) => retryAfterMs ?? [])
  const why = failures.slice(0, SHOWN).map((error) => error.message)
  if (failures.length > SHOWN) why.push(`and ${failures.length - SHOWN} more`)
  return new P2pError(code, `nobody answered (asked: ${failures.length}): ${why.join('; ')}`, {
    cause: new AggregateError(failures, 'all requests failed'),
    retryAfterMs: code === 'Overloaded' && waits.length > 0 ? Math.min(...waits) : undefined,
    remoteCode,
  })
}

/**
 * Emits what became of each peer, as it comes, and completes. Errors only when the caller's signal fires. @throws for bad
 * arguments.
 */
export function requestAll(
  requests: OutboundRequests,
  peers: readonly string[],
  data: Uint8Array,
  options: RequestAllOptions,
): Observable<PeerValue | PeerFailure> {
  checkOptions(options, 'requestAll', ALL_NAMES)
  const { concurrency = DEFAULT_CONCURRENCY, signal, timeout } = options
  const candidates = candidatesOf(requests, peers, data, { timeout })
  checkNumber(concurrency, 'concurrency', 'peers', 1, Number.MAX_SAFE_INTEGER)
  const answers$ = from(candidates).pipe(
    mergeMap(
      ({ peer, reply$ }) =>
        reply$.pipe(
          map((value): PeerValue | PeerFailure => ({ peer, value })),
          catchError((error: unknown) => of({ peer, error: error as P2pError })),
        ),
      concurrency,
    ),
  )
  return abortable(answers$, checkSignal(signal))
}

/** Each peer once, in the order of their first mention, whatever they are called. */
function candidatesOf(
  requests: OutboundRequests,
  peers: readonly string[],
  data: Uint8Array,
  perPeer: RequestOptions,
): Candidate[] {
  if (!Array.isArray(peers)) {
    throw new P2pError('InvalidConfig', `the peers to ask are an array of peer ids or multiaddrs, not ${show(peers)}`)
  }
  const candidates = new Map<string, Candidate>()
  for (const peer of peers as readonly string[]) {
    const { target } = requests.targetOf(peer)
    if (candidates.has(target)) continue
    candidates.set(target, { peer, reply$: requests.one(peer, data, perPeer) })
  }
  return [...candidates.values()]
}
