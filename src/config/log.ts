/** Checks the config's `logger` and `name`. */
import { show } from '../edge/checks.js'
import { P2pError } from '../errors.js'
import { printable } from '../wire/text.js'

const LONGEST = 64

/** @returns the name, if there is one. @throws `InvalidConfig` */
export function readLogConfig({ logger, name }: { logger?: unknown; name?: unknown }): string | undefined {
  if (logger !== undefined && logger !== false && typeof logger !== 'function') {
    throw new P2pError('InvalidConfig', `logger must be a function, or false for none, not ${show(logger)}`)
  }
  if (name === undefined) return undefined
  if (typeof name === 'string' && name !== '' && name.length <= LONGEST && printable(name) === name) {
    return name
  }
  throw new P2pError('InvalidConfig', `name must be 1 to ${LONGEST} printable characters, not ${show(name)}`)
}
