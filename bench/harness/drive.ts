/** Keeps a number of requests in flight for a while. Every reply is compared with its request: length, first and last byte. */
import type { Asker } from '../contestants/contestant.js'
import type { Load } from './loads.js'
import { median, percentile } from './statistics.js'

export interface Driven {
  /** Requests answered after the lead-in, a second. */
  rate: number
  /** Latencies of these, µs. */
  p50: number
  p99: number
  /** Requests that came to an end, the lead-in's too. */
  requests: number
  /** Requests that failed or were answered wrongly, and what was wrong with the first of them. */
  errors: number
  firstError: string | undefined
}

/** So many answers a slot are counted, if they come before … */
const TURNS = 3
/** … so many times the time that was asked for; after that one a slot is enough. Less would take a burst for a rate. */
const MAX_STRETCH = 5

/** First for `leadIn` ms, which are not counted, then for `time` ms; and then until all is answered. */
export async function drive(asker: Asker, load: Load, leadIn: number, time: number): Promise<Driven> {
  const { size, inFlight } = load
  const latencies: number[] = []
  let requests = 0
  let errors = 0
  let firstError: string | undefined
  const fail = (what: string): void => {
    errors++
    firstError ??= what
  }
  const payloads = Array.from({ length: inFlight }, (_, index) => new Uint8Array(size).fill(index))
  const begin = performance.now() + leadIn
  let over = false
  let closed = false
  let end = begin

  const count = (now: number, latency: number): void => {
    requests++
    if (closed || now < begin) return
    latencies.push(latency * 1_000)
    end = now
    const elapsed = now - begin
    const turns = elapsed < MAX_STRETCH * time ? TURNS : 1
    if (over || elapsed < time || latencies.length < turns * inFlight) return
    over = true
    // What came together with this answer is part of the rate.
    setImmediate(() => (closed = true))
  }

  const keepAsking = (payload: Uint8Array, index: number): Promise<void> =>
    new Promise((done) => {
      const ask = (): void => {
        // Each slot asks with bytes of its own, and never twice in a row with the same ones.
        payload[0] = requests
        payload[size - 1] = index
        const sent = performance.now()
        asker.ask(payload).then(
          (reply) => {
            const now = performance.now()
            if (reply.length !== size) fail(`${reply.length} bytes instead of ${size}`)
            else if (reply[0] !== payload[0] || reply[size - 1] !== payload[size - 1]) fail('another reply')
            count(now, now - sent)
            if (over || errors > 0) done()
            else ask()
          },
          (error: unknown) => {
            requests++
            fail(String(error))
            done()
          },
        )
      }
      ask()
    })

  await Promise.all(payloads.map(keepAsking))
  if (errors > 0) return { rate: 0, p50: 0, p99: 0, requests, errors, firstError }
  const rate = latencies.length / ((end - begin) / 1_000)
  return { rate, p50: median(latencies), p99: percentile(latencies, 0.99), requests, errors, firstError }
}
