/**
 * Questions to the lane as cold observables: subscribing sends the command, unsubscribing cancels it, and the answer finds
 * its subscriber by number (the origin's oneshot sender), never by searching a shared stream.
 */
import { Observable, type Subscriber } from 'rxjs'
import type { Answer, Refusal } from '../core/effects.js'
import type { Command, Event } from '../core/events.js'
import { P2pError } from '../errors.js'
import type { AskId } from '../network/port.js'

export function errorOf({ code, message, cause, retryAfterMs }: Refusal): P2pError {
  return new P2pError(code, message, { ...(cause === undefined ? {} : { cause }), retryAfterMs })
}

export class Asks {
  private readonly waiting = new Map<AskId, Subscriber<Answer>>()
  private next: AskId = 1
  /** Why nothing is asked any more. */
  private over: P2pError | undefined

  constructor(private readonly push: (event: Event) => void) {}

  /** The command's answer: one value and completion, or a `P2pError`. */
  ask(command: (ask: AskId) => Command): Observable<Answer> {
    return new Observable((subscriber) => {
      if (this.over !== undefined) return subscriber.error(this.over)
      const id = this.next++
      // Registered before the command can be answered.
      this.waiting.set(id, subscriber)
      this.push(command(id))
      return () => {
        if (this.waiting.delete(id)) this.push({ type: 'cancel', ask: id })
      }
    })
  }

  settle(id: AskId, value: Answer): void {
    const subscriber = this.take(id)
    subscriber?.next(value)
    subscriber?.complete()
  }

  fail(id: AskId, refusal: Refusal): void {
    this.take(id)?.error(errorOf(refusal))
  }

  /** The node is over: whoever still waits, or asks later, is told. */
  end(error: P2pError): void {
    this.over = error
    const subscribers = [...this.waiting.values()]
    this.waiting.clear()
    for (const subscriber of subscribers) subscriber.error(error)
  }

  private take(id: AskId): Subscriber<Answer> | undefined {
    const subscriber = this.waiting.get(id)
    this.waiting.delete(id)
    return subscriber
  }
}

/** Ends with `Aborted` when the signal fires; the source is then unsubscribed, which cancels it. */
export function abortable<T>(source$: Observable<T>, signal: AbortSignal | undefined): Observable<T> {
  if (signal === undefined) return source$
  return new Observable((subscriber) => {
    const abort = (): void => {
      subscriber.error(new P2pError('Aborted', 'the caller aborted', { cause: signal.reason as unknown }))
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    subscriber.add(() => {
      signal.removeEventListener('abort', abort)
    })
    subscriber.add(source$.subscribe(subscriber))
    return undefined
  })
}
