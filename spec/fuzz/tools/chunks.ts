/** Inputs that come in pieces. The first byte says how they are cut, so that a cut is a part of the input. */
import { Random } from '../../../src/testing/network/random.js'
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
