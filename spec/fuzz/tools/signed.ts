/** What strangers sign, from a file, so that inputs depend on nothing but their seed: `spec/fixtures/signed.json`. */
import { readFileSync } from 'node:fs'

/** Of one key. The lists are empty where no peer can have a key of its kind. */
export interface Signed {
  type: string
  peer: string
  /** As protobuf. */
  key: Uint8Array
  /** Messages of the topic `news`, as protobuf. */
  messages: Uint8Array[]
  /** Of the same, with their data. */
  proofs: { data: string; proof: Uint8Array }[]
  /** A signed peer record. */
  envelope: Uint8Array
  /** The signature of `STATIC_KEY`, for a handshake of Noise. */
  noise: Uint8Array
}

interface Json extends Record<'type' | 'peer' | 'key' | 'envelope' | 'noise', string> {
  messages: string[]
  proofs: { data: string; proof: string }[]
}

export const STATIC_KEY = new Uint8Array(32).fill(7)

const bytes = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'))
const { signers } = JSON.parse(readFileSync(new URL('../../fixtures/signed.json', import.meta.url), 'utf8')) as {
  signers: Json[]
}

export const SIGNED: readonly Signed[] = signers.map(({ type, peer, key, messages, proofs, envelope, noise }) => ({
  type,
  peer,
  key: bytes(key),
  messages: messages.map(bytes),
  proofs: proofs.map(({ data, proof }) => ({ data, proof: bytes(proof) })),
  envelope: bytes(envelope),
  noise: bytes(noise),
}))
