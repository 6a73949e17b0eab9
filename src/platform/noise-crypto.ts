/**
 * The cipher of every frame that Noise sends and reads: ChaCha20-Poly1305, by Node's crypto or, for the smallest frames, by
 * the WebAssembly that Noise brings along. Each call of Node's costs some microseconds before it has looked at a byte; the
 * WebAssembly begins at once, but takes more than twenty times as long for a byte. They meet at about 250 bytes, for sealing
 * and opening alike (the fastest of many short runs of both in one process, Node 20). Stock Noise changes over at 1,200,
 * where the WebAssembly takes three times as long, and bursts of small requests are of just that size.
 *
 * libsodium's WebAssembly would gain a little below 1,000 bytes: less than a tenth of what such a frame costs in all, which
 * is not worth a dependency. Handshakes, which have additional data, are left to the stock crypto, if they are as short as those of honest
 * nodes: what is in one is decoded before anybody is known, and one of nothing but empty fields takes milliseconds.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'
import { asCrypto, defaultCrypto } from '@chainsafe/libp2p-noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'

/** The longest frame of Noise, bytes. */
export const MAX_FRAME = 65_535

/** Bytes of what a handshake has in one piece. A key of RSA with 8,192 bits and its signature are some 2,100. Stock: as a frame. */
export const MAX_HANDSHAKE = 4_096

const ALGORITHM = 'chacha20-poly1305'
const TAG = 16
const OPTIONS = { authTagLength: TAG }

/** Plaintexts of this size and more are for Node's crypto, bytes. Not every runtime has the cipher (Bun has not): then none are. */
export const WASM_BELOW = hasCipher() ? 256 : Infinity

function hasCipher(): boolean {
  try {
    createCipheriv(ALGORITHM, new Uint8Array(32), new Uint8Array(12), OPTIONS)
    return true
  } catch {
    return false
  }
}

export const noiseCrypto: ICryptoInterface = {
  ...defaultCrypto,

  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (ad.length > 0) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)
    if (plaintext.byteLength < WASM_BELOW) return asCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)
    const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS)
    const sealed = new Uint8ArrayList()
    sealed.append(cipher.update(joined(plaintext)))
    cipher.final()
    sealed.append(cipher.getAuthTag())
    return sealed
  },

  /** Throws if the tag is not right: nothing of the plaintext is let out before that is known. */
  chaCha20Poly1305Decrypt(sealed, nonce, ad, key) {
    if (ad.length > 0) {
      if (sealed.byteLength > MAX_HANDSHAKE) throw new Error('a handshake that is too long')
      return defaultCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key)
    }
    const length = sealed.byteLength - TAG
    if (length < 0) throw new Error('a frame is shorter than its tag')
    if (length < WASM_BELOW) return asCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key)
    const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS)
    decipher.setAuthTag(sealed.subarray(length))
    const body = sealed instanceof Uint8Array ? sealed.subarray(0, length) : sealed.sublist(0, length)
    const plaintext = decipher.update(joined(body))
    decipher.final()
    return plaintext
  },
}

/** Where the chunks of one frame are put together: the cipher has read them before the next frame comes. */
const scratch = new Uint8Array(MAX_FRAME)

/**
 * The bytes in one piece. A call of the cipher for each chunk costs more than copying 64 KiB does, and gives a chunk each:
 * the reader would have to put together what two packets cut.
 */
function joined(data: Uint8Array | Uint8ArrayList): Uint8Array {
  if (data instanceof Uint8Array) return data
  let at = 0
  for (const chunk of data) {
    scratch.set(chunk, at)
    at += chunk.length
  }
  return scratch.subarray(0, at)
}
