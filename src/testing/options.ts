/** The options of a simulated network and of a node's clock in it, and their checks. */
import { checkObject, checkOptions, show, type Names } from '../edge/checks.js'
import { P2pError } from '../errors.js'

/** Options of `simulate`. */
export interface SimulateOptions {
  /** The seed of all random choices of the run: a finite number or a text. Default: 1. */
  seed?: number | string | undefined
  /** How long a packet takes in one direction, ms, from 0 to 1,000,000. Default: 10. */
  latency?: number | undefined
  /** A packet takes up to this much more or less than `latency`, ms, from 0 to `latency`. Default: 0. */
  jitter?: number | undefined
  /**
   * The probability that a packet is lost, from 0 to 0.9. Streams send it again; dials and gossip messages are lost. Default:
   * 0.
   */
  loss?: number | undefined
  /** Bytes per second in one direction of a connection, at least 1. Default: no limit. */
  bandwidth?: number | undefined
}

/** How a node's clock differs from the network's. */
export interface Skew {
  /** How far the node's clock is ahead of the network's, ms, from -1,000,000,000 to 1,000,000,000. Default: 0. */
  offset?: number | undefined
  /** How many times as fast as the network's it runs, from 0.1 to 10: with 1.01 it gains a hundredth. Default: 1. */
  rate?: number | undefined
}

const NAMES: Names<SimulateOptions> = { seed: true, latency: true, jitter: true, loss: true, bandwidth: true }
const SKEW_NAMES: Names<Skew> = { offset: true, rate: true }

/** Checks them and fills in the defaults. @throws `InvalidConfig` */
export function checkSimulateOptions(options: SimulateOptions): Required<SimulateOptions> {
  checkOptions(options, 'simulate', NAMES)
  const { seed = 1, latency = 10, jitter = 0, loss = 0, bandwidth = Infinity } = options
  if (typeof seed !== 'string' && !(typeof seed === 'number' && Number.isFinite(seed))) {
    throw new P2pError('InvalidConfig', `seed must be a number or a text, not ${show(seed)}`)
  }
  checkAmount(latency, 'latency', 'ms', 0, 1_000_000)
  checkAmount(jitter, 'jitter', 'ms', 0, latency)
  checkAmount(loss, 'loss', '(a chance)', 0, 0.9)
  if (bandwidth !== Infinity) checkAmount(bandwidth, 'bandwidth', 'bytes a second', 1, Number.MAX_SAFE_INTEGER)
  return { seed, latency, jitter, loss, bandwidth }
}

export function checkSkew(skew: Skew): Required<Skew> {
  checkObject(skew, 'the skew of a clock', SKEW_NAMES)
  const { offset = 0, rate = 1 } = skew
  checkAmount(offset, 'offset', 'ms', -1_000_000_000, 1_000_000_000)
  checkAmount(rate, 'rate', '(times)', 0.1, 10)
  return { offset, rate }
}

export function checkAmount(value: unknown, what: string, unit: string, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  throw new P2pError(
    'InvalidConfig',
    `${what} must be a number of ${unit} from ${least} to ${most}, not ${show(value)}`,
  )
}
