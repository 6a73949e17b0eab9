/** An RSA key whose public exponent is as long as its modulus: to verify with it is a hundred times as dear as with the usual one. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { join } from '../../support/bytes.js'
import { TOPIC } from './gossip.js'
import { count, field, random } from './protobuf.js'

const big = (base64: string): bigint => BigInt(`0x${Buffer.from(base64, 'base64url').toString('hex')}`)

function text(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

/** @throws when there is none */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n]
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
  if (a !== 1n) throw new Error('no inverse')
  return ((x % modulus) + modulus) % modulus
}

/** Makes messages that are valid, and dear. */
export function dearSigner(): (data: Uint8Array) => RPC.Message {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey.export({ format: 'jwk' })
  const [p, q] = [big(jwk.p!), big(jwk.q!)]
  const phi = (p - 1n) * (q - 1n)
  for (;;) {
    // Odd, and of 3,070 bits.
    const e = BigInt(`0x${Buffer.from(random(383)).toString('hex')}`) | 1n
    let d: bigint
    try {
      d = inverse(e % phi, phi)
    } catch {
      continue
    }
    const parts = { dp: text(d % (p - 1n)), dq: text(d % (q - 1n)) }
    const key = createPrivateKey({ format: 'jwk', key: { ...jwk, e: text(e), d: text(d), ...parts } })
    const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
    const publicKey = join(count(1, 0), field(2, der))
    const from = join(Uint8Array.of(0x12, 0x20), createHash('sha256').update(publicKey).digest())
    return (data) => {
      const unsigned = { from, data, seqno: random(8), topic: TOPIC }
      const signature = sign('sha256', join(Buffer.from('libp2p-pubsub:'), RPC.Message.encode(unsigned)), key)
      return { ...unsigned, signature, key: publicKey }
    }
  }
}
