/** Which addresses can be listened on, and what to say when one cannot. Pure functions over texts and libp2p's errors. */
import type { Failure } from '../core/terms.js'

/** The first address for which we have no transport: libp2p skips it silently while another one works. */
export function unsupportedAddress(addresses: string[]): string | undefined {
  return addresses.find((address) => !/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(\/p2p\/[^/]+)?$/.test(address))
}

/** The first ip6 address when we listen on none: libp2p takes that for a machine without IPv6, and says nothing. */
export function missingAddress(asked: string[], listening: string[]): string | undefined {
  if (listening.some((address) => address.startsWith('/ip6/'))) return undefined
  return asked.find((address) => address.startsWith('/ip6/'))
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
