/**
 * Rates, by the generic cell rate algorithm (GCRA, ITU-T Recommendation I.371, as a virtual schedule). A bucket is one number: when
 * it would be empty. It needs no timer, and one that was not used for a while says the same as a new one, so it may be forgotten.
 */
import type { Bucket } from './state.js'

/** So many in each second for ever, and two seconds' worth of them at once. */
export type PerSecond = number

/** The seconds whose amount may come at once. */
const BURST = 2

export function createBucket(): Bucket {
  return { emptyAt: -Infinity }
}

/**
 * Takes `amount` out of the rate, if it conforms. Returns 0 when it was taken, otherwise how long to wait until it would be, ms. More
 * than the burst never conforms, so that much is taken from a bucket that is not in use, and paid for by the wait that follows.
 */
export function take(bucket: Bucket, rate: PerSecond, now: number, amount = 1): number {
  const wait = waitFor(bucket, rate, now, amount)
  if (wait === 0) bucket.emptyAt = Math.max(bucket.emptyAt, now) + (amount * 1_000) / rate
  return wait
}

/** How long `take` would have it wait, ms. */
export function waitFor({ emptyAt }: Bucket, rate: PerSecond, now: number, amount = 1): number {
  const burst = BURST * 1_000
  const wait = Math.max(emptyAt, now) + Math.min((amount * 1_000) / rate, burst) - burst - now
  return wait > 0 ? Math.ceil(wait) : 0
}

/** It counts for nothing that so much was taken. */
export function putBack(bucket: Bucket, rate: PerSecond, amount = 1): void {
  bucket.emptyAt -= (amount * 1_000) / rate
}

/**
 * Takes `amount` in any case, for what was done before its price was known. Returns how long to wait before more is done, ms: 0 when it
 * conformed.
 */
export function spend(bucket: Bucket, rate: PerSecond, now: number, amount = 1): number {
  bucket.emptyAt = Math.max(bucket.emptyAt, now) + (amount * 1_000) / rate
  return Math.max(0, Math.ceil(bucket.emptyAt - BURST * 1_000 - now))
}

/** How much may be taken at once now, where `most` may be of a bucket that is not in use. Below zero: that much too much was spent. */
export function left({ emptyAt }: Bucket, rate: PerSecond, now: number, most: number): number {
  return most - (Math.max(0, emptyAt - now) * rate) / 1_000
}

/** Is it as good as new? */
export function isIdle({ emptyAt }: Bucket, now: number): boolean {
  return emptyAt <= now
}

/** Buckets of many, by name. Those that are not in use are forgotten, and there are never more than `most` of them. */
export class Buckets {
  private readonly buckets = new Map<string, Bucket>()

  constructor(
    private readonly rate: PerSecond,
    private readonly most: number,
  ) {}

  /** @returns 0 when it was taken, otherwise how long to wait, ms */
  take(name: string, now: number, amount = 1): number {
    return take(this.of(name, now), this.rate, now, amount)
  }

  /** @returns how long to wait before more is done, ms */
  spend(name: string, now: number, amount = 1): number {
    return spend(this.of(name, now), this.rate, now, amount)
  }

  /** The bucket itself. Who holds it may use it also when it is forgotten here. */
  of(name: string, now: number): Bucket {
    let bucket = this.buckets.get(name)
    if (bucket === undefined) {
      if (this.buckets.size >= this.most) this.forget(now)
      bucket = createBucket()
    } else this.buckets.delete(name)
    // Those that are in use are at the end.
    this.buckets.set(name, bucket)
    return bucket
  }

  get size(): number {
    return this.buckets.size
  }

  /** Those that are idle; if there are none, the one that was used least recently. */
  private forget(now: number): void {
    for (const [name, bucket] of this.buckets) if (isIdle(bucket, now)) this.buckets.delete(name)
    if (this.buckets.size < this.most) return
    const [oldest] = this.buckets.keys()
    this.buckets.delete(oldest!)
  }
}
