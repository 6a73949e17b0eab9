/** What a caller's `AbortSignal` does to what it belongs to. Listeners exist only while they are needed. */
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
