/** What a text that is no multiaddr was probably meant to be: `localhost:4001` is `/dns/localhost/tcp/4001`. */

/** A host with a port, or a URL of one. IPv6 is in brackets. */
const HOST_AND_PORT = /^(?:\w+:\/\/)?(?:\[([\da-f:.]+)\]|([^\s/:[\]]*)):(\d{1,5})\/?$/i

/** `undefined`: nobody knows, or `check` refuses it. */
export function meantAddress(text: string, check: (address: string) => unknown): string | undefined {
  const address = guess(text)
  try {
    if (address !== undefined) check(address)
    return address
  } catch {
    return undefined
  }
}

/** Has it the form of an address, though of none that there is? */
export function isLikeAddress(text: string): boolean {
  return guess(text) !== undefined
}

function guess(text: string): string | undefined {
  if (/^\w+\/[^/]+\/tcp\/\d/.test(text)) return `/${text}`
  const [, ip6, host = '', port] = HOST_AND_PORT.exec(text) ?? []
  if (port === undefined) return undefined
  if (ip6 !== undefined) return `/ip6/${ip6}/tcp/${port}`
  if (host === '') return `/ip4/0.0.0.0/tcp/${port}`
  return `/${/^[\d.]+$/.test(host) ? 'ip4' : 'dns'}/${host}/tcp/${port}`
}
