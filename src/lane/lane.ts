/**
 * The lane: the one pipeline that everything in a node passes.
 *
 *     commands and network events ─┐
 *     the discovery interval ──────┴─▶ inbox ─▶ commands$ ─▶ concatMap(step) ─▶ effects
 *
 * It owns the state, lets only `step` change it, and waits for nothing: effects are started, and what comes of them
 * returns through the inbox. It knows no network and no promises.
 */
import { concat, concatMap, interval, timer, type SchedulerLike, type Subscription } from 'rxjs'
import type { ClockEffect, Effect } from '../core/effects.js'
import type { Batch, Event } from '../core/events.js'
import type { State } from '../core/state.js'
import { step as coreStep } from '../core/step.js'
import { Inbox } from './inbox.js'
import { MAX_DELAY } from './scheduler.js'

export interface LaneOptions {
  state: State
  /** The one scheduler: of the inbox, the discovery interval and the wake-ups. */
  scheduler: SchedulerLike
  /** Runs an effect. Returns at once; a throw becomes an event. */
  run: (effect: Exclude<Effect, ClockEffect>) => void
  /** Our own bug: `step` threw. Nothing may go on with a state that was changed by half, so the lane is closed already. */
  crashed: (error: unknown) => void
  /** Sees every batch before it is stepped. */
  tap?: (batch: Batch) => void
  /** Another `step`, for tests of the lane itself. */
  step?: (state: State, batch: Batch) => Effect[]
}

export class Lane {
  private readonly inbox: Inbox
  private readonly pipeline: Subscription
  private readonly ticking: Subscription
  private wakeUp: Subscription | undefined
  private closed = false

  constructor(private readonly options: LaneOptions) {
    const { scheduler, state, tap, step = coreStep } = options
    const { firstTick, discoveryInterval } = state.settings
    this.inbox = new Inbox(scheduler)
    const ticks$ = concat(timer(firstTick, scheduler), interval(discoveryInterval, scheduler))
    this.pipeline = this.inbox.commands$
      .pipe(
        concatMap((events) => {
          const batch: Batch = { at: Math.floor(scheduler.now()), events }
          tap?.(batch)
          return [step(state, batch)]
        }),
      )
      .subscribe({
        next: (effects) => {
          this.run(effects)
        },
        error: (error: unknown) => {
          this.close()
          options.crashed(error)
        },
      })
    // Through the inbox as everything: a batch of its own would let deadlines of its instant expire before their replies.
    this.ticking = ticks$.subscribe(() => {
      this.push({ type: 'tick' })
    })
    this.push({ type: 'start' })
  }

  /** Lets an event in. It is stepped at the next instant (`idly`: with the next event); after the end it is dropped. */
  push(event: Event, idly?: boolean): void {
    this.inbox.push(event, idly)
  }

  /** Ends the pipeline, its timers and its interval. */
  close(): void {
    this.closed = true
    this.inbox.close()
    this.wakeUp?.unsubscribe()
    // Inside the constructor's first run there is no subscription yet; nothing can close a lane that early.
    this.pipeline.unsubscribe()
    this.ticking.unsubscribe()
  }

  private run(effects: Effect[]): void {
    for (const effect of effects) {
      if (this.closed) return
      try {
        if (effect.type === 'wakeAt') this.wake(effect.time)
        else this.options.run(effect)
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        this.push({ type: 'effectFailed', effect: effect.type, failure: { message, cause } })
      }
    }
  }

  private wake(time: number): void {
    this.wakeUp?.unsubscribe()
    const delay = Math.min(Math.max(0, time - Math.floor(this.options.scheduler.now())), MAX_DELAY)
    this.wakeUp = this.options.scheduler.schedule(() => {
      this.push({ type: 'woken' })
    }, delay)
  }
}
