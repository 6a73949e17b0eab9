/**
 * A logger that logs nothing. libp2p's own makes a `debug` instance for every connection and stream, which asks the terminal
 * for its colours and formats ids, even when nothing is logged: a fifth of the time of a dial. With the environment variable
 * `DEBUG` libp2p's own is used.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { environment } from '../platform/process.js'

const quiet: Logger = Object.assign(() => undefined, {
  enabled: false,
  trace: () => undefined,
  error: () => undefined,
  newScope: () => quiet,
})

/** `undefined`: libp2p's own. */
export function quietLogger(): ComponentLogger | undefined {
  return environment['DEBUG'] === undefined ? { forComponent: () => quiet } : undefined
}
