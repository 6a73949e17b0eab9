/** Frames of a session by hand, from docs/session.md: numbers as varints, everything else as it is. */
import { encodeVarint } from '../../src/wire/varint.js'

/** `head`: type and flags. */
export function sessionFrame(head: number, id: number, ...body: (number | Uint8Array)[]): Uint8Array {
  const parts = body.map((part) => (typeof part === 'number' ? encodeVarint(part) : part))
  const frame = Buffer.concat([Uint8Array.of(head), encodeVarint(id), ...parts])
  return new Uint8Array(Buffer.concat([encodeVarint(frame.length), frame]))
}
