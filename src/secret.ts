/** A node's secret: 32 bytes, as text in base58. No error message here may show a secret, or a part of one. */
import { base58btc } from 'multiformats/bases/base58'
import { P2pError } from './errors.js'
import { isBytes, isGone } from './wire/bytes.js'

const SECRET_BYTES = 32

/** The greatest length of 32 bytes in base58, characters. */
const MAX_SECRET_LENGTH = 44

const ADVICE = 'pass the base58 text of 32 bytes (newSecret() makes one) or the 32 bytes'

/**
 * A new secret: 32 random bytes, in base58. Keep it, and keep it secret: with the same secret a node has the same peer id
 * again.
 *
 * ```ts
 * const secret = newSecret()
 * const node = await createNode({ secret })
 * ```
 */
export function newSecret(): string {
  return base58btc.baseEncode(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))
}

/** What tells this start of a node from every other one of its secret: 48 random bits, and never 0. */
export function newIncarnation(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number]
  return (high & 0xffff) * 2 ** 32 + low || 1
}

/** The 32 bytes of a secret, as a copy. @throws `InvalidSecretKey`, which says what is wrong without showing the secret. */
export function parseSecret(secret: unknown): Uint8Array {
  if (typeof secret === 'string') return checkLength(decode(secret))
  if (isBytes(secret)) return Uint8Array.from(checkLength(secret))
  const type = secret === null ? 'null' : `of type ${typeof secret}`
  throw invalid(`it is neither a text nor a Uint8Array but ${type}`)
}

function decode(secret: string): Uint8Array {
  if (secret.length === 0) throw invalid('it is empty')
  if (secret.length > MAX_SECRET_LENGTH) {
    throw invalid(`it has ${secret.length} characters, and 32 bytes are never more than ${MAX_SECRET_LENGTH} in base58`)
  }
  const place = secret.search(/[^1-9A-HJ-NP-Za-km-z]/)
  if (place >= 0) throw invalid(`character ${place + 1} of ${secret.length} is not one of base58`)
  return base58btc.baseDecode(secret)
}

function checkLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length === SECRET_BYTES) return bytes
  throw invalid(isGone(bytes) ? 'its bytes were transferred to elsewhere' : `it is ${bytes.length} bytes long`)
}

function invalid(what: string): P2pError {
  return new P2pError('InvalidSecretKey', `The secret is not valid: ${what}; ${ADVICE}.`)
}
