/** Which keys messages may be signed with. */
import { createPublicKey } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { priceOf, priceOfKey } from '../../../src/libp2p/gossip/keys.js'
import { dearSigner } from '../../hostile/tools/rsa.js'

/** As long as an RSA key of so many bits, which takes long to make. */
function largeRsa(bits: number): Uint8Array {
  const bytes = new Uint8Array(bits / 8 + 38 + 5)
  bytes.set([8, 0, 18, ((bytes.length - 5) & 127) | 128, (bytes.length - 5) >> 7])
  return bytes
}

const usual: [type: 'Ed25519' | 'secp256k1' | 'ECDSA' | 'RSA', size: string | number | undefined][] = [
  ['Ed25519', undefined],
  ['secp256k1', undefined],
  ['ECDSA', 'P-256'],
  ['ECDSA', 'P-384'],
  ['ECDSA', 'P-521'],
  ['RSA', 2048],
  ['RSA', 3072],
  ['RSA', 4096],
]

async function make(type: (typeof usual)[number][0], size: unknown) {
  const { publicKey } = await generateKeyPair(type as 'RSA', size as number)
  return { bytes: publicKeyToProtobuf(publicKey), from: publicKey.toMultihash().bytes }
}

const rsa = make('RSA', 2048)

describe('a key', () => {
  it.each(usual)('of %s %s is taken, beside the message and in the peer id', async (type, size) => {
    const { bytes, from } = await make(type, size)
    const price = priceOfKey(bytes)
    expect(price).toBeGreaterThanOrEqual(1)
    expect(priceOf({ topic: '', key: bytes, from })).toBe(price)
    // A peer id of RSA is a hash.
    expect(priceOf({ topic: '', from })).toBe(type === 'RSA' ? undefined : price)
  })

  it('whose exponent is long is not', () => {
    expect(priceOf(dearSigner()(new Uint8Array(3)))).toBeUndefined()
  })

  it('of RSA with 1,024 or 8,192 bits is not', async () => {
    expect(priceOfKey((await make('RSA', 1024)).bytes)).toBeUndefined()
    expect(priceOfKey(largeRsa(8192))).toBeUndefined()
  })

  it('with anything before, behind or in it is not', async () => {
    for (const [type, size] of usual.slice(0, 6)) {
      const { bytes } = await make(type, size)
      for (const other of [[0, ...bytes], [...bytes, 0], [...bytes.subarray(0, -1)], []]) {
        expect([type, priceOfKey(Uint8Array.from(other))]).toEqual([type, undefined])
      }
    }
    const { bytes } = await rsa
    for (let at = 0; at < 42; at++) {
      const other = bytes.slice()
      other[at]! ^= 0x11
      // Of the modulus, which begins there, any value is one.
      if (at < 37) expect([at, priceOfKey(other)]).toEqual([at, undefined])
    }
  })

  it('of an unknown kind, or a message without one, is not', () => {
    expect(priceOfKey(Uint8Array.of(8, 4, 18, 1, 1))).toBeUndefined()
    expect(priceOf({ topic: '' })).toBeUndefined()
    expect(priceOf({ topic: '', from: new Uint8Array() })).toBeUndefined()
  })

  it('is what Node.js takes for it', async () => {
    const { bytes } = await rsa
    const key = createPublicKey({ key: Buffer.from(bytes.subarray(5)), format: 'der', type: 'spki' })
    expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65537n })
  })
})
