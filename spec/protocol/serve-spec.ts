/** The answering side of a protocol. */
import { describe, expect, it } from '@jest/globals'
import { stream, unary, utf8, type P2pNode } from 'tinyp2p'
import { encodeCall } from '../../src/wire/call.js'
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

/** A node that only notes what is served. */
function serving() {
  const servers = new Map<string, (request: object) => void>()
  const add = (name: string, server: (request: object) => void): void => void servers.set(name, server)
  return { servers, node: { serve: add } as unknown as P2pNode }
}

/** What the request was answered. */
async function answerTo(data: Uint8Array): Promise<unknown> {
  const { node, servers } = serving()
  serve(tables, node, handlers)
  let answer: unknown
  servers.get('chain')!({
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
    const { node } = serving()
    expect(thrown(() => serve(tables, node, { upper: handlers.upper }))).toMatchObject({ code: 'InvalidConfig' })
  })

  it('refuses a handler without a method', () => {
    const { node } = serving()
    const misspelt = thrown(() => serve(tables, node, { ...handlers, uper: handlers.upper }))
    expect(misspelt).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('no method "uper"') })
  })

  it('takes for a handler nothing that every object has', () => {
    const { node } = serving()
    const odd = { ...tables, methods: new Map([['toString', tables.methods.get('upper')!]]) }
    expect(thrown(() => serve(odd, node, {}))).toMatchObject({ code: 'InvalidConfig' })
    expect(() => serve(odd, node, { toString: handlers.upper })).not.toThrow()
  })
})
