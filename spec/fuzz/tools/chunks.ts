/** Inputs that come in pieces. The first byte says how they are cut, so that a cut is a part of the input. */
import { Random } from '../../../src/testing/network/random.js'
import { count, field } from '../../hostile/tools/protobuf.js'
import { cutSomewhere } from '../../support/mutations.js'

/** The bytes behind the first one, whole and in pieces. */
export function bothWays(input: Uint8Array): { whole: Uint8Array; pieces: Uint8Array[] } {
  const whole = input.subarray(1)
  return { whole, pieces: cutSomewhere(new Random(input[0] ?? 0), whole) }
}

export function text(input: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(input)
}

const encoder = new TextEncoder()

export function utf8(content: string): Uint8Array {
  return encoder.encode(content)
}

export function oneOf<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)]!
}

/** No error that a reader may throw. */
class Unheld extends Error {
  override readonly name = 'Unheld'
}

/** @throws when it does not hold */
export function hold(isSo: boolean, what: string): void {
  if (!isSo) throw new Unheld(`it does not hold that ${what}`)
}

/** Are these the same, as JSON? */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

/** One field of a message again and again, up to so many bytes: an empty one, or a short one. */
export function repeated(random: Random, size: number): Uint8Array {
  const number = 1 + random.below(8)
  const piece = oneOf(random, [() => field(number, ''), () => field(number, 'a'), () => count(number, 1)])()
  const all = new Uint8Array(Math.max(0, size - (size % piece.length)))
  for (let at = 0; at < all.length; at += piece.length) all.set(piece, at)
  return all
}
