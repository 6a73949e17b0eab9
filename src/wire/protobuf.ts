/**
 * What a message of protocol buffers may hold, looked at before it is decoded: fields are counted, and nothing is made of them. Decoders
 * read a field that is said again and again each time, though the last one counts, so a message of nothing else costs a thousand times what
 * an honest one of its size does.
 */
/** Kinds of values. The others are numbers of 8 and of 4 bytes, and groups, which are in no message that we read. */
const NUMBER = 0
const LONG = 1
const BYTES = 2
const SHORT = 5

/** A field, as its decoder reads it. */
interface Field {
  readonly kind: typeof NUMBER | typeof BYTES
  /** It may be said as often as the message has room for. */
  readonly isMany: boolean
  /** It is a message itself. */
  readonly fields?: Fields
}

/** Those that are known of a message, by their numbers. Messages may have others too. */
export type Fields = Readonly<Record<number, Field>>

export const number: Field = { kind: NUMBER, isMany: false }
export const bytes: Field = { kind: BYTES, isMany: false }

export function one(fields: Fields): Field {
  return { kind: BYTES, isMany: false, fields }
}

export function many(fields?: Fields): Field {
  return { kind: BYTES, isMany: true, ...(fields && { fields }) }
}

/** So many fields of a message may be said that are not said many times: those that are known are six at most, the others are newer. */
const ONCE = 16
/** Bytes of a tag, of a length, and of a number that is known: decoders do not agree about what comes behind longer ones. */
const WORD_BYTES = 5
/** … and of any number. */
const LONGEST = 10

interface Cursor {
  readonly bytes: Uint8Array
  at: number
  /** Fields that may still come. */
  left: number
}

/** @throws when it has more fields than `most`, those of messages in it too, says one again and again that may be there once, or is cut. */
export function checkFields(message: Uint8Array, fields: Fields, most: number): void {
  check({ bytes: message, at: 0, left: most }, message.length, fields)
}

function check(cursor: Cursor, end: number, fields: Fields): void {
  let once = 0
  while (cursor.at < end) {
    if (cursor.left-- <= 0) throw new Error('a message of too many fields')
    const tag = word(cursor)
    const kind = tag & 7
    const field = fields[tag >>> 3]
    // (Decoders do not look at the kind of a field that they know, and would go on elsewhere than we do.)
    if (field !== undefined && field.kind !== kind) throw new Error('a field of another kind')
    if (field?.isMany !== true && ++once > ONCE) throw new Error('a message that says the same again and again')
    skip(cursor, kind, end, field)
    if (cursor.at > end) throw new Error('a message that is cut')
  }
}

/** To behind the value of a field. */
function skip(cursor: Cursor, kind: number, end: number, field: Field | undefined): void {
  if (kind === BYTES) {
    const length = word(cursor)
    const behind = cursor.at + length
    if (field?.fields !== undefined && behind <= end) check(cursor, behind, field.fields)
    cursor.at = behind
  } else if (kind === NUMBER) varint(cursor, field === undefined ? LONGEST : WORD_BYTES)
  else if (kind === LONG) cursor.at += 8
  else if (kind === SHORT) cursor.at += 4
  else throw new Error('a field that cannot be read')
}

function word(cursor: Cursor): number {
  return varint(cursor, WORD_BYTES)
}

/** Those that are not minimal are read too, as decoders do. */
function varint(cursor: Cursor, most: number): number {
  const { bytes: all } = cursor
  let value = 0
  let scale = 1
  for (let size = 0; size < most; size++) {
    const byte = all[cursor.at++]
    if (byte === undefined) break
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 0x80
  }
  throw new Error('a number that does not end')
}
