/** What a link is like: its settings, and those of common networks. A profile is meant for both directions. */

/** One direction of a link. What is not given is perfect. */
export interface LinkSettings {
  /** One way, ms. */
  delay?: number
  /** A packet takes up to so many ms more; the order is kept. */
  jitter?: number
  /** Bytes a second; 0: no limit. */
  rate?: number
  /** What may wait to be sent, in ms of the rate; the rest is dropped. Default 200, and at least ten packets. */
  queue?: number
  /** The share of packets that is lost, each by itself. */
  loss?: number
  /** Losses in bursts (Gilbert–Elliott, in time): means, in ms, of the times between them and of their lengths; the share lost within. */
  bursts?: { every: number; length: number; loss: number } | undefined
  /** The share of packets that arrive so many ms late, behind their successors. */
  reorder?: { share: number; by: number } | undefined
  /** Nothing arrives, not even what is under way. */
  cut?: boolean
}

const MBIT = 125_000

/** Two machines of one house. */
export const LAN: LinkSettings = { delay: 0.2, jitter: 0.1, rate: 1_000 * MBIT, queue: 20 }
/** Two homes: what one can send limits both. */
export const DSL: LinkSettings = { delay: 12, jitter: 3, rate: 10 * MBIT, queue: 300 }
/** A telephone on a train. */
export const MOBILE: LinkSettings = {
  delay: 35,
  jitter: 15,
  rate: 8 * MBIT,
  queue: 500,
  loss: 0.002,
  bursts: { every: 4_000, length: 150, loss: 0.5 },
}
/** 62 ms there and back, 50 Mbit/s: between continents. */
export const WIDE: LinkSettings = { delay: 31, rate: 50 * MBIT, queue: 100 }
export const SATELLITE: LinkSettings = { delay: 300, jitter: 10, rate: 20 * MBIT, queue: 600, loss: 0.001 }
/** 25 kB/s. */
export const SLOW: LinkSettings = { delay: 40, rate: 25_000, queue: 2_000 }

const LEAST_QUEUE = 15_000

/** As the carrier's command `link` takes it. */
export function linkWords({ delay, jitter, rate, queue, loss, bursts, reorder, cut }: LinkSettings): string {
  const numbers: Record<string, number> = {
    delay: delay ?? 0,
    jitter: jitter ?? 0,
    rate: rate ?? 0,
    queue: Math.max(LEAST_QUEUE, ((rate ?? 0) * (queue ?? 200)) / 1_000),
    loss: loss ?? 0,
    burst_every: bursts?.every ?? 0,
    burst_length: bursts?.length ?? 0,
    burst_loss: bursts?.loss ?? 0,
    reorder: reorder?.share ?? 0,
    reorder_by: reorder?.by ?? 0,
    cut: cut === true ? 1 : 0,
  }
  return Object.entries(numbers)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
