/**
 * AbortSignals, both ways: those of callers end what we do for them, and those that we give to users' code tell it that
 * nobody waits for its work any more. Listeners and controllers exist only while they are needed.
 */
import { Observable } from 'rxjs'
import { P2pError } from '../errors.js'

export function aborted(signal: AbortSignal): P2pError {
  return new P2pError('Aborted', 'the caller aborted', { cause: signal.reason as unknown })
}

/** Calls `then` once when the signal fires; returns what prevents it. The signal must not have fired yet. */
export function onAbort(signal: AbortSignal, then: (error: P2pError) => void): () => void {
  const fired = (): void => {
    then(aborted(signal))
  }
  signal.addEventListener('abort', fired, { once: true })
  return () => {
    signal.removeEventListener('abort', fired)
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
 * would halve the rate. (A base class, because an object more for each request would be felt too.)
 */
export class Cancellable {
  /** Why nobody waits for it any more. */
  protected cancelled: string | undefined
  private controller: AbortController | undefined

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cancelled !== undefined) this.controller.abort(new Error(this.cancelled))
    }
    return this.controller.signal
  }

  cancel(reason: string): void {
    this.cancelled = reason
    this.controller?.abort(new Error(reason))
  }
}
