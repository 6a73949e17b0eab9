/**
 * Pre-shared keys of private networks: the text of a `swarm.key` file, and the 32 bytes in it. A message never shows any of them.
 * (https://github.com/libp2p/specs/blob/master/pnet/Private-Networks-PSK-V1.md)
 */
import { P2pError } from './errors.js'
import { isBytes, isGone } from './wire/bytes.js'
import { decodeText } from './wire/text.js'

const KEY_BYTES = 32
const HEADER = '/key/swarm/psk/1.0.0/'

/** A new key by chance, as the text of a `swarm.key` file: for `access.networkKey` of all nodes of a private network. */
export function newNetworkKey(): string {
  return textOfNetworkKey(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
}

export function textOfNetworkKey(key: Uint8Array): string {
  return `${HEADER}\n/base16/\n${hex(key)}\n`
}

/** The bytes of a key. @throws `InvalidConfig`, which names `what` */
export function readNetworkKey(key: unknown, what: string): Uint8Array {
  if (isBytes(key)) {
    if (key.length === KEY_BYTES) return Uint8Array.from(key)
    const text = decodeText(key)
    // The bytes of a file, if that is what they are.
    if (text.trimStart().startsWith(HEADER)) return readNetworkKey(text, what)
    if (isGone(key)) throw wrong(what, 'its bytes were transferred to elsewhere')
    throw wrong(what, `it has ${key.length} bytes instead of ${KEY_BYTES}`)
  }
  if (typeof key !== 'string') throw wrong(what, 'it is neither a text nor bytes')
  const [header, encoding, body = '', more] = linesOf(key)
  if (header !== HEADER) throw wrong(what, `it is no text of a swarm.key file, whose first line is ${HEADER}`)
  if (more !== undefined) throw wrong(what, 'there is more behind its third line')
  const bytes = decode(encoding ?? '', body, what)
  if (bytes.length !== KEY_BYTES) throw wrong(what, `it has ${bytes.length} bytes instead of ${KEY_BYTES}`)
  return bytes
}

/** Without empty ones, and blanks around them. (An expression for all of that takes the square of the length.) */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function decode(encoding: string, body: string, what: string): Uint8Array {
  switch (encoding) {
    case '/base16/':
      if (!/^([\da-f]{2})*$/i.test(body)) throw wrong(what, 'its third line is not base16')
      return Uint8Array.from(body.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    case '/base64/':
      // `atob` wants groups of four, but for the padding, which may be missing.
      if (
        !/^[\w+/-]*={0,2}$/.test(body) ||
        body.replace(/=+$/, '').length % 4 === 1 ||
        (body.endsWith('=') && body.length % 4 > 0)
      )
        throw wrong(what, 'its third line is not base64')
      return Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    case '/bin/':
      throw wrong(what, 'an encoding /bin/ is not supported: pass its 32 bytes')
    default:
      throw wrong(what, 'its second line is neither /base16/ nor /base64/')
  }
}

function wrong(what: string, why: string): P2pError {
  const form = `the text of a swarm.key file, or 32 bytes (newNetworkKey() makes one)`
  return new P2pError('InvalidConfig', `${what} must be ${form}: ${why}`)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
