/** The identity of a node: the Ed25519 private key of which its secret is the seed, and the peer id of the public key. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { base58btc } from 'multiformats/bases/base58'
import { parseSecret } from './secret.js'

/** The private key for js-libp2p. @throws `InvalidSecretKey` */
export async function privateKeyOf(secret: string | Uint8Array): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', parseSecret(secret))
}

/**
 * The peer id of a node with this secret (32 bytes, or base58 of 32 bytes), as text (`12D3KooW…`).
 * @throws `InvalidSecretKey`
 */
export async function peerIdOf(secret: string | Uint8Array): Promise<string> {
  return peerIdFromPrivateKey(await privateKeyOf(secret)).toString()
}

/**
 * The peer id of an Ed25519 public key of 32 bytes: the identity multihash of its protobuf, in base58
 * (https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md). The key is not checked to be a point of the curve.
 */
export function peerIdOfPublicKey(publicKey: Uint8Array): string {
  return base58btc.baseEncode(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...publicKey))
}
