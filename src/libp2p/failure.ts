/** Foreign errors as the port states them. Knows how libp2p words its errors; must not know what they are reported for. */
import type { Failure } from '../core/terms.js'

/** What went wrong, in a few words and without the stack. (No `instanceof`: jest's realms have an `Error` of their own.) */
export function reasonOf(error: unknown): string {
  const { name, message } = (error ?? {}) as Partial<Error>
  if (name === 'TimeoutError' || name === 'AbortError') return 'timed out'
  if (message?.startsWith('Payload identity key ') === true) return 'another node is there now, with another peer id'
  return (message?.split('\n')[0] || name || String(error)).replace(/^connection error \S+: /, '')
}

export function failureOf(what: string, error: unknown): Failure {
  return { message: `${what}: ${reasonOf(error)}`, cause: error }
}

/** libp2p's error has a paragraph for each address that failed, with a stack. */
export function listenFailure(asked: string[], cause: unknown): Failure {
  const text = (cause as Partial<Error> | undefined)?.message ?? String(cause)
  const failed = [...text.matchAll(/^ {2}(\/\S+): (.*)$/gm)].map(([, address, reason]) => {
    return `${address} (${reason?.replace(/^(\w*Error: )+/, '')})`
  })
  const what = failed.length > 0 ? failed.join(', ') : `${asked.join(', ')} (${text.split('\n')[0]})`
  return { message: `cannot listen on ${what}`, cause }
}
