/** The answering side of a protocol: which requests are its own, and what it says of the others. */
import { describe, expect, it } from '@jest/globals'
import { Subject } from 'rxjs'
import { stream, unary, utf8, type P2pNode } from 'tinyp2p'
import { encodeCall } from '../../src/protocol/call.js'
import { tablesOf } from '../../src/protocol/definition.js'
import { serve } from '../../src/protocol/serve.js'
import { bytes } from '../support/bytes.js'
import { thrown } from '../support/promises.js'

const tables = tablesOf({
  name: 'chain',
  codecs: {},
  methods: { upper: unary(utf8, utf8), list: stream(utf8, utf8) },
  topics: {},
})

const handlers = {
  upper: (text: unknown) => (text as string).toUpperCase(),
  list: (): unknown => 'no stream',
}

/** What the request was answered; `undefined`: it was left to others. */
async function answerTo(data: Uint8Array): Promise<unknown> {
  const requests$ = new Subject<object>()
  serve(tables, { requests$ } as unknown as P2pNode, handlers)
  let answer: unknown
  requests$.next({
    data,
    from: 'bob',
    respond: (value: unknown) => (answer = value),
    reject: (reason: unknown) => (answer = { rejected: reason }),
  })
  try {
    return await answer
  } catch (error) {
    return { failed: error }
  }
}

describe('a request', () => {
  it('of the protocol is decoded, handled, and its answer encoded', async () => {
    expect(await answerTo(encodeCall('chain/upper', bytes('a')))).toEqual(bytes('A'))
  })

  it.each(['other/upper', 'chain2/upper', 'upper'])('named %s is left to others', async (name) => {
    expect(await answerTo(encodeCall(name, bytes('a')))).toBeUndefined()
  })

  it('of a method that the protocol does not have is rejected', async () => {
    expect(await answerTo(encodeCall('chain/lower', bytes('a')))).toEqual({
      rejected: { code: 'UnknownMethod', message: 'there is no method lower here' },
    })
  })

  it('that cannot be decoded fails with a code that its asker may see', async () => {
    expect(await answerTo(encodeCall('chain/upper', Uint8Array.of(0xff)))).toMatchObject({
      failed: { code: 'BadRequest', expose: true },
    })
  })

  it('for a stream has to be answered with one, and the fault is not told', async () => {
    const { failed } = (await answerTo(encodeCall('chain/list', bytes('a')))) as { failed: object }
    expect(failed).toBeInstanceOf(TypeError)
    expect(failed).not.toHaveProperty('expose')
  })
})

describe('serving', () => {
  it('needs a handler for each method', () => {
    const node = { requests$: new Subject() } as unknown as P2pNode
    expect(thrown(() => serve(tables, node, { upper: handlers.upper }))).toMatchObject({ code: 'InvalidConfig' })
  })

  it('takes for a handler nothing that every object has', () => {
    const node = { requests$: new Subject() } as unknown as P2pNode
    const odd = { ...tables, methods: new Map([['toString', tables.methods.get('upper')!]]) }
    expect(thrown(() => serve(odd, node, {}))).toMatchObject({ code: 'InvalidConfig' })
    expect(() => serve(odd, node, { toString: handlers.upper })).not.toThrow()
  })
})
