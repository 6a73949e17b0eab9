/**
 * Virtual time for a whole network: one queue for "now", and a heap of the distinct times at which something is due. (RxJS's
 * own virtual scheduler sorts all of its actions at each scheduling, which ends at a few hundred of them.) Things of one
 * instant run in the order in which they were scheduled, so a run is determined by what is scheduled and nothing else.
 */
import type { SchedulerLike, Subscription } from 'rxjs'
import { IdMap } from '../../core/id-map.js'
import { Action, type Deferrer, type Runnable, type Work } from '../../lane/action.js'

/** What can be scheduled: a function, or an object that saves the closure. */
export type Task = (() => void) | Runnable

export class Clock implements SchedulerLike, Deferrer {
  /** Virtual milliseconds since the start. */
  time = 0
  /** Pieces of work run so far. */
  executed = 0
  private nowQueue: Task[] = []
  private readonly buckets = new IdMap<Task[]>()
  /** A binary heap of the keys of `buckets`, least first. */
  private readonly times: number[] = []

  now(): number {
    return this.time
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new Action(this, work).schedule(state, delay)
  }

  /** What is deferred cannot be taken out; the action that it belongs to ignores it when it comes. */
  defer(work: Runnable, delay: number): () => void {
    this.after(delay, work)
    return nothing
  }

  /** Runs `work` after `delay` ms, rounded up to a whole one; 0: later in this instant. */
  after(delay: number, work: Task): void {
    if (!(delay > 0)) {
      this.nowQueue.push(work)
      return
    }
    const time = this.time + Math.ceil(delay)
    const bucket = this.buckets.get(time)
    if (bucket !== undefined) {
      bucket.push(work)
      return
    }
    this.buckets.set(time, [work])
    this.addTime(time)
  }

  /** When the next thing is due; `Infinity`: never. */
  next(): number {
    return this.nowQueue.length > 0 ? this.time : (this.times[0] ?? Infinity)
  }

  /** Goes to the next time at which something is due, and does all of it, with what that brings in the same instant. */
  runInstant(): void {
    if (this.nowQueue.length === 0) {
      const time = this.times[0]
      if (time === undefined) return
      this.takeTime()
      this.time = time
      this.nowQueue = this.buckets.get(time)!
      this.buckets.delete(time)
    }
    while (this.nowQueue.length > 0) {
      const queue = this.nowQueue
      this.nowQueue = []
      this.executed += queue.length
      for (const work of queue) {
        if (typeof work === 'function') work()
        else work.run()
      }
    }
  }

  /** Moves the time on where nothing is due before. */
  skipTo(time: number): void {
    if (time > this.time && this.next() >= time) this.time = time
  }

  private addTime(time: number): void {
    const { times } = this
    let child = times.push(time) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (times[parent]! <= time) break
      times[child] = times[parent]!
      child = parent
    }
    times[child] = time
  }

  private takeTime(): void {
    const { times } = this
    const last = times.pop()!
    if (times.length === 0) return
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= times.length) break
      if (child + 1 < times.length && times[child + 1]! < times[child]!) child++
      if (times[child]! >= last) break
      times[parent] = times[child]!
      parent = child
    }
    times[parent] = last
  }
}

function nothing(): void {
  // See `defer`.
}

/**
 * The clock of one node. It may be wrong: ahead by `offset` ms at the start, and running `rate` times as fast as the network's. While
 * its process is frozen, what is due waits. While its machine sleeps, it stands still too.
 */
export class NodeClock implements SchedulerLike, Deferrer {
  /** What was due while it is frozen. */
  private late: Runnable[] | undefined
  /** By the clock of the network, ms: since when it stands still, and how long it has stood before. */
  private asleepSince: number | undefined
  private asleep = 0

  constructor(
    private readonly clock: Clock,
    private readonly offset = 0,
    private readonly rate = 1,
  ) {}

  now(): number {
    return Math.floor(this.offset + this.awake * this.rate)
  }

  /** How long it has run, by the clock of the network, ms. */
  private get awake(): number {
    return (this.asleepSince ?? this.clock.time) - this.asleep
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new Action(this, work).schedule(state, delay)
  }

  defer(work: Runnable, delay: number): () => void {
    const due = this.awake + delay / this.rate
    return this.clock.defer({ run: () => void this.runAt(due, work) }, delay / this.rate)
  }

  private runAt(due: number, work: Runnable): void {
    const later = { run: () => void this.runAt(due, work) }
    const left = due - this.awake
    if (this.late !== undefined) this.late.push(later)
    else if (left > 0) this.clock.after(left, later)
    else work.run()
  }

  freeze(): void {
    this.late ??= []
  }

  /** As `freeze`, and it stands still. */
  suspend(): void {
    this.freeze()
    this.asleepSince ??= this.clock.time
  }

  /** How long it has stood still, ms. */
  thaw(): number {
    const { late = [] } = this
    const slept = this.clock.time - (this.asleepSince ?? this.clock.time)
    this.asleep += slept
    this.asleepSince = undefined
    this.late = undefined
    for (const work of late) this.clock.after(0, work)
    return slept
  }
}
