import { describe, expect, it } from '@jest/globals'
import { checkAbout } from '../../src/edge/explaining.js'
import { BOB } from '../support/edge.js'
import { thrown } from '../support/promises.js'

describe('what is to be explained', () => {
  it.each<[string, unknown, unknown]>([
    ['a text that is a topic', 'block', { topic: 'block' }],
    ['a text that is a peer id', BOB, { peer: BOB }],
    ['a whole address of a peer', `/ip4/127.0.0.1/tcp/1/p2p/${BOB}`, { peer: BOB }],
    ['a topic by its name', { topic: 'block' }, { topic: 'block' }],
    ['a topic that looks like a peer id', { topic: BOB }, { topic: BOB }],
    ['a peer by its name', { peer: BOB }, { peer: BOB }],
  ])('is %s', (_what, about, checked) => {
    expect(checkAbout(about)).toEqual(checked)
  })

  it.each<[string, unknown, string, string]>([
    ['nothing', undefined, 'InvalidConfig', 'explain takes a topic, a peer, { topic } or { peer }, not undefined'],
    ['null', null, 'InvalidConfig', 'not null'],
    ['a number', 7, 'InvalidConfig', 'not 7'],
    ['an empty text', '', 'InvalidConfig', 'not ""'],
    ['neither', {}, 'InvalidConfig', 'not an object ()'],
    ['both', { topic: 'block', peer: BOB }, 'InvalidConfig', 'not an object (topic, peer)'],
    ['a peer that is none', { peer: 'bob' }, 'InvalidPeerId', '"bob"'],
    ['a topic that is none', { topic: 5 }, 'InvalidConfig', 'not 5'],
  ])('is not %s', (_what, about, code, message) => {
    const refusal = thrown(() => checkAbout(about))
    expect(refusal).toMatchObject({ code })
    expect(refusal.message).toContain(message)
  })
})
