/** What a definition becomes, and what is none. */
import { describe, expect, it } from '@jest/globals'
import { nothing, utf8 } from '../../src/protocol/codecs.js'
import { defineProtocol } from '../../src/protocol/define.js'
import { stream, tablesOf, unary } from '../../src/protocol/definition.js'

const method = unary(nothing, nothing)

describe('a definition', () => {
  it('becomes tables, with its codecs in place of their names', () => {
    const { name, methods, topics } = tablesOf({
      name: 'chain',
      codecs: { text: utf8 },
      methods: { tip: unary(nothing, 'text'), since: stream('text', utf8) },
      topics: { mined: 'text' },
    })
    expect(name).toBe('chain')
    expect(methods.get('tip')).toEqual({ kind: 'unary', request: nothing, reply: utf8 })
    expect(methods.get('since')).toEqual({ kind: 'stream', request: utf8, reply: utf8 })
    expect([...topics]).toEqual([['mined', { wire: 'chain/mined', codec: utf8 }]])
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'the definition of a protocol must be an object, not undefined'],
    ['a name with a space', { name: 'a b' }, "a protocol's name has 1 to 64 letters"],
    ['a name that is too long', { name: 'x'.repeat(65) }, "a protocol's name has 1 to 64 letters"],
    ['methods that are none', { methods: 7 }, 'methods must be an object, not 7'],
    [
      'a method without a kind',
      { methods: { tip: {} } },
      'methods.tip must be unary(…) or stream(…), not an object ()',
    ],
    [
      'a method that would make a promise of a peer',
      { methods: { then: method } },
      '"then" cannot be the name of a method',
    ],
    ['a method with a slash', { methods: { 'a/b': method } }, '"a/b" cannot be the name of a method'],
    [
      'a method without a codec',
      { methods: { tip: unary(nothing, undefined) } },
      'methods.tip needs a codec, a schema',
    ],
    [
      'a name that no codec has',
      { codecs: { block: utf8 }, methods: { tip: unary(nothing, 'blok') } },
      'in codecs, not "blok"',
    ],
    ['a codec that is none', { codecs: { block: {} } }, 'codecs.block needs a codec'],
    ['a topic without a codec', { topics: { mined: 7 } }, 'topics.mined needs a codec'],
    ['a topic without a name', { topics: { '': utf8 } }, '"" cannot be the name of a topic'],
    ['a topic with half of a character', { topics: { 'a\ud800': utf8 } }, 'must be of whole characters'],
    ['a topic that is too long', { topics: { ['x'.repeat(257)]: utf8 } }, 'cannot be the name of a topic'],
    [
      'a topic that is too long with its protocol',
      { name: 'chain', topics: { ['x'.repeat(251)]: utf8 } },
      'cannot be the name of a topic',
    ],
  ])('is not %s', (_what, definition, message) => {
    expect(() => defineProtocol(definition as object)).toThrow(
      expect.objectContaining({ code: 'InvalidConfig', message: expect.stringContaining(message) }),
    )
  })
})
