/** Keeps a U+FEFF at the start: as the platform's default, it is a mark of the byte order and not part of the text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of UTF-8 bytes, every character of it. Bytes that are not UTF-8 become replacement characters (U+FFFD). */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
