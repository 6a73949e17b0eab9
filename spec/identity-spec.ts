import { describe, expect, it, test } from '@jest/globals'
import fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import { P2pError } from '../src/errors.js'
import { peerIdOf, privateKeyOf } from '../src/identity.js'
import { newSecret, parseSecret } from '../src/secret.js'

const secret = 'XZYk2USPCmrRp7mCu5pT8XuQKprUf58qESu4QcQv9rJ'
const peerId = '12D3KooWSoC2ngFnfgSZcyJibKmZ2G58kbFcpmSPSSvDxeqkBLJc'

function refusalOf(bad: unknown): P2pError {
  try {
    parseSecret(bad)
  } catch (error) {
    expect(error).toBeInstanceOf(P2pError)
    return error as P2pError
  }
  throw new Error('it was taken')
}

describe('newSecret', () => {
  it('makes 32 bytes in base58 that differ each time', () => {
    const secrets = Array.from({ length: 100 }, newSecret)
    expect(new Set(secrets).size).toBe(100)
    for (const one of secrets) expect(parseSecret(one)).toHaveLength(32)
  })
})

describe('parseSecret', () => {
  it('takes any 32 bytes, as text or as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(parseSecret(base58btc.baseEncode(bytes))).toEqual(Uint8Array.from(bytes))
        expect(parseSecret(bytes)).toEqual(Uint8Array.from(bytes))
      }),
    )
  })

  it('gives a plain copy of bytes that the caller may change later', () => {
    const bytes = Buffer.alloc(32, 7)
    const parsed = parseSecret(bytes)
    bytes.fill(0)
    expect(parsed).toEqual(new Uint8Array(32).fill(7))
    expect(Buffer.isBuffer(parsed)).toBe(false)
  })

  test.each<[string, unknown, string]>([
    ['an empty text', '', 'it is empty'],
    ['a letter that base58 leaves out', secret.replace('9', '0'), 'character 41 of 43 is not one of base58'],
    ['a line break at the end', `${secret}\n`, 'character 44 of 44 is not one of base58'],
    ['a character beyond Latin-1', `🔑${secret.slice(2)}`, 'character 1 of 43 is not one of base58'],
    ['a text of too few bytes', secret.slice(0, 30), 'it is 22 bytes long'],
    ['a text of too many bytes', 'z'.repeat(44), 'it is 33 bytes long'],
    ['a text that is far too long', 'z'.repeat(1_000_000), 'it has 1000000 characters'],
    ['too few bytes', new Uint8Array(31), 'it is 31 bytes long'],
    ['secret and public key in one', new Uint8Array(64), 'it is 64 bytes long'],
    ['something else', 42, 'of type number'],
    ['null', null, 'but null'],
  ])('refuses %s, says why and does not show it', (_, bad, why) => {
    const { code, message } = refusalOf(bad)
    expect(code).toBe('InvalidSecretKey')
    expect(message).toContain(why)
    expect(message).toContain('newSecret()')
    if (typeof bad === 'string' && bad !== '') expect(message).not.toContain(bad.slice(0, 8))
  })
})

describe('peerIdOf', () => {
  it('is the peer id that the Rust tinyp2p has with the same secret', async () => {
    await expect(peerIdOf(secret)).resolves.toBe(peerId)
    await expect(peerIdOf(parseSecret(secret))).resolves.toBe(peerId)
  })

  it('rejects a bad secret', async () => {
    await expect(peerIdOf('l')).rejects.toMatchObject({ code: 'InvalidSecretKey' })
  })
})

describe('privateKeyOf', () => {
  it('is the Ed25519 key whose seed is the secret', async () => {
    const key = await privateKeyOf(secret)
    expect(key.type).toBe('Ed25519')
    expect(key.raw.subarray(0, 32)).toEqual(parseSecret(secret))
  })
})
