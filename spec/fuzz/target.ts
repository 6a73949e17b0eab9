/** What is fuzzed: a reader of bytes that a stranger chooses, and what good bytes look like. */
import { Random } from '../../src/testing/network/random.js'
import { bend, splice, stretch } from '../support/mutations.js'

export interface Target {
  readonly name: string
  /** Its part of all inputs, beside those of the others. */
  readonly share: number
  /** The longest input that can come, bytes. */
  readonly most: number
  /** Names of the errors that it throws for bad bytes, or name and beginning of the message: `TypeError: Invalid URL`. */
  readonly throws?: readonly string[]
  /** It may allocate so many bytes for each byte of an input, and so many for any. Default: 64, 1 MiB. */
  readonly memory?: number
  readonly room?: number
  /** An input may take so long, ms. Default: 50. */
  readonly time?: number
  /** So many different outcomes there are at least. Default: 3. */
  readonly outcomes?: number
  /** Before the first input. */
  prepare?(): Promise<void> | void
  /** After the last one. */
  end?(): Promise<void> | void
  /** An input as it should be. */
  good(random: Random): Uint8Array
  /** One of about this size. Default: a good one, of which a piece is repeated. */
  large?(random: Random, size: number): Uint8Array
  /** Reads an input, and names what came of it in a few words. */
  read(input: Uint8Array): string | Promise<string>
}

/** Inputs that have one seed. What goes wrong is looked for again in a batch. */
export const BATCH = 512
/** Good inputs of a batch, of which the others are made. */
const POOL = 32
/** A good one is grown to this size now and then. */
const MEDIUM = 2_048

function seedOf(target: Target, seed: string, batch: number): string {
  return `${seed}/${target.name}/${batch}`
}

/** The inputs of a batch: noise, good ones, bent ones, spliced ones, grown ones. The same for the same seed. */
export function* inputsOf(target: Target, seed: string, batch: number): Generator<Uint8Array> {
  const random = new Random(seedOf(target, seed, batch))
  const pool = Array.from({ length: POOL }, () => target.good(random))
  const some = (): Uint8Array => pool[random.below(POOL)]!
  for (let index = 0; index < BATCH; index++) yield input(random, some).subarray(0, target.most)
}

function input(random: Random, some: () => Uint8Array): Uint8Array {
  const kind = random.below(20)
  if (kind < 2) return random.bytes(random.below(kind === 0 ? 64 : 8))
  if (kind < 6) return some()
  if (kind < 16) return bend(random, some())
  if (kind < 18) return splice(random, some(), some())
  if (kind < 19) return bend(random, splice(random, some(), some()))
  return random.below(4) === 0 ? stretch(random, some(), random.below(MEDIUM)) : some()
}

/** A long input of a batch, the same for the same seed; `part`: how many times shorter than that. */
export function largeOf(target: Target, seed: string, batch: number, part = 1): Uint8Array {
  const random = new Random(`${seedOf(target, seed, batch)}/large`)
  const size = Math.floor((target.most * (1 + random.below(4))) / 4 / part)
  const large = target.large?.(random, size) ?? stretch(random, target.good(random), size)
  return large.subarray(0, target.most)
}
