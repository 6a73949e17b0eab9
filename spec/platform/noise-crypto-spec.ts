/** The cipher of Noise's frames against Node's, which knows nothing of our switch: every size around it, whole and in chunks. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { MAX_HANDSHAKE, noiseCrypto, WASM_BELOW } from '../../src/platform/noise-crypto.js'

type Bytes = Uint8Array | Uint8ArrayList

const NO_AD = new Uint8Array(0)
const TAG = 16
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const plain = (data: Bytes) => Buffer.from(data.subarray())

/** What RFC 8439 says, by Node. */
function seal(plaintext: Uint8Array, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG })
  cipher.setAAD(ad, { plaintextLength: plaintext.length })
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function open(sealed: Uint8Array, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Buffer {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG })
  decipher.setAAD(ad, { plaintextLength: sealed.length - TAG })
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG))
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG)), decipher.final()])
}

function inChunks(data: Uint8Array, cuts: number[]): Uint8ArrayList {
  const at = [0, ...cuts.map((cut) => cut % (data.length + 1)).sort((a, b) => a - b), data.length]
  return new Uint8ArrayList(...at.slice(1).map((end, i) => data.subarray(at[i], end)))
}

/** Both sides of the switch, and what Noise puts into a frame at most. */
const sizes = [0, 1, 15, 16, 17, 63, 64, 65, 1_199, 1_200, 8_192, 65_518, 65_519]
  .concat(Array.from({ length: 65 }, (_, i) => WASM_BELOW - 32 + i))
  .map((size) => ({ size }))

const sizeOfAFrame = fc.oneof(fc.integer({ min: 0, max: 2 * WASM_BELOW }), fc.integer({ min: 8_000, max: 20_000 }))

/** RFC 8439, 2.8.2. */
const VECTOR = {
  key: hex('808182838485868788898a8b8c8d8e8f 909192939495969798999a9b9c9d9e9f'),
  nonce: hex('070000004041424344454647'),
  ad: hex('50515253c0c1c2c3c4c5c6c7'),
  plaintext: new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  ),
  sealed: hex(`
    d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
    3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
    92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
    3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691`),
}

describe("the cipher of Noise's frames", () => {
  it('agrees with the test vector of RFC 8439', () => {
    const { key, nonce, ad, plaintext, sealed } = VECTOR
    expect(plain(noiseCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key))).toEqual(Buffer.from(sealed))
    expect(plain(noiseCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key))).toEqual(Buffer.from(plaintext))
  })

  it('refuses the test vector with another nonce, key, or additional data', () => {
    const { key, nonce, ad, sealed } = VECTOR
    const other = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed.slice(), other(nonce), ad, key)).toThrow()
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, ad, other(key))).toThrow()
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, other(ad), key)).toThrow()
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, NO_AD, key)).toThrow()
  })

  it.each(sizes)('seals $size bytes as Node does, and opens what Node has sealed', ({ size }) => {
    const [key, nonce, data] = [randomBytes(32), randomBytes(12), randomBytes(size)]
    const theirs = seal(data, nonce, NO_AD, key)
    expect(plain(noiseCrypto.chaCha20Poly1305Encrypt(data, nonce, NO_AD, key)).equals(theirs)).toBe(true)
    expect(plain(noiseCrypto.chaCha20Poly1305Decrypt(theirs, nonce, NO_AD, key)).equals(data)).toBe(true)
  })

  it('counts additional data of every length, in frames of every size, and opens none with it that no handshake needs', () => {
    fc.assert(
      fc.property(sizeOfAFrame, fc.integer({ min: 1, max: 100 }), (size, adLength) => {
        // The stock WebAssembly, which seals small handshakes, has no room for more.
        const ad = randomBytes(size < 1_200 ? Math.min(adLength, 32) : adLength)
        const [key, nonce, data] = [randomBytes(32), randomBytes(12), randomBytes(size)]
        const theirs = seal(data, nonce, ad, key)
        expect(plain(noiseCrypto.chaCha20Poly1305Encrypt(data, nonce, ad, key)).equals(theirs)).toBe(true)
        expect(() => noiseCrypto.chaCha20Poly1305Decrypt(theirs, nonce, NO_AD, key)).toThrow()
        const opened = () => noiseCrypto.chaCha20Poly1305Decrypt(theirs, nonce, ad, key)
        if (theirs.length > MAX_HANDSHAKE) expect(opened).toThrow('too long')
        else expect(plain(opened()).equals(data)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('does not care how the bytes are cut into chunks, nor change those that it is given', () => {
    fc.assert(
      fc.property(sizeOfAFrame, fc.array(fc.nat(20_000), { maxLength: 12 }), (size, cuts) => {
        const [key, nonce, data] = [randomBytes(32), randomBytes(12), randomBytes(size)]
        const given = Buffer.from(data)
        const sealed = plain(noiseCrypto.chaCha20Poly1305Encrypt(inChunks(given, cuts), nonce, NO_AD, key))
        expect(given.equals(data)).toBe(true)
        expect(open(sealed, nonce, NO_AD, key).equals(data)).toBe(true)
        const received = Buffer.from(sealed)
        const opened = noiseCrypto.chaCha20Poly1305Decrypt(inChunks(received, cuts), nonce, NO_AD, key)
        expect(plain(opened).equals(data)).toBe(true)
        expect(received.equals(sealed)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses a frame of which one bit is wrong, wherever it is', () => {
    fc.assert(
      fc.property(
        sizeOfAFrame,
        fc.nat(),
        fc.nat(7),
        fc.array(fc.nat(20_000), { maxLength: 3 }),
        (size, at, bit, cuts) => {
          const [key, nonce] = [randomBytes(32), randomBytes(12)]
          const sealed = seal(randomBytes(size), nonce, NO_AD, key)
          // Half of them in the tag.
          const place = at % 2 === 0 ? at % sealed.length : sealed.length - 1 - (at % TAG)
          sealed[place]! ^= 1 << bit
          expect(() => noiseCrypto.chaCha20Poly1305Decrypt(inChunks(sealed, cuts), nonce, NO_AD, key)).toThrow()
        },
      ),
      { numRuns: 500 },
    )
  })

  it('refuses what is too short for a tag', () => {
    const { key, nonce } = VECTOR
    for (let length = 0; length < TAG; length++) {
      const frame = new Uint8Array(length)
      expect(() => noiseCrypto.chaCha20Poly1305Decrypt(frame, nonce, NO_AD, key)).toThrow('shorter than its tag')
      expect(() => noiseCrypto.chaCha20Poly1305Decrypt(new Uint8ArrayList(frame), nonce, NO_AD, key)).toThrow()
    }
  })
})
