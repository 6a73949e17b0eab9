/**
 * AbortSignals in both directions: a caller's signal ends what the node does for it, and the signal that a user's function gets
 * fires when its result is no longer needed. Listeners and controllers exist only while they are needed.
 */
import { Observable } from 'rxjs'
import type { Refusal } from '../core/effects.js'
import { P2pError } from '../errors.js'
import { errorOf } from './asks.js'

export function aborted(signal: AbortSignal): P2pError {
  return new P2pError('Aborted', 'the caller aborted', { cause: signal.reason as unknown })
}

/** Who waits for a signal. Many questions may share one, and it has one listener of ours: Node warns of more than ten. */
const waiting = new WeakMap<AbortSignal, Set<(error: P2pError) => void>>()

function fire(this: AbortSignal): void {
  for (const then of waiting.get(this) ?? []) then(aborted(this))
}

/** Calls `then` once when the signal fires; returns what prevents it. The signal must not have fired yet. */
export function onAbort(signal: AbortSignal, then: (error: P2pError) => void): () => void {
  let all = waiting.get(signal)
  if (all === undefined) {
    waiting.set(signal, (all = new Set()))
    signal.addEventListener('abort', fire, { once: true })
  }
  all.add(then)
  return () => {
    if (!all.delete(then) || all.size > 0) return
    waiting.delete(signal)
    signal.removeEventListener('abort', fire)
  }
}

/** Ends with `Aborted` when the signal fires; the source is then unsubscribed, which cancels it. */
export function abortable<T>(source$: Observable<T>, signal: AbortSignal | undefined): Observable<T> {
  if (signal === undefined) return source$
  return new Observable((subscriber) => {
    if (signal.aborted) return subscriber.error(aborted(signal))
    subscriber.add(
      onAbort(signal, (error) => {
        subscriber.error(error)
      }),
    )
    subscriber.add(source$.subscribe(subscriber))
    return undefined
  })
}

/**
 * Work of users' code that can be cancelled. Its signal is made when it is first read, because a controller for each request
 * would halve the rate. (It is a base class, because another object for each request would cost time too.)
 */
export class Cancellable {
  /** Why its result is no longer needed. */
  protected cancelled: Refusal | undefined
  private controller: AbortController | undefined

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cancelled !== undefined) this.controller.abort(errorOf(this.cancelled))
    }
    return this.controller.signal
  }

  cancel(refusal: Refusal): void {
    this.cancelled = refusal
    this.controller?.abort(errorOf(refusal))
  }
}
