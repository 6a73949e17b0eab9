/** Bytes for a spec to send, and how it reads those that come: no node, no socket. */

/** A text as bytes, or so many bytes of which each is 7. */
export function bytes(content: string | number): Uint8Array {
  return typeof content === 'number' ? new Uint8Array(content).fill(7) : new TextEncoder().encode(content)
}

export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content)
}

/** The text of a message. */
export const textOf = ({ data }: { data: Uint8Array }): string => text(data)

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
