/** Foreign errors as the port states them. Knows how libp2p words its errors; must not know who asks. */
import type { Failure } from '../core/terms.js'

/** What went wrong, in a few words and without the stack. (No `instanceof`: jest's realms have an `Error` of their own.) */
export function reasonOf(error: unknown): string {
  const { name, message } = (error ?? {}) as Partial<Error>
  if (name === 'TimeoutError' || name === 'AbortError') return 'timed out'
  return (message?.split('\n')[0] || name || String(error)).replace(/^connection error \S+: /, '')
}

export function failureOf(what: string, error: unknown): Failure {
  return { message: `${what}: ${reasonOf(error)}`, cause: error }
}
