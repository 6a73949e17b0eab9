/** Foreign errors as the port states them. Knows how libp2p words its errors; must not know who asks. */
import type { Failure } from '../port.js'

/** What went wrong, in a few words and without the stack. */
export function reasonOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (name === 'TimeoutError' || name === 'AbortError') return 'timed out'
  return (message.split('\n')[0] || name).replace(/^connection error \S+: /, '')
}

export function failureOf(what: string, error: unknown): Failure {
  return { message: `${what}: ${reasonOf(error)}`, cause: error }
}
