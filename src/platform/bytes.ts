/** Bytes, as fast as the platform can. */

/** Memory with anything in it: for those who write all of it. */
export function allocUnsafe(length: number): Uint8Array {
  return Buffer.allocUnsafe(length)
}

/** The length of the text in UTF-8, bytes. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text)
}
