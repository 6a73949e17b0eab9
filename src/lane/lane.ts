/**
 * The lane: the one pipeline that everything in a node passes.
 *
 *     what callers ask         commands$ ─┐
 *     the discovery interval   ticks$     │            one array
 *     the earliest deadline    wakes$     ├─▶ merge ─▶ an instant ─▶ concatMap(step) ─▶ effects
 *     what the network says    events$   ─┘   (reportIdly: what may wait joins the array without beginning one)
 *
 * Only `step` changes the state, and nothing in the lane waits: effects are started, and their outcome returns as a
 * command or an event. It knows no network and no promises.
 */
import {
  concat,
  concatMap,
  interval,
  map,
  merge,
  Subject,
  switchMap,
  timer,
  type SchedulerLike,
  type Subscription,
} from 'rxjs'
import type { ClockEffect, Effect } from '../core/effects.js'
import type { Batch, Command, Event, Internal } from '../core/events.js'
import { PROCESS } from '../core/parameters.js'
import type { PortEvent } from '../core/port.js'
import type { State } from '../core/state.js'
import { step as coreStep } from '../core/step.js'
import { Gathering, Source } from './gather.js'
import { MAX_DELAY } from '../platform/timers.js'

export interface LaneOptions {
  state: State
  /** The one scheduler, for the gathering, the discovery interval and the wake-ups. */
  scheduler: SchedulerLike
  /** Runs an effect. It returns at once; a throw becomes an event. */
  run: (effect: Exclude<Effect, ClockEffect>) => void
  /** All effects of a batch were run. */
  ran?: () => void
  /** `step` threw, which is a bug of the core. The state may be half changed, so the lane is closed already. */
  crashed: (error: unknown) => void
  /** Sees every batch before it is stepped. */
  tap?: (batch: Batch) => void
  /** Another `step`, for tests of the lane itself. */
  step?: (state: State, batch: Batch) => Effect[]
}

export class Lane {
  /** Commands, and events of the lane itself. They are stepped at the next instant; after the end they are dropped. */
  readonly commands$: Subject<Command | Internal> = new Source()
  /** Events of the network. */
  readonly events$: Subject<PortEvent> = new Source()
  private readonly gathering: Gathering<Event>
  private readonly wakeAt$ = new Subject<number>()
  /** The wake-up that was asked for, until a batch has reached its time. */
  private dueAt = Infinity
  /** Owns everything that runs in a lane: its sources, its timers and its interval. */
  private readonly pipeline: Subscription

  constructor(private readonly options: LaneOptions) {
    const { scheduler, state, tap, step = coreStep } = options
    const { firstTick, discoveryInterval } = state.settings
    const now = (): number => Math.floor(scheduler.now())
    const ticks$ = concat(timer(firstTick, scheduler), interval(discoveryInterval, scheduler)).pipe(
      map((): Internal => ({ type: 'tick' })),
    )
    const wakes$ = this.wakeAt$.pipe(
      switchMap((time) => timer(Math.min(Math.max(0, time - now()), MAX_DELAY), scheduler)),
      map((): Internal => ({ type: 'woken' })),
    )
    this.gathering = new Gathering(scheduler)
    this.pipeline = merge(this.commands$, ticks$, wakes$, this.events$)
      .pipe(
        (events$) => this.gathering.gather(events$),
        concatMap((events) => {
          const batch: Batch = { at: now(), events }
          this.noteLateness(batch)
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
    this.commands$.next({ type: 'start' })
  }

  /** The network reports an event that nothing waits for. It is stepped with the next event. */
  reportIdly(event: PortEvent): void {
    this.gathering.addIdly(event)
  }

  /** Nothing is stepped after this. */
  close(): void {
    this.pipeline.unsubscribe()
  }

  /** The event loop was blocked, or the machine slept: the core must know before it calls anything overdue. */
  private noteLateness({ at, events }: Batch): void {
    const by = at - this.dueAt
    if (by < 0) return
    this.dueAt = Infinity
    if (by > PROCESS.late) events.unshift({ type: 'late', by })
  }

  private run(effects: Effect[]): void {
    for (const effect of effects) {
      if (this.pipeline.closed) return
      try {
        if (effect.type === 'wakeAt') this.wakeAt$.next((this.dueAt = effect.time))
        else this.options.run(effect)
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        this.commands$.next({ type: 'effectFailed', effect: effect.type, failure: { message, cause } })
      }
    }
    this.options.ran?.()
  }
}
