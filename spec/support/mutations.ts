/** Good bytes made bad: bent a little, spliced, cut, and repeated until they are long. All chance comes from `random`. */
import type { Random } from '../../src/testing/network/random.js'
import { join } from './bytes.js'

/** Where numbers of a format end, as varints and as big-endian numbers. */
const EDGES = [
  [0x00],
  [0x7f],
  [0x80],
  [0xff],
  [0x80, 0x00],
  [0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
].map((edge) => Uint8Array.from(edge))

/** Changes, inserts, leaves out, repeats or overwrites a few bytes, one to three times. */
export function bend(random: Random, bytes: Uint8Array): Uint8Array {
  let bent = bytes
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bent.length + 1)
    const head = bent.subarray(0, at)
    const tail = bent.subarray(at)
    switch (random.below(6)) {
      case 0:
        bent = bent.slice()
        if (at < bent.length) bent[at]! ^= 1 << random.below(8)
        break
      case 1:
        bent = join(head, random.bytes(1 + random.below(3)), tail)
        break
      case 2:
        bent = join(head, tail.subarray(random.below(4)))
        break
      case 3:
        bent = join(head, tail.subarray(0, 5), tail)
        break
      case 4: {
        const edge = EDGES[random.below(EDGES.length)]!
        bent = join(head, edge, tail.subarray(random.below(2) * edge.length))
        break
      }
      default:
        bent = head
    }
  }
  return bent
}

/** The beginning of one and the end of another. */
export function splice(random: Random, one: Uint8Array, other: Uint8Array): Uint8Array {
  return join(one.subarray(0, random.below(one.length + 1)), other.subarray(random.below(other.length + 1)))
}

/** About so many bytes: between the ends of what is given, a piece of it is repeated. */
export function stretch(random: Random, bytes: Uint8Array, size: number): Uint8Array {
  const from = random.below(bytes.length)
  const piece = bytes.subarray(from, from + 1 + random.below(Math.min(64, bytes.length - from)))
  const times = piece.length === 0 ? 0 : Math.max(0, Math.floor((size - bytes.length) / piece.length))
  const middle = new Uint8Array(times * piece.length)
  for (let at = 0; at < middle.length; at += piece.length) middle.set(piece, at)
  return join(bytes.subarray(0, from), middle, bytes.subarray(from))
}

/** Cuts into up to four chunks, none of them empty. */
export function cutSomewhere(random: Random, bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  let left = bytes
  for (let cuts = random.below(4); cuts > 0 && left.length > 1; cuts--) {
    const at = 1 + random.below(left.length - 1)
    chunks.push(left.subarray(0, at))
    left = left.subarray(at)
  }
  if (left.length > 0) chunks.push(left)
  return chunks
}
