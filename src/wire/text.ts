/** Texts of others: bytes as text, and text that may be shown. */

/** Keeps a U+FEFF at the start, which by default is taken for a mark of the byte order and dropped. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of UTF-8 bytes, every character of it. Bytes that are not UTF-8 become replacement characters (U+FFFD). */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** Half of a pair of UTF-16 without the other half: no bytes can say it, and `TextEncoder` writes U+FFFD in its place. */
const HALF = /\p{Cs}/u

/** Whether UTF-8 can say the text. */
export function isWellFormed(text: string): boolean {
  return !HALF.test(text)
}

/** Control characters (C0, DEL, C1), formats (marks of direction among them), halves of pairs, ends of lines and paragraphs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * The text on one line, without what a terminal, a log or a reader would take for more than text: each such character becomes U+FFFD. Of
 * a text with more than `most` UTF-16 units the beginning is left, with `…` as its end.
 */
export function printable(text: string, most = Infinity): string {
  const isLong = text.length > most
  const shown = (isLong ? text.slice(0, most - 1) : text).replace(UNPRINTABLE, '\ufffd')
  return isLong ? `${shown}…` : shown
}
