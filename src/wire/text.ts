/** Keeps a U+FEFF at the start, which by default is taken for a mark of the byte order and dropped. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of UTF-8 bytes, every character of it. Bytes that are not UTF-8 become replacement characters (U+FFFD). */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
