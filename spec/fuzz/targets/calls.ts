/** Typed requests: names of methods, and the codecs that come with the package. */
import { decodeCall, encodeCall } from '../../../src/wire/call.js'
import { codecOf, json, nothing, utf8 as utf8Codec } from '../../../src/protocol/codecs.js'
import type { StandardSchemaV1 } from '../../../src/protocol/standard-schema.js'
import type { Random } from '../../../src/testing/network/random.js'
import { join } from '../../support/bytes.js'
import type { Target } from '../target.js'
import { hold, oneOf, utf8 } from '../tools/chunks.js'

const calls: Target = {
  name: 'typed requests',
  share: 8,
  most: 1_048_576,
  outcomes: 2,
  good: (random) =>
    encodeCall(`chat/${oneOf(random, ['say', 'hear', '', '__proto__'])}`, random.bytes(random.below(9))),
  read(input) {
    const call = decodeCall(input)
    if (call?.protocol !== 'chat') return 'none'
    hold(call.body.length < input.length, 'nothing is read that is not there')
    return ['say', 'hear'].includes(call.method) ? call.method : 'another method'
  },
}

/** JSON with what is dear, or odd, in it. */
export function someJson(random: Random, depth = 0): string {
  const odd = ['"__proto__"', '"constructor"', '"length"', '"a"', '"\\ud800"']
  switch (random.below(depth > 3 ? 5 : 7)) {
    case 0:
      return oneOf(random, ['null', 'true', '-0', '1e999', '123456789012345678901234567890', '1.5'])
    case 1:
      return String(random.below(70_000))
    case 2:
    case 3:
      return oneOf(random, odd)
    case 4:
      return '""'
    case 5:
      return `[${Array.from({ length: random.below(4) }, () => someJson(random, depth + 1)).join()}]`
    default:
      return `{${Array.from({ length: random.below(4) }, () => `${oneOf(random, odd)}:${someJson(random, depth + 1)}`).join()}}`
  }
}

const schema: StandardSchemaV1 = {
  '~standard': {
    version: 1,
    vendor: 'spec',
    validate: (value) =>
      typeof value === 'object' ? { value } : { issues: [{ message: 'no object', path: ['a', { key: 'b' }] }] },
  },
}

const CODECS = [json(), utf8Codec, nothing, codecOf(schema)!]

const codecs: Target = {
  name: 'codecs',
  share: 8,
  most: 1_048_576,
  // A list of one byte becomes an array.
  memory: 256,
  outcomes: 5,
  // A text that is no JSON, bytes that are no text, and what a schema or `nothing` does not take.
  throws: ['SyntaxError', 'TypeError'],
  good: (random) => join(Uint8Array.of(random.below(CODECS.length)), utf8(someJson(random))),
  large: (random, size) =>
    join(Uint8Array.of(0), utf8(oneOf(random, ['[', '{"a":', '"\\u0041', '1,']).repeat(size / 5))),
  read(input) {
    const value = CODECS[(input[0] ?? 0) % CODECS.length]!.decode(input.subarray(1))
    hold(!Object.hasOwn(Object.prototype, 'a'), 'nobody changes what all objects have')
    return typeof value
  },
}

export const protocols: Target[] = [calls, codecs]
