/**
 * A logger that says nothing. libp2p makes a `debug` instance for every connection and stream, which asks the terminal
 * for its colours and formats ids, whether or not anybody listens: a fifth of the time of a dial. Who sets `DEBUG` gets
 * libp2p's own logger.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'

const quiet: Logger = Object.assign(() => undefined, {
  enabled: false,
  trace: () => undefined,
  error: () => undefined,
  newScope: () => quiet,
})

/** `undefined`: libp2p's own. */
export function quietLogger(): ComponentLogger | undefined {
  return process.env['DEBUG'] === undefined ? { forComponent: () => quiet } : undefined
}
