/** FNV-1a, 32 bits: a number out of a text or of bytes, for seeds and for the model of the network. No defence against anybody. */

/** The hash of nothing. */
const BASIS = 0x811c9dc5
const PRIME = 0x01000193

/** `hash`: what came before. */
export function fnvOfText(text: string, hash = BASIS): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME)
  return hash
}

export function fnvOfBytes(bytes: Uint8Array, hash = BASIS): number {
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME)
  return hash
}
