/**
 * Marbles for a lane on virtual time: events in at their frames (one frame is one millisecond), effects out. A node ticks
 * for ever, so the lane is closed at a frame, where every expectation ends.
 */
import { expect } from '@jest/globals'
import { Subject, type Observable } from 'rxjs'
import { TestScheduler, type RunHelpers } from 'rxjs/testing'
import type { Event } from '../../src/core/events.js'
import type { Settings } from '../../src/core/settings.js'
import type { State } from '../../src/core/state.js'
import { Lane } from '../../src/lane/lane.js'
import { runningState, short } from './core.js'

const QUIET = new Set(['log', 'audited', 'statusChanged', 'peersChanged'])

export interface LaneMarbles extends RunHelpers {
  scheduler: TestScheduler
  /**
   * A running node's lane, fed by `events$`, closed at frame `until`. Emits its effects, on one line each
   * (`spec/support/core.ts` says how), those of one batch in one array, without log lines.
   */
  lane(events$: Observable<Event | Event[]>, until: number, settings?: Partial<Settings>): Observable<string[]>
  /** The state of the lane made last. */
  state(): State
}

export function laneMarbles(test: (helpers: LaneMarbles) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  })
  let state: State
  scheduler.run((helpers) => {
    test({
      ...helpers,
      scheduler,
      state: () => state,
      lane: (events$, until, settings) => {
        const effects$ = new Subject<string[]>()
        let batch: string[] = []
        const flush = (): void => {
          if (batch.length > 0) effects$.next(batch)
          batch = []
        }
        state = runningState(settings)
        const lane = new Lane({
          state,
          scheduler,
          run: (effect) => {
            if (QUIET.has(effect.type)) return
            if (batch.length === 0) scheduler.schedule(flush)
            batch.push(short(effect))
          },
          crashed: (error) => {
            throw error
          },
        })
        const fed = events$.subscribe((events) => {
          for (const event of Array.isArray(events) ? events : [events]) feed(lane, event)
        })
        scheduler.schedule(() => {
          fed.unsubscribe()
          lane.close()
          effects$.complete()
        }, until)
        return effects$
      },
    })
  })
}

/** Any event, as if it came from the network. */
export function feed({ events$ }: Lane, event: Event): void {
  ;(events$ as Subject<Event>).next(event)
}
