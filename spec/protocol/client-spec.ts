/** The asking side of a protocol, over a node that only notes what it is asked. */
import { describe, expect, it } from '@jest/globals'
import { firstValueFrom, of, Subject, toArray } from 'rxjs'
import { json, stream, unary, utf8, type P2pNode } from 'tinyp2p'
import type { Broadcast } from '../../src/edge/broadcasts/broadcasts.js'
import { encodeCall } from '../../src/wire/call.js'
import { TableClient } from '../../src/protocol/table-client.js'
import { tablesOf } from '../../src/protocol/definition.js'
import { bytes } from '../support/bytes.js'

const tables = tablesOf({
  name: 'chain',
  codecs: {},
  methods: { upper: unary(utf8, utf8), count: stream(json<number>(), json<number>()) },
  topics: { said: json<string>() },
})

function asking(reply: Uint8Array = bytes('A')) {
  const asked: unknown[][] = []
  const heard$ = new Subject<Broadcast>()
  const node = {
    request: (...all: unknown[]) => (asked.push(['request', ...all]), Promise.resolve(reply)),
    request$: (...all: unknown[]) => (asked.push(['request$', ...all]), of(reply)),
    broadcast: (...all: unknown[]) => (asked.push(['broadcast', ...all]), Promise.resolve({ recipients: ['bob'] })),
    broadcasts$: (...all: unknown[]) => (asked.push(['broadcasts$', ...all]), heard$),
  }
  return { client: new TableClient(tables, node as unknown as P2pNode), asked, heard$ }
}

describe('a call', () => {
  it('of a method with one answer is one request, and of a stream a request of values', async () => {
    const { client, asked } = asking(bytes('7'))
    const { upper, count } = client.peer('bob')
    expect(await upper!('a')).toBe('7')
    expect(await firstValueFrom((count!(3, { buffer: 2 }) as Subject<number>).pipe(toArray()))).toEqual([7])
    expect(asked).toEqual([
      ['request', 'bob', encodeCall('chain/upper', bytes('a')), { timeout: expect.closeTo(10_000, -2) }],
      ['request$', 'bob', encodeCall('chain/count', bytes('3')), { timeout: expect.closeTo(10_000, -2), buffer: 2 }],
    ])
  })

  it('whose value cannot be encoded asks nothing', async () => {
    const { client, asked } = asking()
    await expect(client.peer('bob').upper!(7)).rejects.toMatchObject({ code: 'InvalidConfig' })
    expect(asked).toEqual([])
  })

  it('whose answer cannot be decoded has been answered: it is no failure of the connection', async () => {
    const { client } = asking(bytes('{'))
    const { count } = client.peer('bob')
    await expect(firstValueFrom(count!(3) as Subject<number>)).rejects.toMatchObject({ code: 'InvalidResponse' })
  })
})

describe('a broadcast', () => {
  const broadcast = (data: Uint8Array): Broadcast => ({ topic: 'chain/said', data, from: 'bob', via: 'carol' })

  it('goes out on the topic as it is named on the wire, encoded', async () => {
    const { client, asked } = asking()
    expect(await client.broadcast('said', 'hi')).toEqual({ recipients: ['bob'] })
    expect(asked).toEqual([['broadcast', 'chain/said', bytes('"hi"'), undefined]])
  })

  it('is heard by the name of its topic; what cannot be decoded is counted, and ends nothing', () => {
    const { client, heard$ } = asking()
    const heard: unknown[] = []
    client.broadcasts$('said').subscribe((one) => heard.push(one))
    for (const text of ['{', '"a"']) heard$.next(broadcast(bytes(text)))
    expect(heard).toEqual([{ topic: 'said', data: 'a', from: 'bob', via: 'carol' }])
    expect(client.dropped).toBe(1)
  })

  it('is of a topic that the protocol has', async () => {
    const { client } = asking()
    await expect(client.broadcast('other', 'hi')).rejects.toMatchObject({ code: 'InvalidConfig' })
    expect(() => client.broadcasts$('other')).toThrow('the protocol has no topic "other"')
  })
})
