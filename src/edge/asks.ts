/**
 * Questions to the lane, by number. An answer finds its observer in one map (the origin's oneshot sender), never by
 * searching a shared stream. The observer is a subscriber of a cold observable, or the queue of a loop.
 */
import { Observable, type Observer } from 'rxjs'
import type { Answer, Refusal } from '../core/effects.js'
import type { Command } from '../core/events.js'
import { IdMap } from '../core/id-map.js'
import { P2pError, type P2pErrorOptions } from '../errors.js'
import type { AskId } from '../core/terms.js'

/** What a refusal has beside its code and message, and an error too. One that `errorOf` forgets is a type error. */
type Details = Omit<Refusal, 'code' | 'message'> & P2pErrorOptions

export function errorOf({ code, message, cause, retryAfterMs, remoteCode }: Refusal): P2pError {
  const details: { [Name in keyof Required<Details>]: Details[Name] } = { cause, retryAfterMs, remoteCode }
  return new P2pError(code, message, details)
}

/** Each caller has an error of its own, because its stack is the caller's. */
function sameAs({ code, message, cause }: P2pError): P2pError {
  return new P2pError(code, message, { cause })
}

export class Asks {
  private readonly observers = new IdMap<Observer<Answer>>()
  private next: AskId = 1
  /** Why nothing is asked any more. */
  private over: P2pError | undefined

  constructor(private readonly push: (command: Command) => void) {}

  /**
   * The command's answer as a cold observable: subscribing sends the command, unsubscribing cancels it. Its values and
   * completion, or a `P2pError`.
   */
  ask(command: (ask: AskId) => Command): Observable<Answer> {
    return new Observable((subscriber) => {
      const id = this.open(subscriber, command)
      return () => {
        this.cancel(id)
      }
    })
  }

  /** The same for whoever waits for the end in any case: nothing has to be cancelled, which saves a fifth of what asking costs. */
  askToTheEnd(command: (ask: AskId) => Command): Observable<Answer> {
    return new Observable((subscriber) => {
      this.open(subscriber, command)
    })
  }

  /** Sends the command; its answer goes to the observer, also if it comes at once. The number is for `cancel`. */
  open(observer: Observer<Answer>, command: (ask: AskId) => Command): AskId {
    const id = this.next++
    if (this.over !== undefined) {
      observer.error(sameAs(this.over))
      return id
    }
    // Registered before the command can be answered.
    this.observers.set(id, observer)
    this.push(command(id))
    return id
  }

  /** The observer gets nothing more. If the question is still open, the lane cancels it. */
  cancel(id: AskId): void {
    if (this.observers.delete(id)) this.push({ type: 'cancel', ask: id })
  }

  /** A consumer that pulls has taken values of this cost. */
  taken(id: AskId, cost: number): void {
    if (this.observers.has(id)) this.push({ type: 'taken', ask: id, cost })
  }

  settle(id: AskId, value: Answer): void {
    const observer = this.take(id)
    observer?.next(value)
    observer?.complete()
  }

  value(id: AskId, value: Uint8Array): void {
    this.observers.get(id)?.next(value)
  }

  valuesEnded(id: AskId): void {
    this.take(id)?.complete()
  }

  fail(id: AskId, refusal: Refusal): void {
    this.take(id)?.error(errorOf(refusal))
  }

  /** The node has ended: every question fails with this error, also those that are asked later. */
  end(error: P2pError): void {
    this.over = error
    const observers = [...this.observers.values()]
    this.observers.clear()
    for (const observer of observers) observer.error(sameAs(error))
  }

  private take(id: AskId): Observer<Answer> | undefined {
    const observer = this.observers.get(id)
    this.observers.delete(id)
    return observer
  }
}
