/** Whoever makes the values of a stream in a run: an AsyncIterable that is pulled, or an Observable that pushes. */
import { Observable } from 'rxjs'
import type { SimulatedNetwork } from '../../src/testing/index.js'
import { refusalOf } from './expected.js'
import { payload, valueId } from './payloads.js'
import type { StreamStep } from './scenario.js'

/** What a value costs, by docs/session.md. */
export function costOf(size: number): number {
  return size + 32
}

/** What a value takes that waits, by docs/limits.md. */
export function heldOf(size: number): number {
  return size + 256
}

export interface Made {
  values: AsyncIterable<Uint8Array> | Observable<Uint8Array>
  /** How many values have been made, and what they cost. */
  made: number
  cost: number
  /** `done`: by itself. `ended`: it was told to. */
  stage: 'making' | 'done' | 'ended'
  /** It was never begun, and will not be: its signal has fired. */
  isOver: () => boolean
}

interface Told {
  /** It is asked for one more. */
  ahead: () => void
  wrong: (what: string) => void
}

export function produce(net: SimulatedNetwork, step: StreamStep, signal: () => AbortSignal, told: Told): Made {
  const aborted = signal()
  let isBegun = false
  const made: Made = {
    values: undefined!,
    made: 0,
    cost: 0,
    stage: 'making',
    isOver: () => aborted.aborted && !isBegun,
  }
  made.values = step.producer === 'iterable' ? iterable() : observable()
  return made

  function begin(): void {
    if (isBegun) told.wrong('is begun twice')
    isBegun = true
  }

  function make(): Uint8Array {
    const index = made.made++
    const size = step.sizes[index % step.sizes.length]!
    made.cost += costOf(size)
    return payload('value', valueId(step.id, index), size)
  }

  function iterable(): AsyncIterable<Uint8Array> {
    let isAsked = false
    const next = (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (isAsked) told.wrong('is asked for two values at once')
      if (made.stage !== 'making') told.wrong(`is asked for a value, and is ${made.stage}`)
      told.ahead()
      isAsked = true
      return new Promise((resolve, reject) => {
        if (made.made === step.count && step.ends === 'never') return
        after(() => {
          isAsked = false
          if (made.stage === 'ended') return resolve({ done: true, value: undefined })
          if (made.made < step.count) return resolve({ done: false, value: make() })
          made.stage = 'done'
          if (step.ends === 'complete') resolve({ done: true, value: undefined })
          else reject(refusalOf(step.ends as 'fail' | 'busy'))
        })
      })
    }
    const stop = (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (made.stage === 'ended') told.wrong('is told to end twice')
      if (made.stage === 'making') made.stage = 'ended'
      return Promise.resolve({ done: true, value: undefined })
    }
    return {
      [Symbol.asyncIterator]: () => {
        begin()
        return { next, return: stop }
      },
    }
  }

  function observable(): Observable<Uint8Array> {
    return new Observable((subscriber) => {
      begin()
      const go = (): void => {
        while (made.stage === 'making' && made.made < step.count) {
          subscriber.next(make())
          if (step.pace > 0) return after(go)
        }
        if (made.stage !== 'making' || step.ends === 'never') return
        made.stage = 'done'
        if (step.ends === 'complete') subscriber.complete()
        else subscriber.error(refusalOf(step.ends))
      }
      after(go)
      return () => {
        if (made.stage === 'making') made.stage = 'ended'
      }
    })
  }

  function after(act: () => void): void {
    if (step.pace === 0) act()
    else net.scheduler.schedule(act, step.pace)
  }
}
