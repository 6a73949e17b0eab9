/** Which objects `setEventHandler` takes. A handler may well be a class with methods and fields of its own. */
import { P2pError } from '../../errors.js'
import { nearest } from '../../core/nearest.js'
import { reading, show, type Names } from '../checks.js'
import type { PlainLogger } from '../log.js'
import type { EventHandler } from './inbound.js'

const METHODS: Names<EventHandler> = { handleInboundRequest: true, handleBroadcast: true }
const NAMES = Object.keys(METHODS)

/**
 * It needs one of our methods. A misspelt one beside it is only worth a line of the log, because it may be the user's own.
 * @throws `InvalidConfig`
 */
export function checkHandler(handler: unknown, log: PlainLogger): EventHandler {
  return reading('the handler', () => checkedHandler(handler, log))
}

function checkedHandler(handler: unknown, log: PlainLogger): EventHandler {
  if (typeof handler !== 'object' || handler === null || Array.isArray(handler)) throw noHandler(handler)
  for (const name of NAMES) {
    const method = (handler as Record<string, unknown>)[name]
    if (method === undefined || typeof method === 'function') continue
    throw new P2pError('InvalidConfig', `${name} must be a function, not ${show(method)}`)
  }
  const missing = NAMES.filter((name) => (handler as Record<string, unknown>)[name] === undefined)
  const others = methodsOf(handler).filter((name) => !NAMES.includes(name))
  const meant = (name: string): string | undefined => nearest(name, missing, 2)
  const misspelt = others.filter((name) => meant(name) !== undefined)
  if (missing.length < NAMES.length) {
    for (const name of misspelt) {
      log('warn', `nobody calls the method ${show(name)} of the handler (did you mean ${meant(name)}?)`)
    }
    return handler
  }
  const likely = misspelt[0] ?? others.find((name) => /^(handle|on)[A-Z]/.test(name)) ?? others[0]
  if (likely === undefined) throw noHandler(handler)
  const advice = meant(likely) ?? likeliest(likely)
  throw new P2pError('InvalidConfig', `a handler has no method ${show(likely)} (did you mean ${advice}?)`)
}

function noHandler(value: unknown): P2pError {
  return new P2pError('InvalidConfig', `a handler is an object with ${NAMES.join(', ')} or both, not ${show(value)}`)
}

/** Its own and those that it inherits. No getter is called. */
function methodsOf(handler: object): string[] {
  const names: string[] = []
  for (let one: unknown = handler; one !== null && one !== Object.prototype; one = Object.getPrototypeOf(one)) {
    const properties = Object.entries(Object.getOwnPropertyDescriptors(one as object))
    names.push(...properties.filter(([, { value }]) => typeof value === 'function').map(([name]) => name))
  }
  return names.filter((name) => name !== 'constructor')
}

function likeliest(name: string): keyof EventHandler {
  return /broadcast|message|topic|gossip/i.test(name) ? 'handleBroadcast' : 'handleInboundRequest'
}
